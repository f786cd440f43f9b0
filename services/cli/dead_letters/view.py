"""How dead letters are shown to a person on a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from contracts.operations import DeadLettered
from services.cli.dead_letter_log import DeadLetter, DeadLetterEvent
from services.cli.dead_letters.channel import ReplayResult, summarize
from services.cli.dead_letters.correction import Correction
from services.cli.dead_letters.grouping import (
    ReasonGroup,
    describe_fix,
    format_age,
    reason_owner,
    reason_wording,
    resolves_by_itself,
)
from services.cli.dead_letters.records import ByteFormat, display_record, format_bytes, mask_person
from services.cli.dead_letters.replay import ReplayRoute, count_reasons
from services.cli.screen import build_table, console, errors, print_json
from services.cli.translation import translator
from services.engine.clock import local_time
from services.engine.outbox.edits import full_payload


def print_dead_letters(found: Sequence[DeadLetter], language: str = "en") -> None:
    """One line each, with the detail under it."""
    _ = translator(language)
    if not found:
        console.print(_("Nothing waits for a person."))
        return
    rows = [
        (one.id, describe_state(one, language), _(reason_owner(one.letter.reason)), one.letter.reason, one.letter.about)
        for one in found
    ]
    console.print(build_table((_("id"), _("state"), _("who"), _("reason"), _("about")), rows))
    for one in found:
        console.print(f"  {one.id}  {escape(one.letter.detail)}{_describe_replays(one, language)}", soft_wrap=True)
    full, again, by_reason = _("One in full:"), _("Try again:"), _("By reason:")
    console.print(
        f"\n{full}  davtari dead-letters show ID      {again}  davtari dead-letters replay ID      "
        f"{by_reason}  davtari dead-letters group",
        soft_wrap=True,
    )


def describe_state(one: DeadLetter, language: str = "en") -> str:
    """Open, or how it was closed, by whom and why."""
    _ = translator(language)
    if one.settled is None:
        return _("open")
    why = f": {one.settled.why}" if one.settled.why else ""
    return escape(_("{how} by {who}").format(how=_(one.settled.how), who=one.settled.by) + why)


def _describe_replays(one: DeadLetter, language: str) -> str:
    text = translator(language)("replayed {count} times without success")
    return f"   [yellow]{text.format(count=one.letter.replays)}[/]" if one.letter.replays and one.open else ""


def print_groups(found: Sequence[ReasonGroup], now: datetime, language: str) -> None:
    """One line for each reason, and what to do under it."""
    _ = translator(language)
    if not found:
        console.print(_("Nothing waits for a person."))
        return
    rows = [_group_row(group, now, language) for group in found]
    console.print(build_table((_("open"), _("who"), _("reason"), _("oldest"), _("about")), rows, right=(0, 3)))
    for group in found:
        by_itself = _("resolves by itself:") + " " if resolves_by_itself(group.reason) else ""
        console.print(f"  {group.reason}  {by_itself}{escape(describe_fix(group.letters, language))}", soft_wrap=True)


def _group_row(group: ReasonGroup, now: datetime, language: str) -> tuple[object, ...]:
    oldest = format_age((now - group.since).total_seconds(), language)
    who = translator(language)(reason_owner(group.reason))
    return len(group.letters), who, group.reason, oldest, escape(group.about(language))


def print_dead_letter(one: DeadLetter, language: str, *, personal: bool, form: ByteFormat | None) -> None:
    """One dead letter in full: what is wrong, what it means, what to do, its history, and what failed."""
    _, told = translator(language), one.letter
    state = f"{describe_state(one, language)}{_describe_replays(one, language)}"
    console.print(f"[bold]{told.reason}[/]   {escape(told.about)}   {state}", soft_wrap=True)
    who = _(reason_owner(told.reason))
    console.print(f"  {told.service} · {who} · {local_time(told.at, seconds=True)} · {told.dead_letter}")
    text, do = reason_wording(told.reason, language), describe_fix([one], language)
    labels = (_("detail"), _("cause"), _("effect"), _("fix"), _("do"))
    for label, sentence in zip(labels, (told.detail, text.cause, text.effect, text.fix, do), strict=True):
        console.print(f"  {label:<8}{escape(sentence)}", soft_wrap=True)
    console.print()
    for line in one.history:
        console.print(
            f"  {local_time(line.at, seconds=True)}  {escape(_describe_event(line, language))}", soft_wrap=True
        )
    _print_failed(one, language, personal=personal, form=form)


def _describe_event(event: DeadLetterEvent, language: str) -> str:
    _ = translator(language)
    if isinstance(event, DeadLettered):
        again = _("replayed {count} times without success").format(count=event.replays)
        corrects = _("corrects {id}").format(id=(event.replayof or "")[:8])
        opened = _("opened")
        more = (f" ({again})" if event.replays else "") + (f", {corrects}" if event.replayof else "")
        return f"{opened}: {event.reason}: {event.detail}{more}"
    replaced = _("replaced by {id}").format(id=event.replacement)
    closed = _("{how} by {who}").format(how=_(event.how), who=event.by)
    return closed + (f", {replaced}" if event.replacement else "") + (f": {event.why}" if event.why else "")


def _print_failed(letter: DeadLetter, language: str, *, personal: bool, form: ByteFormat | None) -> None:
    """The delivery with its attempts, or the record with its headers; its bytes in `form` are those that failed."""
    _, told = translator(language), letter.letter
    for attempt in told.delivery.attempts if told.delivery else ():
        console.print(
            f"  {local_time(attempt.at, seconds=True)}  {attempt.outcome}: {escape(attempt.detail)}", soft_wrap=True
        )
    if told.delivery:
        label = _("delivery")
        console.print(f"\n[bold]{label}[/] {told.delivery.delivery_id} · {told.delivery.kind} · {told.delivery.lane}")
        payload = full_payload(told)
        print_json(payload if personal else mask_person(payload))
    if told.record:
        record = told.record
        place = _("{topic}, partition {partition}, offset {offset}")
        at = place.format(topic=record.topic, partition=record.partition, offset=record.offset)
        label = _("record")
        console.print(f"\n[bold]{label}[/] {at}")
        print_json(display_record(letter.record or record, personal=personal))
        if form:
            console.print(format_bytes(record, form), markup=False, soft_wrap=True)


# What a person is told about replays and corrections.


def print_routes(ways: Sequence[ReplayRoute], *, json: bool) -> int:
    """The routing table of a dry run."""
    if json:
        print_json({"routes": [way.plain() for way in ways], "reasons": count_reasons(ways)})
        return 0
    if not ways:
        console.print("No dead letter is meant: nothing would be replayed.")
        return 0
    rows = [(way.letter.id, escape(way.letter.letter.about), way.target, _action_cell(way)) for way in ways]
    console.print(build_table(("id", "about", "goes to", "what will happen"), rows))
    for way in (way for way in ways if way.stays):
        console.print(f"  {way.letter.id}  {escape(way.stays)}", soft_wrap=True)
    going = sum(not way.stays for way in ways)
    reasons = " · ".join(f"{count} {reason}" for reason, count in count_reasons(ways).items())
    console.print(f"\nDry run: {going} would be replayed, {len(ways) - going} stay. {reasons}", soft_wrap=True)
    console.print("Nothing is written twice: each delivery reads before it writes, and a closed letter is left alone.")
    return 0


def print_discard_preview(letters: Sequence[DeadLetter], *, json: bool) -> int:
    """What a discard would give up."""
    open_ = [one for one in letters if one.open]
    if json:
        print_json(
            {"letters": [{"dead_letter": one.letter.dead_letter, "open": one.open} | _identify(one) for one in letters]}
        )
        return 0
    rows = [(one.id, *map(escape, _identify(one).values())) for one in open_]
    if rows:
        console.print(build_table(("id", "service", "reason", "about"), rows))
    closed = len(letters) - len(open_)
    console.print(f"Dry run: {len(open_)} would be discarded, {closed} closed already. Nothing was sent.")
    return 0


def _identify(one: DeadLetter) -> dict[str, str]:
    return {"service": one.letter.service, "reason": one.letter.reason, "about": one.letter.about}


def _action_cell(way: ReplayRoute) -> str:
    return "[yellow]stays[/]" if way.stays else escape(way.happens)


@contextmanager
def report_interruption(count: int) -> Iterator[list[ReplayResult]]:
    """Collects results; when the block is interrupted, says how far it came."""
    heard: list[ReplayResult] = []
    try:
        yield heard
    except BaseException:
        errors.print(
            f"interrupted: {len(heard)} of {count} came to something ({summarize(heard)}). Start it again as it was: "
            "what was replayed is left alone.",
            soft_wrap=True,
        )
        raise


RESULT_COLOURS = {"done": "green", "failed again": "red", "refused": "red", "no answer": "red", "stays": "yellow"}


def print_results(found: Sequence[ReplayResult], *, json: bool) -> None:
    """What came of each letter."""
    if json:
        print_json([one.plain() for one in found])
        return
    for one in found:
        colour = RESULT_COLOURS.get(one.how, "default")
        head = f"{one.letter.id}  {escape(one.letter.letter.about)}"
        console.print(f"{head}  [{colour}]{one.how}[/]: {escape(one.told)}", soft_wrap=True)
    console.print(summarize(found), soft_wrap=True)


def print_correction(made: Correction, doubts: Sequence[str], *, json: bool, result: ReplayResult | None = None) -> int:
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
    print_results([result], json=False)
    return 0


# How a long replay shows that it gets on: a bar on a terminal, nothing in a pipe.


@contextmanager
def show_progress(count: int, known: list[ReplayResult]) -> Iterator[Callable[[ReplayResult], None]]:
    """Gives whom to tell of each result; it is added to `known`."""
    columns = (
        TextColumn("replaying"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as bar:
        task = bar.add_task("", total=count)

        def tell(one: ReplayResult) -> None:
            known.append(one)
            bar.update(task, advance=1, description=f"{one.letter.letter.about}: {one.how}")

        yield tell
