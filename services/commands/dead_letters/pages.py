"""How dead letters are shown to a person on a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich.markup import escape

from contracts.operations import DeadLettered
from services.commands.dead_letters.ages import age
from services.commands.dead_letters.decoded import Form, raw, shown
from services.commands.dead_letters.fixes import fix, heals, owner, wording
from services.commands.dead_letters.grouping import Group
from services.commands.dead_letters.masking import masked
from services.commands.letters import Letter, Told
from services.commands.screen import as_json, console, table
from services.shared.delivery.edits import whole_payload
from services.shared.tbilisi import local_time

NOTHING = "Nothing waits for a person."


def letters(found: Sequence[Letter]) -> None:
    """One line each, with the detail under it."""
    if not found:
        console.print(NOTHING)
        return
    rows = [(one.id, state(one), owner(one.letter.reason), one.letter.reason, one.letter.about) for one in found]
    console.print(table(("id", "state", "who", "reason", "about"), rows))
    for one in found:
        console.print(f"  {one.id}  {escape(one.letter.detail)}{_in_vain(one)}", soft_wrap=True)
    console.print(
        "\nOne, whole:  davtari dead-letters show ID      Again:  davtari dead-letters replay ID      "
        "By reason:  davtari dead-letters group",
        soft_wrap=True,
    )


def state(one: Letter) -> str:
    """Open, or what became of it, by whom."""
    if one.settled is None:
        return "open"
    why = f": {one.settled.why}" if one.settled.why else ""
    return escape(f"{one.settled.how} by {one.settled.by}{why}")


def _in_vain(one: Letter) -> str:
    count = one.letter.replays
    return f"   [yellow]replayed in vain {count} times[/]" if count and one.open else ""


def grouped(found: Sequence[Group], now: datetime, language: str) -> None:
    """One line for each reason, and what to do under it."""
    if not found:
        console.print(NOTHING)
        return
    rows = [
        (len(one.letters), owner(one.reason), one.reason, age((now - one.since).total_seconds()), escape(one.about()))
        for one in found
    ]
    console.print(table(("open", "who", "reason", "oldest", "about"), rows, right=(0, 3)))
    for group in found:
        by_itself = "goes by itself: " if heals(group.reason) else ""
        console.print(f"  {group.reason}  {by_itself}{escape(fix(group.letters, language))}", soft_wrap=True)


def letter(one: Letter, language: str, *, personal: bool, form: Form | None) -> None:
    """One dead letter, whole: what is wrong, what it means, what to do, its story, and what failed."""
    told = one.letter
    console.print(f"[bold]{told.reason}[/]   {escape(told.about)}   {state(one)}{_in_vain(one)}", soft_wrap=True)
    console.print(f"  {told.service} · {owner(told.reason)} · {local_time(told.at, seconds=True)} · {told.dead_letter}")
    console.print(f"  said    {escape(told.detail)}", soft_wrap=True)
    for text in [wording(told.reason, each) for each in dict.fromkeys((language, "en", "ka"))]:
        console.print(f"  cause   {text.cause}\n  effect  {text.effect}\n  fix     {text.fix}\n", soft_wrap=True)
    console.print(f"  [bold]do[/]      {escape(fix([one], language))}\n", soft_wrap=True)
    for line in one.history:
        console.print(f"  {local_time(line.at, seconds=True)}  {escape(_happened(line))}", soft_wrap=True)
    _failed(one, personal=personal, form=form)


def _happened(event: Told) -> str:
    if isinstance(event, DeadLettered):
        again = f" (replayed in vain {event.replays} times)" if event.replays else ""
        corrects = f", corrects {event.replayof[:8]}" if event.replayof else ""
        return f"opened: {event.reason}: {event.detail}{again}{corrects}"
    instead = f", instead of it {event.replacement}" if event.replacement else ""
    return f"{event.how} by {event.by}{instead}" + (f": {event.why}" if event.why else "")


def _failed(letter: Letter, *, personal: bool, form: Form | None) -> None:
    """The delivery with its attempts, or the record with its headers; its bytes in `form` are those that failed."""
    told = letter.letter
    for attempt in told.delivery.attempts if told.delivery else ():
        console.print(
            f"  {local_time(attempt.at, seconds=True)}  {attempt.outcome}: {escape(attempt.detail)}", soft_wrap=True
        )
    if told.delivery:
        console.print(f"\n[bold]delivery[/] {told.delivery.delivery_id} · {told.delivery.kind} · {told.delivery.lane}")
        payload = whole_payload(told)
        as_json(payload if personal else masked(payload))
    if told.record:
        record = told.record
        console.print(f"\n[bold]record[/] {record.topic}, partition {record.partition}, offset {record.offset}")
        as_json(shown(letter.record or record, personal=personal))
        if form:
            console.print(raw(record, form), markup=False, soft_wrap=True)
