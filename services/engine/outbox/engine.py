"""The engine of a service: Kafka batches in, one durable transaction each, deliveries and events out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from math import inf

from contracts.validation import plain
from services.engine.clock import Clock
from services.engine.kafka.record import Record, positions_after
from services.engine.outbox import outbox
from services.engine.outbox.handlers import ServiceRules
from services.engine.outbox.lane import Row, load_cause
from services.engine.outbox.outcome import Refused, Unknown
from services.engine.outbox.settle import Pair, settle
from services.engine.outbox.subjects import mark_all_dirty, next_decision_at, read_undecided
from services.engine.outbox.work import Work
from services.engine.state.database import Database, write_meta
from services.engine.state.group_commit import GroupCommit
from services.engine.state.store import save_positions

log = logging.getLogger(__name__)
DECIDE_AT_ONCE = 500


class Engine:
    """Runs a service's rules over its state database. Relays open only after `catch_up_done`."""

    def __init__(self, rules: ServiceRules, database: Database, clock: Clock) -> None:
        self.rules, self.database, self.clock = rules, database, clock
        self.caught_up = asyncio.Event()
        self.on_change: list[Callable[[], None]] = []
        self.on_contradiction: Callable[[], None] = _nothing
        """Called when a record contradicts what is known: the log may be another one."""
        self.wait_until_confirmed: Callable[[], Awaitable[None]] = _at_once
        """Returns when no other instance can be at work."""
        self._settling: GroupCommit[Sequence[Pair]] = GroupCommit(self._settle)

    @asynccontextmanager
    async def work(self) -> AsyncIterator[Work]:
        """One transaction: what the block remembers and announces is decided, written and committed when it ends."""
        async with self.database.write() as connection:
            work = Work(connection, self.rules, self.clock())
            yield work
            await (work.decide() if self.caught_up.is_set() else work.defer())
            await work.flush()
        for changed in self.on_change:
            changed()

    async def take(self, records: Sequence[Record]) -> None:
        """Handle a batch of Kafka records. When this returns it is durable, and the offsets may be committed."""
        read = await self.rules.unseal(records)
        async with self.work() as work:
            stated = await work.take(read)
            if not self.caught_up.is_set():
                await outbox.delete_published(work.connection, stated)
            await save_positions(work.connection, positions_after(records))
        if work.contradicted:
            self.on_contradiction()

    async def settle(self, pairs: Sequence[Pair]) -> None:
        """Make outcomes durable, many deliveries to one transaction."""
        await self._settling.submit(pairs)

    async def _settle(self, groups: Sequence[Sequence[Pair]]) -> None:
        pairs = [pair for group in groups for pair in group]
        try:
            await self._write(pairs)
        except Exception:
            log.exception("outcomes could not be written together", extra={"deliveries": len(pairs)})
            for pair in pairs:
                await self._settle_alone(pair)

    async def _settle_alone(self, pair: Pair) -> None:
        """One outcome that cannot be written must not hold up the others: its delivery is looked at again later."""
        try:
            await self._write([pair])
        except Exception as error:
            log.exception("an outcome cannot be written", extra={"delivery": pair[0].id})
            await self._write([(pair[0], Unknown(f"its outcome cannot be written: {plain(error)}"))])

    async def _write(self, pairs: Sequence[Pair]) -> None:
        async with self.work() as work:
            await settle(work, pairs)

    async def claim(self, lane: str, limit: int, skip: Collection[str]) -> list[Row]:
        """The next due rows of a lane, once everything that was known at the start has been read."""
        await self.caught_up.wait()
        await self.wait_until_confirmed()
        async with self.database.read() as connection:
            return await outbox.select_due(connection, lane, self.clock().timestamp(), limit, skip)

    async def wait_due(self, lane: str, skip: Collection[str]) -> float:
        """Seconds until a row of the lane may be due that is not among those to skip."""
        async with self.database.read() as connection:
            due = await outbox.next_due_at(connection, lane, skip)
        return float("inf") if due is None else max(0.05, due - self.clock().timestamp())

    async def set_fingerprint(self, fingerprint: str) -> None:
        """Note the settings that the rules run under; when they have changed every subject is decided again."""
        async with self.database.write() as connection:
            if await write_meta(connection, "settings", fingerprint) not in (None, fingerprint):
                await mark_all_dirty(connection)

    async def finish_catch_up(self) -> None:
        """Everything known at the start has been read: decide what was deferred, then open the relays."""
        while await self.decide_due():
            continue
        self.caught_up.set()
        for changed in self.on_change:
            changed()

    async def decide_due(self) -> int:
        """Decide subjects whose time has come; gives how many."""
        async with self.database.read() as connection:
            found = await read_undecided(connection, self.clock().timestamp(), DECIDE_AT_ONCE)
        if found:
            await self._decide(found.items())
        return len(found)

    async def _decide(self, subjects: Iterable[tuple[str, str | None]]) -> None:
        async with self.database.write() as connection:
            work = Work(connection, self.rules, self.clock())
            for subject, cause in subjects:
                work.touch(subject, load_cause(cause))
            await work.decide()
            await work.flush()
        for changed in self.on_change:
            changed()

    async def seconds_until_due(self) -> float:
        """Seconds until a subject must be decided again or a blocked row is overdue, as far as is known now."""
        async with self.database.read() as connection:
            moments = await next_decision_at(connection), await outbox.first_deadline(connection)
        return max(0.0, min((at for at in moments if at is not None), default=inf) - self.clock().timestamp())

    async def dead_letter_overdue(self) -> None:
        """Turn rows that have been blocked past their deadline into dead letters."""
        async with self.database.read() as connection:
            found = await outbox.select_overdue(connection, self.clock().timestamp())
        if found:
            await self.settle([(row, Refused(reason, detail)) for row, reason, detail in found])


def _nothing() -> None:
    """Where nobody compares the log."""


async def _at_once() -> None:
    """Where nobody else can be at work."""
