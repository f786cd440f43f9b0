"""Publishes the events of the outbox: in order, pipelined, and removed from it in one transaction."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import orjson
from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    InvalidTopicError,
    KafkaError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
)
from sqlalchemy import bindparam, delete, select, tuple_

from services.engine.backoff import unavailable_wait
from services.engine.state.database import Database
from services.engine.state.sql import execute_many
from services.engine.state.tables import events

log = logging.getLogger(__name__)
MAX_EVENTS = 1000
STOP_TIMEOUT = 5.0
"""Seconds in which a producer sends what it still holds; while the broker is down it would wait for ever."""
Seal = Callable[[Sequence[bytes]], Awaitable[Sequence[bytes]]]
"""Encrypts the personal data in values that are about to be published."""
_PAGE = (
    select(events)
    .where(events.c.seq > bindparam("after"), events.c.seq <= bindparam("until"))
    .order_by(events.c.seq)
    .limit(MAX_EVENTS)
)
_SLOT = tuple_(events.c.topic, events.c.key)
_NOT_BEHIND = _PAGE.where(_SLOT.not_in(select(events.c.topic, events.c.key).where(events.c.seq <= bindparam("after"))))
"""Without events whose key has an earlier event that waits: they would be published in the wrong order."""
_LAST = 2**63 - 1
_REMOVE = delete(events).where(events.c.seq == bindparam("a_seq"))
_TOO_LARGE = "raise max.message.bytes of its topic: davtari topics create --fix sets what Davtari needs"
_FIXES: Mapping[type[BaseException], str] = {
    MessageSizeTooLargeError: _TOO_LARGE,
    RecordListTooLargeError: _TOO_LARGE,
    InvalidTopicError: "give kafka.topic-prefix a name that Kafka allows",
    TopicAuthorizationFailedError: "grant kafka.user-name the right Write on its topics (ops/acl)",
    ClusterAuthorizationFailedError: "grant kafka.user-name the right IdempotentWrite on the cluster (ops/acl)",
}
"""Errors that do not go away by sending again, and what a person does about them."""


class RenewableProducer:
    """A producer that can be replaced. `create` returns a new one.

    After Kafka has refused a send, the sequence numbers of an idempotent producer no longer match (out of order
    sequence, unknown producer id, fenced), and every further send would be refused. An unavailable broker is different:
    the producer keeps its records, in order, and sends them when the broker is back.
    """

    def __init__(self, create: Callable[[], AIOKafkaProducer]) -> None:
        self._create = create
        self._producer: AIOKafkaProducer | None = None

    async def start(self) -> None:
        """Connect. Raises `KafkaUnreachable`."""
        producer = self._create()
        try:
            await producer.start()
        except BaseException:
            await producer.stop()
            raise
        self._producer = producer

    async def send(self, topic: str, **record: Any) -> asyncio.Future[Any]:
        """Queue a record; the future completes when Kafka has acknowledged or refused it. Raises `KafkaError`."""
        sent: asyncio.Future[Any] = await (await self._connected()).send(topic, **record)
        return sent

    async def send_and_wait(self, topic: str, **record: Any) -> None:
        """Send a record and wait for the acknowledgement. Raises `KafkaError`."""
        await (await self._connected()).send_and_wait(topic, **record)

    async def renew(self) -> None:
        """Replace the producer, whose sequence numbers no longer match. Raises `KafkaUnreachable`."""
        log.warning("the producer is replaced: Kafka has refused a send")
        await self.stop()
        await self.start()

    async def stop(self) -> None:
        """Send what is left, if the broker is available, and disconnect."""
        producer, self._producer = self._producer, None
        if producer is None:
            return
        try:
            async with asyncio.timeout(STOP_TIMEOUT):
                await producer.stop()
        except TimeoutError:
            log.info("the broker is unavailable; events are published at the next start")

    async def _connected(self) -> AIOKafkaProducer:
        if self._producer is None:
            await self.start()
        assert self._producer is not None
        return self._producer


async def leave_unsealed(values: Sequence[bytes]) -> Sequence[bytes]:
    """Return the values unchanged."""
    return values


@dataclass(slots=True)
class RefusedEvents:
    """The part of the outbox in which only refused events are left, and events behind them: up to the row `end`.

    What follows is published meanwhile. The part is tried again page by page, from `tried` on, when `retry_at` comes.
    However many events are refused, only these numbers are in memory.
    """

    end: int = 0
    tried: int = 0
    retry_at: float = 0.0

    def next_page(self, now: float) -> tuple[int, int]:
        """The rows that are read next, as (after, until)."""
        return (self.tried, self.end) if self.end and now >= self.retry_at else (self.end, _LAST)

    def note_tried(self, rows: Sequence[Any], acknowledged: int) -> None:
        """After a page of this part was sent again: continue behind it, or from the start."""
        is_full = len(rows) == MAX_EVENTS
        if not is_full and not self.tried and acknowledged == len(rows):
            self.end = 0
        self.tried = rows[-1].seq if is_full else 0

    def pause(self, now: float) -> float | None:
        """Seconds until a page of this part may be sent again; None if there is none."""
        return max(0.0, self.retry_at - now) if self.end else None


class Publisher:
    """Publishes the events of one database until cancelled.

    A send that is not acknowledged in time is unknown, not failed: the next round waits for it again, since the
    producer sends it as soon as it can. What Kafka has refused is sent again by a new producer, which is safe: an event
    keeps its id and version. What Kafka has acknowledged is never sent again.

    What Kafka will refuse until a person does something is passed over: other events do not wait for it.
    """

    def __init__(
        self,
        database: Database,
        producer: RenewableProducer,
        prefix: str,
        timeout: float,
        seal: Seal = leave_unsealed,
    ) -> None:
        self._database, self._producer, self._prefix, self._timeout = database, producer, prefix, timeout
        self._seal = seal
        self._wake = asyncio.Event()
        self._in_flight: dict[int, asyncio.Future[Any]] = {}
        self._refused = RefusedEvents()
        self._page = (0, _LAST)
        self.failures = 0
        self.why = ""

    def wake(self) -> None:
        """There may be events to publish."""
        self._wake.set()

    async def run(self) -> None:
        """Publish all events, then wait for `wake` or for the next attempt with refused events, until cancelled."""
        while True:
            self._wake.clear()
            if not await self.publish_once():
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._refused.pause(time.monotonic())):
                        await self._wake.wait()

    async def publish_once(self) -> int:
        """Publish the next events, at most `MAX_EVENTS`, and return how many. Waits while the broker is unavailable."""
        if not self._in_flight:
            self._page = self._refused.next_page(time.monotonic())
        after, until = self._page
        async with self._database.read() as connection:
            query = _NOT_BEHIND if after else _PAGE
            rows = (await connection.execute(query, {"after": after, "until": until})).all()
        if not rows and self._is_retry:
            self._refused.note_tried(rows, 0)
            self._note_success()
        elif rows and (acknowledged := await self._send_all(rows)):
            async with self._database.write() as connection:
                await execute_many(connection, _REMOVE, [{"a_seq": seq} for seq in acknowledged])
        return len(rows)

    @property
    def _is_retry(self) -> bool:
        return self._page[1] != _LAST

    async def _send_all(self, rows: Sequence[Any]) -> list[int]:
        """Send the events. Returns those that Kafka has, unless it refuses an earlier one of the same key."""
        try:
            async with asyncio.timeout(self._timeout):
                await self._queue([row for row in self._sendable(rows) if row.seq not in self._in_flight])
                await asyncio.wait(self._in_flight.values())
        except (TimeoutError, KafkaError, ConnectionError) as error:
            await self._wait_after(error)
            return []
        acknowledged, refusal = self._settle(rows), _find_refusal(self._in_flight.values())
        self._in_flight.clear()
        if self._is_retry:
            self._refused.note_tried(rows, len(acknowledged))
        if refusal is None:
            self._note_success()
        elif type(refusal) in _FIXES:
            await self._pass_over(refusal, rows[-1].seq, is_stuck=not acknowledged)
        else:
            await self._start_over(refusal)
        return acknowledged

    def _note_success(self) -> None:
        if not self._refused.end:
            self.failures, self.why = 0, ""

    def _sendable(self, rows: Sequence[Any]) -> Iterable[Any]:
        """All new events; of refused ones only the first of each key, since those behind it would be out of order."""
        return {(row.topic, row.key): row for row in reversed(rows)}.values() if self._is_retry else rows

    def _settle(self, rows: Sequence[Any]) -> list[int]:
        """The acknowledged events that can be removed: no earlier one of their key was refused."""
        acknowledged: list[int] = []
        refused: set[tuple[str, str]] = set()
        for row in rows:
            sent = self._in_flight.get(row.seq)
            if sent is not None and sent.exception() is not None:
                refused.add((row.topic, row.key))
            elif sent is not None and (row.topic, row.key) not in refused:
                acknowledged.append(row.seq)
        return acknowledged

    async def _queue(self, rows: Sequence[Any]) -> None:
        values = await self._seal([row.value for row in rows]) if rows else ()
        for row, value in zip(rows, values, strict=True):
            headers = [(name, text.encode()) for name, text in orjson.loads(row.headers)]
            topic, key = self._prefix + row.topic, row.key.encode()
            try:
                sent = await self._producer.send(topic, value=value, key=key, headers=headers)
            except tuple(_FIXES) as error:  # the client itself refuses it: the events after it are sent nevertheless
                sent = asyncio.get_running_loop().create_future()
                sent.set_exception(error)
            self._in_flight[row.seq] = sent

    async def _pass_over(self, error: BaseException, last: int, *, is_stuck: bool) -> None:
        """Go on behind the refused events of a page, and try them again later; at once if others of them went out."""
        self._note(error)
        if not self._is_retry:
            self._refused.end = last
        if is_stuck or not self._is_retry:
            self._refused.retry_at = time.monotonic() + unavailable_wait(self.failures, 0.5, 15.0)
        await self._renew()

    async def _start_over(self, error: BaseException) -> None:
        """Replace the producer: the next round sends again what was refused."""
        await self._wait_after(error)
        await self._renew()

    async def _renew(self) -> None:
        try:
            await self._producer.renew()
        except (KafkaError, OSError) as unavailable:
            log.info("the producer is replaced later", extra={"why": str(unavailable)})

    async def _wait_after(self, error: BaseException) -> None:
        self._note(error)
        await asyncio.sleep(unavailable_wait(self.failures, 0.5, 15.0))

    def _note(self, error: BaseException) -> None:
        self.failures += 1
        fix = _FIXES.get(type(error))
        self.why = f"{type(error).__name__}: {error}" + (f"; {fix}" if fix else "")
        if fix:
            log.error(
                "Kafka refuses an event; it waits, and others are published", extra={"why": repr(error), "fix": fix}
            )
        else:
            log.warning("events wait for the broker", extra={"why": repr(error), "failures": self.failures})


def _find_refusal(sent: Iterable[asyncio.Future[Any]]) -> BaseException | None:
    """The first failure; one that only a person can resolve takes precedence."""
    failures = [error for one in sent if (error := one.exception()) is not None]
    return min(failures, key=lambda error: type(error) not in _FIXES, default=None)
