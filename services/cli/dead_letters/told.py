"""What a person is told about replays and corrections."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.markup import escape

from services.cli.dead_letter_log import DeadLetter
from services.cli.dead_letters.correction import Correction
from services.cli.dead_letters.results import Result, summary
from services.cli.dead_letters.routes import Route, histogram
from services.cli.screen import build_table, console, errors, print_json


def table_of(ways: Sequence[Route], *, json: bool) -> int:
    """The routing table of a dry run."""
    if json:
        print_json({"routes": [way.plain() for way in ways], "reasons": histogram(ways)})
        return 0
    if not ways:
        console.print("No dead letter is meant: nothing would be replayed.")
        return 0
    rows = [(way.letter.id, escape(way.letter.letter.about), way.target, _happens(way)) for way in ways]
    console.print(build_table(("id", "about", "goes to", "what will happen"), rows))
    for way in (way for way in ways if way.stays):
        console.print(f"  {way.letter.id}  {escape(way.stays)}", soft_wrap=True)
    going = sum(not way.stays for way in ways)
    reasons = " · ".join(f"{count} {reason}" for reason, count in histogram(ways).items())
    console.print(f"\nDry run: {going} would be replayed, {len(ways) - going} stay. {reasons}", soft_wrap=True)
    console.print("Nothing is written twice: each delivery reads before it writes, and a closed letter is left alone.")
    return 0


def would_be_discarded(letters: Sequence[DeadLetter], *, json: bool) -> int:
    """What a discard would give up."""
    open_ = [one for one in letters if one.open]
    if json:
        print_json(
            {"letters": [{"dead_letter": one.letter.dead_letter, "open": one.open} | _named(one) for one in letters]}
        )
        return 0
    rows = [(one.id, *map(escape, _named(one).values())) for one in open_]
    if rows:
        console.print(build_table(("id", "service", "reason", "about"), rows))
    closed = len(letters) - len(open_)
    console.print(f"Dry run: {len(open_)} would be discarded, {closed} closed already. Nothing was sent.")
    return 0


def _named(one: DeadLetter) -> dict[str, str]:
    return {"service": one.letter.service, "reason": one.letter.reason, "about": one.letter.about}


def _happens(way: Route) -> str:
    return "[yellow]stays[/]" if way.stays else escape(way.happens)


@contextmanager
def as_far_as_it_came(count: int) -> Iterator[list[Result]]:
    """Collects results; when the block is interrupted, says how far it came."""
    heard: list[Result] = []
    try:
        yield heard
    except BaseException:
        errors.print(
            f"interrupted: {len(heard)} of {count} came to something ({summary(heard)}). Start it again as it was: "
            "what was replayed is left alone.",
            soft_wrap=True,
        )
        raise


COLOURS = {"done": "green", "failed again": "red", "refused": "red", "no answer": "red", "stays": "yellow"}


def results(found: Sequence[Result], *, json: bool) -> None:
    """What came of each letter."""
    if json:
        print_json([one.plain() for one in found])
        return
    for one in found:
        colour = COLOURS.get(one.how, "default")
        head = f"{one.letter.id}  {escape(one.letter.letter.about)}"
        console.print(f"{head}  [{colour}]{one.how}[/]: {escape(one.told)}", soft_wrap=True)
    console.print(summary(found), soft_wrap=True)


def correction(made: Correction, doubts: Sequence[str], *, json: bool, result: Result | None = None) -> int:
    """What was changed, what is unusual about it, under which id it is tried, and what came of it."""
    tried = made.commands[0].replacement
    if json:
        content: dict[str, Any] = {"changed": made.changed, "replacement": tried, "letters": len(made.commands)}
        content |= {"to_confirm": list(doubts)}
        print_json(content | ({"sent": True} | result.plain() if result else {"sent": False}))
        return 0
    console.print(f"changed  {'  '.join(made.changed)}", markup=False, soft_wrap=True)
    for doubt in doubts:
        console.print(f"to confirm  {doubt}", style="yellow", markup=False, soft_wrap=True)
    what = "event" if made.event else "delivery"
    if result is None:
        console.print(f"It fits its contract. Dry run: nothing was sent ({what} {tried}).", soft_wrap=True)
        return 0
    console.print(f"{what} {tried} in its place", markup=False, soft_wrap=True)
    results([result], json=False)
    return 0
