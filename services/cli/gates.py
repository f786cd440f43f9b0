"""When which gate before live flows passed, or why it stays shut: what the services said last (claim S1.8)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from rich.markup import escape

from contracts.envelope import Envelope
from contracts.gates import GateChecked
from contracts.model import Event
from services.cli.command import FAILED
from services.cli.screen import build_table, console, print_json
from services.engine.client.reader import read_events
from services.engine.clock import TBILISI
from services.settings.model import Settings

HEADS = ("gate", "flows", "", "since", "passed last", "looked at")
VERDICTS = {"passed": "[green]passed[/]", "shut": "[red]shut[/]", "lost": "[yellow]lost, still live[/]"}


def latest_gate_checks(envelopes: Iterable[Envelope[Event]]) -> list[GateChecked]:
    """The last word about every gate, in the order of their names."""
    said = {event.key: event for event in (one.data for one in envelopes) if isinstance(event, GateChecked)}
    return [said[key] for key in sorted(said)]


def gate_lines(found: Sequence[GateChecked]) -> Iterator[str]:
    """For `davtari status`: one line for all that passed, and one for each gate that did not (in rich's markup)."""
    passed = [one for one in found if one.verdict == "passed"]
    if passed:
        yield f"Gates: {len(passed)} of {len(found)} passed, last {_when(max(one.checked_at for one in passed))}"
    for one in found:
        if one.verdict != "passed":
            why = escape("; ".join(one.why))
            yield f"Gate {one.service} {one.gate}: {VERDICTS[one.verdict]} since {_when(one.since)}: {why}"


async def show_gates(settings: Settings, *, as_data: bool) -> int:
    """`davtari check --last`: nothing is asked of anybody but Kafka. Gives the exit code: 1 unless all have passed."""
    found = latest_gate_checks([envelope async for envelope in read_events(settings.kafka, [GateChecked.TOPIC])])
    if as_data:
        print_json({"gates": [one.content() for one in found]})
    else:
        _show(found)
    return 0 if found and all(one.verdict == "passed" for one in found) else FAILED


def _show(found: Sequence[GateChecked]) -> None:
    if not found:
        console.print("No gate was looked at yet: the services look when they start (davtari up).")
        return
    console.print(build_table(HEADS, [_row(one) for one in found]))
    for one in found:
        for why in one.why:
            console.print(f"  {one.service} {one.gate}: {escape(why)}", soft_wrap=True)


def _row(one: GateChecked) -> tuple[str, ...]:
    passed, names = _when(one.passed_at), escape(", ".join(one.looked_at))
    return f"{one.service} {one.gate}", ", ".join(one.flows), VERDICTS[one.verdict], _when(one.since), passed, names


def _when(moment: datetime | None) -> str:
    return "never" if moment is None else f"{moment.astimezone(TBILISI):%d %b %Y %H:%M}"
