"""The relay of one lane: due rows leave in batches, at the lane's pace, while the breaker of its upstream is closed."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from contracts.validation import plain
from services.engine.outbox.lane import Lane
from services.engine.outbox.outcome import Outcome, Retry, Unknown
from services.engine.outbox.row import Row
from services.engine.outbox.settle import Pair

# Whose failure is it: the upstream's, or that of one row on which the upstream fails each time (claim K13)?
#
# An order whose mere reading makes a plugin crash answers 500 like a shop that is down. What tells them apart are the
# other rows: a row that fails again although others were answered meanwhile is at fault itself, and waits by itself.

MOST_QUARANTINED = 10_000
"""Rows remembered at most; beyond that all are tried afresh."""


@dataclass(slots=True)
class Failure:
    """How often a row failed in a row, whether others were answered since the first time, and until when it waits."""

    count: int = 0
    others: bool = False
    until: float = 0.0


class RowQuarantine:
    """The rows of one lane that failed last time.

    Times are seconds of a monotonic clock; `wait` gives the seconds after so many failures in a row.
    """

    def __init__(self, wait: Callable[[int], float]) -> None:
        self._wait = wait
        self._failures: dict[str, Failure] = {}

    def __contains__(self, id_: str) -> bool:
        return id_ in self._failures

    def failed(self, ids: Collection[str], now: float) -> bool:
        """Note rows that failed. Whether all of them are at fault themselves, and not the upstream."""
        if len(self._failures) > MOST_QUARANTINED:
            self._failures.clear()
        found = [self._failures.setdefault(id_, Failure()) for id_ in ids]
        for failure in found:
            failure.count += 1
            failure.until = now + self._wait(failure.count) if failure.others else 0.0
        return all(failure.others for failure in found)

    def answered(self, ids: Iterable[str]) -> None:
        """Note rows that the upstream has answered: it is there, and all others have one more chance at once."""
        answered = [self._failures.pop(id_, None) for id_ in ids]
        for failure in self._failures.values() if answered else ():
            failure.others = True

    def skipped(self, now: float, *, probing: bool) -> set[str]:
        """Rows that are not to leave now. The upstream is better probed with a row that did not fail before.

        One that is at fault itself would keep the breaker open for ever, if both had waited for the same time.
        """
        return {id_ for id_, one in self._failures.items() if probing or one.until > now}

    def pause(self, now: float) -> float:
        """Seconds until the next of them may leave."""
        return min((one.until - now for one in self._failures.values() if one.until > now), default=float("inf"))


log = logging.getLogger(__name__)
Claim = Callable[[str, int, set[str]], Awaitable[list[Row]]]
Settle = Callable[[Sequence[Pair]], Awaitable[None]]
WaitDue = Callable[[str, set[str]], Awaitable[float]]
IDLE = 5.0
"""Seconds an idle relay sleeps at most before it looks again; it is woken when rows are added."""
AHEAD = 50
"""So many rows are claimed at once where the calls take fewer; they are claimed anew when anything has changed."""
UNSETTLED = 500
"""So many outcomes may wait to become durable while the next rows leave already."""
TOGETHER, LINGER = 100, 0.1
"""A busy lane gathers so many outcomes, for so many seconds at most, to make them durable together."""


class Relay:
    """Delivers the rows of a lane until it is stopped.

    `claim(lane, limit, skip)` gives due rows, at most one of each key; `settle` makes outcomes durable. A row stands in
    `leaving` from its call until its outcome is durable. Rows that were claimed ahead do not: they may be taken back.
    """

    def __init__(self, lane: Lane, claim: Claim, settle: Settle, wait_due: WaitDue) -> None:
        self.lane = lane
        self.in_flight: dict[str, Row] = {}
        self._claim, self._settle, self._wait_due = claim, settle, wait_due
        self._turn, self._wake = asyncio.Lock(), asyncio.Event()
        self._buffer: list[Row] = []
        self._changed = self._stopped = False
        self._outcomes: list[Pair] = []
        self._enough = asyncio.Event()
        self._settling: asyncio.Task[None] | None = None
        self._aside = RowQuarantine(lane.breaker.wait)
        lane.breaker.on_half_open.append(self.wake)

    def wake(self) -> None:
        """The database has changed: something may be due now, or not wanted any more."""
        self._changed = True
        self._wake.set()

    async def run(self) -> None:
        """Deliver until cancelled; calls that are under way are finished and settled first."""
        self._stopped = False
        callers = [asyncio.create_task(self._call()) for _ in range(self.lane.concurrency)]
        try:
            ended, _ = await asyncio.wait(callers, return_when=asyncio.FIRST_COMPLETED)
            for caller in ended:
                caller.result()
        finally:
            self._stopped = True
            self._wake.set()
            self._enough.set()
            await asyncio.wait(callers)
            if self._settling is not None:
                await self._settling

    async def _call(self) -> None:
        """One call after the other; a lane has as many of these as calls may run at once."""
        while rows := await self._next():
            outcomes = await self._attempt(rows)
            self._judge(rows, outcomes)
            self._outcomes += zip(rows, outcomes, strict=True)
            if len(self._outcomes) >= TOGETHER:
                self._enough.set()
            if self._settling is None:
                self._settling = asyncio.create_task(self._make_durable())

    async def _next(self) -> Sequence[Row]:
        """The rows of the next call; none when the relay is stopped."""
        async with self._turn:
            while not self._stopped:
                self._wake.clear()
                if not self._may_call() or not await self._fill():
                    await self._rest()
                elif self.lane.breaker.admit(time.monotonic()):
                    return self._leave()
        return ()

    def _may_call(self) -> bool:
        return not self.lane.breaker.pause(time.monotonic()) and len(self.in_flight) < UNSETTLED

    async def _rest(self) -> None:
        """Wait for what may change. No outcome waits for others meanwhile: no further call is about to bring one."""
        self._enough.set()
        if pause := self.lane.breaker.pause(time.monotonic()):
            self._buffer = []
            await self._wait_for(pause)
        elif len(self.in_flight) >= UNSETTLED:
            await self._wake.wait()
        else:
            now = time.monotonic()
            aside = self._aside.skipped(now, probing=False)
            due = await self._wait_due(self.lane.name, set(self.in_flight) | aside)
            await self._wait_for(min(IDLE, due, self._aside.pause(now)))

    async def _fill(self) -> bool:
        if self._changed:
            self._buffer = []
        if not self._buffer:
            self._changed = False
            at_once = max(self.lane.batch * self.lane.concurrency, AHEAD)
            claimed = await self._claimed(at_once)
            self._buffer = claimed[: self.lane.batch] if self._changed else claimed
            self._changed = False
        return bool(self._buffer) and not self._stopped

    async def _claimed(self, at_once: int) -> list[Row]:
        """Due rows; one that failed before is the probe only where there is no other."""
        now, leaving = time.monotonic(), set(self.in_flight)
        probing = self.lane.breaker.state(now) != "closed"
        aside = self._aside.skipped(now, probing=probing)
        claimed = await self._claim(self.lane.name, at_once, leaving | aside)
        return claimed if claimed or not (probing and aside) else await self._claim(self.lane.name, at_once, leaving)

    def _leave(self) -> Sequence[Row]:
        """A row that failed before leaves alone: it must not take a batch of sound ones with it."""
        batch = 1 if self._buffer[0].id in self._aside else self.lane.batch
        rows, self._buffer = self._buffer[:batch], self._buffer[batch:]
        self.in_flight |= {row.id: row for row in rows}
        self._enough.clear()
        return rows

    async def _wait_for(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()

    async def _attempt(self, rows: Sequence[Row]) -> Sequence[Outcome]:
        try:
            outcomes = await self.lane.deliver(rows)
            if len(outcomes) != len(rows):
                raise ValueError(f"{len(outcomes)} outcomes for {len(rows)} deliveries")
            return outcomes
        except Exception as error:
            log.exception("delivery failed", extra={"lane": self.lane.name, "deliveries": [row.id for row in rows]})
            return [Unknown(plain(error))] * len(rows)

    def _judge(self, rows: Sequence[Row], outcomes: Sequence[Outcome]) -> None:
        """An answer of any kind closes the breaker; `Retry` (and a batch that is wholly unknown) opens it.

        Not so a `Retry` of rows that are at fault themselves, as long as the upstream answers for others.
        """
        now, breaker = time.monotonic(), self.lane.breaker
        retries = {row.id: one for row, one in zip(rows, outcomes, strict=True) if isinstance(one, Retry)}
        answered = [row.id for row, one in zip(rows, outcomes, strict=True) if not isinstance(one, Retry | Unknown)]
        if retries:
            self._buffer = []
            self._failed(retries, now)
        elif answered:
            breaker.succeeded(now)
        else:
            breaker.failed(now, "no answer that proves anything")
        self._aside.answered(answered)

    def _failed(self, retries: Mapping[str, Retry], now: float) -> None:
        own_fault = self._aside.failed(retries, now)
        first = next(iter(retries.values()))
        if not own_fault or first.after is not None or self.lane.breaker.state(now) != "closed":
            self.lane.breaker.failed(now, first.why, first.after)
            log.warning("lane waits", extra={"lane": self.lane.name, "why": first.why})
        else:
            log.warning("a delivery fails alone", extra={"deliveries": sorted(retries), "why": first.why})

    async def _make_durable(self) -> None:
        """Settle outcomes for as long as there are any; those that arrive meanwhile go together with the next."""
        while self._outcomes:
            with suppress(TimeoutError):
                async with asyncio.timeout(LINGER):
                    await self._enough.wait()
            pairs, self._outcomes = self._outcomes, []
            try:
                await self._settle(pairs)
            except Exception as error:
                log.exception("outcomes were not settled", extra={"lane": self.lane.name})
                self.lane.breaker.failed(time.monotonic(), f"outcomes cannot be written: {error}")
            finally:
                for row, _ in pairs:
                    self.in_flight.pop(row.id, None)
                self.wake()
        self._settling = None
