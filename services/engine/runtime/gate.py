"""Gates: a lane to an upstream stays closed until the checks of its live flows have passed (claim S1.8).

A service runs its checks at each start, because a permission may have been revoked since the last one. The result is
stored and published as `GateChecked`. An open gate is checked again at long intervals. If a permission is revoked
later, Davtari warns and keeps running: the upstream refuses each single write where a permission is missing, so a
closed lane would protect nothing, while one odd answer would stop a shop that works.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from contracts.envelope import Envelope
from contracts.gates import GateChecked, Verdict
from services.engine.outbox.engine import Engine
from services.engine.outbox.handlers import Handlers, compose_rules
from services.engine.state.database import Database
from services.engine.state.records import Kind, State
from services.engine.state.store import read_kind

log = logging.getLogger(__name__)
FIRST_PAUSE, LONGEST_PAUSE = 2.0, 30.0
"""Seconds until a failed check is made again: they double up to the longest."""
REPEAT_AFTER = timedelta(days=1)
"""An unchanged verdict is published again after this time, so that readers see it is current."""
GATE = Kind("gate", GateChecked)
"""The last result of every gate of every service, by its key."""
ReportWait = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class GateLook:
    """The result of one check: the faults that forbid going live, each with its fix.

    `names` are the things that were checked. `reached` is false when an upstream did not answer, which proves nothing.
    """

    faults: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    reached: bool = True


@dataclass(frozen=True, slots=True)
class Gate:
    """A check before lanes. `after` is the key of another service's gate that must have passed before.

    `about` is a digest of the connection: a check that passed with another connection does not count.
    """

    name: str
    lanes: frozenset[str]
    check: Callable[[], Awaitable[GateLook]]
    flows: tuple[str, ...] = ()
    about: str = ""
    after: str = ""
    after_about: str = ""


def with_gate_rules(handlers: Handlers) -> Handlers:
    """The rules of a service that also stores the results of gates."""
    return replace(handlers, remember=compose_rules(handlers.remember, {GateChecked: _store_result}))


def _store_result(envelope: Envelope[GateChecked], state: State) -> None:
    state.put(GATE, envelope.data.key, envelope.data)


async def read_gates(database: Database) -> dict[str, GateChecked]:
    """The last result of every gate that a state database holds, by key."""
    return {key: GateChecked.model_validate_json(body) async for key, body in read_kind(database, GATE.name)}


def next_verdict(checked: GateChecked, before: GateChecked | None, *, opened: bool) -> tuple[GateChecked, bool]:
    """The event about a check, and whether it must be published. `opened`: the gate has opened since this start.

    What passed with another connection (`about`) does not count as passed.
    """
    known = before if before is not None and before.about == checked.about else None
    verdict: Verdict = "passed" if not checked.why else "lost" if opened else "shut"
    passed_at = checked.checked_at if verdict == "passed" else known.passed_at if known else None
    same = known is not None and known.verdict == verdict
    event = checked.model_copy(
        update={"verdict": verdict, "passed_at": passed_at, "since": known.since if known and same else checked.since}
    )
    is_old = known is None or checked.checked_at - known.checked_at >= REPEAT_AFTER
    return event, is_old or not same or (known is not None and known.why != event.why)


class Gatekeeper:
    """Keeps one gate of a service closed until its check passes.

    `report_wait` is called with the reason while the gate is closed, and with "" when it opens. `interval` is the time
    in seconds between checks of an open gate.
    """

    def __init__(self, engine: Engine, service: str, gate: Gate, report_wait: ReportWait, interval: float) -> None:
        self._engine, self._service, self._gate = engine, service, gate
        self._report_wait, self._interval = report_wait, interval
        self._changed = asyncio.Event()
        self.opened = asyncio.Event()
        self.last: GateChecked | None = None

    async def run(self, first_pause: float = FIRST_PAUSE) -> None:
        """Check until the gate may open; then at intervals, until cancelled."""
        self._engine.on_change.append(self._changed.set)
        await self._wait_for_other_gate()
        await self._check_until_passed(first_pause)
        self._report_wait("")
        self.opened.set()
        while True:
            await asyncio.sleep(self._interval)
            await self.check()

    async def _check_until_passed(self, pause: float) -> None:
        while (found := await self.check()).faults:
            self._report_closed(found.faults, pause)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def check(self) -> GateLook:
        """Check once; publish and store the result."""
        found = await self._gate.check()
        if found.reached or not self.opened.is_set():
            await self._publish(found)
        return found

    async def _publish(self, found: GateLook) -> None:
        checked = self._result(found)
        before = self.last or (await read_gates(self._engine.database)).get(checked.key)
        event, is_news = next_verdict(checked, before, opened=self.opened.is_set())
        if is_news:
            async with self._engine.work() as work:
                await work.announce([(event, None)])
        self.last = event if is_news else before
        if is_news and event.verdict == "lost":
            details = {"gate": self._gate.name, "why": "; ".join(event.why)}
            log.error("a permission that live flows need was revoked", extra=details)

    def _result(self, found: GateLook) -> GateChecked:
        gate, now = self._gate, self._engine.clock()
        return GateChecked(
            service=self._service,
            gate=gate.name,
            flows=gate.flows,
            verdict="shut",
            about=gate.about,
            looked_at=found.names,
            why=found.faults,
            since=now,
            checked_at=now,
        )

    async def _wait_for_other_gate(self) -> None:
        """Wait until the other gate has passed once with this connection, as its stored result shows."""
        while self._gate.after and not await self._other_gate_passed():
            why = (f"{self._gate.after} has not passed; is that service running? davtari check --last shows it",)
            await self._publish(GateLook(why))
            self._report_closed(why, LONGEST_PAUSE)
            self._changed.clear()
            try:
                async with asyncio.timeout(LONGEST_PAUSE):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def _other_gate_passed(self) -> bool:
        other = (await read_gates(self._engine.database)).get(self._gate.after)
        return other is not None and other.passed_at is not None and other.about == self._gate.after_about

    def _report_closed(self, faults: tuple[str, ...], pause: float) -> None:
        details = {"gate": self._gate.name, "why": "; ".join(faults), "in_seconds": pause}
        fix = "davtari check shows all faults; or set the flow to dry-run"
        log.error("not live: the check has not passed, nothing is written", extra={**details, "fix": fix})
        self._report_wait(f"nothing is written yet: {'; '.join(faults)}")
