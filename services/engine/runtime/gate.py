"""Gates: a lane toward an upstream stays closed until the checks of its live flows have passed (claim S1.8).

A service makes its checks itself, at each start: what has passed once may have been taken away since. What came of them
is kept and told as `GateChecked`. An open gate is looked at again at a slow pace; a right that was lost by then is told
and does not shut it: every single write is refused by name where a right is missing, so a shut lane would protect
nothing, while one odd answer would stop a shop that works.
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

# What is said of a gate, and whether it is news.

TELL_AGAIN = timedelta(days=1)
"""A verdict that stands is told again after so long, so that its time stays young."""


def next_verdict(looked: GateChecked, before: GateChecked | None, *, opened: bool) -> tuple[GateChecked, bool]:
    """The event about a look, and whether it has to be told. `opened`: the gate stands open since this start.

    What passed with another connection (`about`) does not count as passed.
    """
    known = before if before is not None and before.about == looked.about else None
    verdict: Verdict = "passed" if not looked.why else "lost" if opened else "shut"
    passed_at = looked.checked_at if verdict == "passed" else known.passed_at if known else None
    same = known is not None and known.verdict == verdict
    event = looked.model_copy(
        update={"verdict": verdict, "passed_at": passed_at, "since": known.since if known and same else looked.since}
    )
    old = known is None or looked.checked_at - known.checked_at >= TELL_AGAIN
    return event, old or not same or (known is not None and known.why != event.why)


log = logging.getLogger(__name__)
FIRST, LONGEST = 2.0, 30.0
"""Seconds until a check that did not pass is made again: they double up to the longest."""
GATE = Kind("gate", GateChecked)
"""What was said last of every gate of every service, by its key."""
Waits = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class GateLook:
    """What one look found: what forbids to go live, each with what mends it; nothing when all is well.

    `names` are the things looked at. It is not `reached` when an upstream gave no answer at all, which proves nothing.
    """

    faults: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    reached: bool = True


@dataclass(frozen=True, slots=True)
class Gate:
    """Before these lanes. `check` looks; `after` is the key of another service's gate that must have passed before.

    `about` is a digest of the connection: what passed with another one does not count.
    """

    name: str
    lanes: frozenset[str]
    check: Callable[[], Awaitable[GateLook]]
    flows: tuple[str, ...] = ()
    about: str = ""
    after: str = ""
    after_about: str = ""


def with_gate_rules(handlers: Handlers) -> Handlers:
    """The rules of a service that also knows what was said of gates."""
    return replace(handlers, remember=compose_rules(handlers.remember, {GateChecked: _remember}))


def _remember(envelope: Envelope[GateChecked], state: State) -> None:
    state.put(GATE, envelope.data.key, envelope.data)


async def read_gates(database: Database) -> dict[str, GateChecked]:
    """What was said last of every gate, by its key, as a state database has it."""
    return {key: GateChecked.model_validate_json(body) async for key, body in read_kind(database, GATE.name)}


class Gatekeeper:
    """Keeps one gate of a service. `waits` is told why it is shut, "" when it opens; `pace` are seconds between looks
    at an open gate."""

    def __init__(self, engine: Engine, service: str, gate: Gate, waits: Waits, pace: float) -> None:
        self._engine, self._service, self._gate, self._waits, self._pace = engine, service, gate, waits, pace
        self._woken = asyncio.Event()
        self.opened = asyncio.Event()
        self.last: GateChecked | None = None

    async def run(self, first: float = FIRST) -> None:
        """Look until the gate may open; then from time to time, until cancelled."""
        self._engine.on_change.append(self._woken.set)
        await self._until_passed(first)
        self._waits("")
        self.opened.set()
        while True:
            await asyncio.sleep(self._pace)
            await self.look()

    async def _until_passed(self, pause: float) -> None:
        await self._after_the_other()
        while (found := await self.look()).faults:
            self._tell(found.faults, pause)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST)

    async def look(self) -> GateLook:
        """Look once; say and keep what came of it."""
        found = await self._gate.check()
        if found.reached or not self.opened.is_set():
            await self._say(found)
        return found

    async def _say(self, found: GateLook) -> None:
        gate, now = self._gate, self._engine.clock()
        blank = GateChecked(
            service=self._service, gate=gate.name, flows=gate.flows, verdict="shut", about=gate.about,
            looked_at=found.names, why=found.faults, since=now, checked_at=now,
        )  # fmt: skip
        before = self.last or (await read_gates(self._engine.database)).get(blank.key)
        event, news = next_verdict(blank, before, opened=self.opened.is_set())
        if news:
            async with self._engine.work() as work:
                await work.announce([(event, None)])
        self.last = event if news else before
        if news and event.verdict == "lost":
            log.error("a right that live flows need was lost", extra={"gate": gate.name, "why": "; ".join(event.why)})

    async def _after_the_other(self) -> None:
        """Wait until the other gate has passed once, with this connection; what it said is kept with our state."""
        while self._gate.after and not await self._other_passed():
            why = (f"{self._gate.after} has not passed; is that service running? davtari check --last shows it",)
            await self._say(GateLook(why))
            self._tell(why, LONGEST)
            self._woken.clear()
            try:
                await asyncio.wait_for(self._woken.wait(), LONGEST)
            except TimeoutError:
                continue

    async def _other_passed(self) -> bool:
        other = (await read_gates(self._engine.database)).get(self._gate.after)
        return other is not None and other.passed_at is not None and other.about == self._gate.after_about

    def _tell(self, faults: tuple[str, ...], pause: float) -> None:
        told = {"gate": self._gate.name, "why": "; ".join(faults), "in_seconds": pause}
        fix = "davtari check shows all of it; or set the flow to dry-run"
        log.error("not live: the check has not passed, nothing is written", extra={**told, "fix": fix})
        self._waits(f"nothing is written yet: {'; '.join(faults)}")
