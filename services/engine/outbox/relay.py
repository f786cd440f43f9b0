"""The relay of one lane: sends due rows in batches, at the lane's pace, while the breaker of its upstream is closed."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from contracts.validation import plain
from services.engine.outbox.lane import Lane, Row
from services.engine.outbox.outcome import Outcome, Retry, Unknown
from services.engine.outbox.settle import Pair

MOST_QUARANTINED = 10_000
"""Rows remembered at most; beyond that all are tried again."""


@dataclass(slots=True)
class Failure:
    """Failures of a row in succession, whether others were answered since the first one, and until when it waits."""

    count: int = 0
    others: bool = False
    until: float = 0.0


class RowQuarantine:
    """The rows of one lane whose last attempt failed: is the upstream at fault, or the row itself (claim K13)?

    An order that makes a plugin of the shop crash answers 500, like a shop that is down. The other rows show the
    difference: a row that fails again although others were answered meanwhile is at fault itself, and waits alone.

    Times are seconds of a monotonic clock; `wait` gives the seconds after so many failures in a row.
    """

    def __init__(self, wait: Callable[[int], float]) -> None:
        self._wait = wait
        self._failures: dict[str, Failure] = {}

    def __contains__(self, id_: str) -> bool:
        return id_ in self._failures

    def failed(self, ids: Collection[str], now: float) -> bool:
        """Record rows that failed. Returns whether all of them are at fault themselves, and not the upstream."""
        if len(self._failures) > MOST_QUARANTINED:
            self._failures.clear()
        found = [self._failures.setdefault(id_, Failure()) for id_ in ids]
        for failure in found:
            failure.count += 1
            failure.until = now + self._wait(failure.count) if failure.others else 0.0
        return all(failure.others for failure in found)

    def answered(self, ids: Iterable[str]) -> None:
        """Record rows that the upstream answered: it is available, and the others may be tried once more at once."""
        answered = [self._failures.pop(id_, None) for id_ in ids]
        for failure in self._failures.values() if answered else ():
            failure.others = True

    def skipped(self, now: float, *, probing: bool) -> set[str]:
        """Rows that must not be sent now. The upstream is better probed with a row that did not fail before.

        A row that is at fault itself could keep the breaker open forever.
        """
        return {id_ for id_, one in self._failures.items() if probing or one.until > now}

    def pause(self, now: float) -> float:
        """Seconds until the next of them may be sent."""
        return min((one.until - now for one in self._failures.values() if one.until > now), default=float("inf"))


log = logging.getLogger(__name__)
Claim = Callable[[str, int, set[str]], Awaitable[list[Row]]]
Settle = Callable[[Sequence[Pair]], Awaitable[None]]
WaitDue = Callable[[str, set[str]], Awaitable[float]]
IDLE = 5.0
"""Seconds an idle relay sleeps at most before it looks again; it is woken when rows are added."""
AHEAD = 50
"""Rows claimed at once where calls take fewer; they are claimed again when anything has changed."""
UNSETTLED = 500
"""Outcomes that may wait to become durable while the next rows are sent already."""
TOGETHER, LINGER = 100, 0.1
"""Outcomes that a busy lane collects, and the seconds it waits for them at most, to make them durable together."""


class Relay:
    """Delivers the rows of a lane until it is stopped.

    `claim(lane, limit, skip)` returns due rows, at most one of each key; `settle` makes outcomes durable. A row is in
    `in_flight` from its call until its outcome is durable. Rows that were only claimed are not: they may be deleted.
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
        self._quarantine = RowQuarantine(lane.breaker.wait)
        lane.breaker.on_half_open.append(self.wake)

    def wake(self) -> None:
        """The database has changed: rows may be due now, or no longer wanted."""
        self._changed = True
        self._wake.set()

    async def run(self) -> None:
        """Deliver until cancelled; running calls are finished and settled first."""
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
        """Make one call after the other; a lane runs as many of these as calls may run at once."""
        while rows := await self._next():
            outcomes = await self._attempt(rows)
            self._update_breaker(rows, outcomes)
            self._outcomes += zip(rows, outcomes, strict=True)
            if len(self._outcomes) >= TOGETHER:
                self._enough.set()
            if self._settling is None:
                self._settling = asyncio.create_task(self._make_durable())

    async def _next(self) -> Sequence[Row]:
        """The rows of the next call; empty when the relay is stopped."""
        async with self._turn:
            while not self._stopped:
                self._wake.clear()
                if not self._may_call() or not await self._fill():
                    await self._wait_for_change()
                elif self.lane.breaker.admit(time.monotonic()):
                    return self._take()
        return ()

    def _may_call(self) -> bool:
        return not self.lane.breaker.pause(time.monotonic()) and len(self.in_flight) < UNSETTLED

    async def _wait_for_change(self) -> None:
        """Wait until something may have changed. Outcomes do not wait for further ones meanwhile."""
        self._enough.set()
        if pause := self.lane.breaker.pause(time.monotonic()):
            self._buffer = []
            await self._wait_for(pause)
        elif len(self.in_flight) >= UNSETTLED:
            await self._wake.wait()
        else:
            now = time.monotonic()
            quarantined = self._quarantine.skipped(now, probing=False)
            due = await self._wait_due(self.lane.name, set(self.in_flight) | quarantined)
            await self._wait_for(min(IDLE, due, self._quarantine.pause(now)))

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
        """Due rows; one that failed before is the probe only if there is no other."""
        now, in_flight = time.monotonic(), set(self.in_flight)
        probing = self.lane.breaker.state(now) != "closed"
        quarantined = self._quarantine.skipped(now, probing=probing)
        claimed = await self._claim(self.lane.name, at_once, in_flight | quarantined)
        if claimed or not (probing and quarantined):
            return claimed
        return await self._claim(self.lane.name, at_once, in_flight)

    def _take(self) -> Sequence[Row]:
        """Take the rows of a call; a row that failed before is sent alone, so that a batch does not fail with it."""
        batch = 1 if self._buffer[0].id in self._quarantine else self.lane.batch
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

    def _update_breaker(self, rows: Sequence[Row], outcomes: Sequence[Outcome]) -> None:
        """Close the breaker after an answer of any kind; open it after `Retry` or a completely unknown batch.

        `Retry` of rows that are at fault themselves does not open it, as long as the upstream answers for others.
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
        self._quarantine.answered(answered)

    def _failed(self, retries: Mapping[str, Retry], now: float) -> None:
        own_fault = self._quarantine.failed(retries, now)
        first = next(iter(retries.values()))
        if not own_fault or first.after is not None or self.lane.breaker.state(now) != "closed":
            self.lane.breaker.failed(now, first.why, first.after)
            log.warning("lane waits", extra={"lane": self.lane.name, "why": first.why})
        else:
            log.warning("a delivery fails alone", extra={"deliveries": sorted(retries), "why": first.why})

    async def _make_durable(self) -> None:
        """Settle outcomes as long as there are any; those that arrive meanwhile are settled with the next."""
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
