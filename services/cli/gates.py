"""The last check of every gate before live flows, as the services reported it (claim S1.8)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from contracts.envelope import Envelope
from contracts.gates import GateChecked
from contracts.model import Event
from services.cli.command import FAILED
from services.cli.screen import Text, build_table, compose, console, print_json, styled
from services.engine.client.reader import read_events
from services.engine.clock import TBILISI
from services.settings.model import Settings

HEADINGS = ("gate", "flows", "", "since", "last passed", "checked")
VERDICTS = {
    "passed": styled("passed", "green"),
    "shut": styled("closed", "red"),
    "lost": styled("no longer passed, still live", "yellow"),
}


def latest_gate_checks(envelopes: Iterable[Envelope[Event]]) -> list[GateChecked]:
    """The last check of every gate, by name."""
    checks = {event.key: event for event in (one.data for one in envelopes) if isinstance(event, GateChecked)}
    return [checks[key] for key in sorted(checks)]


def gate_lines(found: Sequence[GateChecked]) -> Iterator[str | Text]:
    """For `davtari status`: one line for all that passed, one for each gate that did not."""
    passed = [one for one in found if one.verdict == "passed"]
    if passed:
        yield f"Gates: {len(passed)} of {len(found)} passed, last {_when(max(one.checked_at for one in passed))}"
    for one in found:
        if one.verdict != "passed":
            why = "; ".join(one.why)
            head, since = f"Gate {one.service} {one.gate}: ", f" since {_when(one.since)}: {why}"
            yield compose(head, VERDICTS[one.verdict], since)


async def show_gates(settings: Settings, *, as_data: bool) -> int:
    """`davtari check --last`: reads Kafka only. Returns the exit code, 1 unless all gates passed."""
    found = latest_gate_checks([envelope async for envelope in read_events(settings, [GateChecked.TOPIC])])
    if as_data:
        print_json({"gates": [one.content() for one in found]})
    else:
        _show(found)
    return 0 if found and all(one.verdict == "passed" for one in found) else FAILED


def _show(found: Sequence[GateChecked]) -> None:
    if not found:
        console.print("No gate has been checked yet: the services check them when they start (davtari up).")
        return
    console.print(build_table(HEADINGS, [_row(one) for one in found]))
    for one in found:
        for why in one.why:
            console.print(f"  {one.service} {one.gate}: {why}", soft_wrap=True)


def _row(one: GateChecked) -> tuple[object, ...]:
    passed, names = _when(one.passed_at), ", ".join(one.looked_at)
    return f"{one.service} {one.gate}", ", ".join(one.flows), VERDICTS[one.verdict], _when(one.since), passed, names


def _when(at: datetime | None) -> str:
    return "never" if at is None else f"{at.astimezone(TBILISI):%d %b %Y %H:%M}"
