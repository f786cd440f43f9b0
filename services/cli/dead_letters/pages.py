"""How dead letters are shown to a person on a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich.markup import escape

from contracts.operations import DeadLettered
from services.cli.dead_letter_log import DeadLetter, DeadLetterEvent
from services.cli.dead_letters.ages import age
from services.cli.dead_letters.decoded import Form, raw, shown
from services.cli.dead_letters.fixes import fix, heals, owner, wording
from services.cli.dead_letters.grouping import Group
from services.cli.dead_letters.masking import masked
from services.cli.screen import build_table, console, print_json
from services.cli.translation import translator
from services.engine.outbox.edits import whole_payload
from services.engine.runtime.tbilisi import local_time


def letters(found: Sequence[DeadLetter], language: str = "en") -> None:
    """One line each, with the detail under it."""
    _ = translator(language)
    if not found:
        console.print(_("Nothing waits for a person."))
        return
    rows = [
        (one.id, state(one, language), _(owner(one.letter.reason)), one.letter.reason, one.letter.about)
        for one in found
    ]
    console.print(build_table((_("id"), _("state"), _("who"), _("reason"), _("about")), rows))
    for one in found:
        console.print(f"  {one.id}  {escape(one.letter.detail)}{_replays(one, language)}", soft_wrap=True)
    full, again, by_reason = _("One in full:"), _("Try again:"), _("By reason:")
    console.print(
        f"\n{full}  davtari dead-letters show ID      {again}  davtari dead-letters replay ID      "
        f"{by_reason}  davtari dead-letters group",
        soft_wrap=True,
    )


def state(one: DeadLetter, language: str = "en") -> str:
    """Open, or how it was closed, by whom and why."""
    _ = translator(language)
    if one.settled is None:
        return _("open")
    why = f": {one.settled.why}" if one.settled.why else ""
    return escape(_("{how} by {who}").format(how=_(one.settled.how), who=one.settled.by) + why)


def _replays(one: DeadLetter, language: str) -> str:
    text = translator(language)("replayed {count} times without success")
    return f"   [yellow]{text.format(count=one.letter.replays)}[/]" if one.letter.replays and one.open else ""


def grouped(found: Sequence[Group], now: datetime, language: str) -> None:
    """One line for each reason, and what to do under it."""
    _ = translator(language)
    if not found:
        console.print(_("Nothing waits for a person."))
        return
    rows = [_group(group, now, language) for group in found]
    console.print(build_table((_("open"), _("who"), _("reason"), _("oldest"), _("about")), rows, right=(0, 3)))
    for group in found:
        by_itself = _("resolves by itself:") + " " if heals(group.reason) else ""
        console.print(f"  {group.reason}  {by_itself}{escape(fix(group.letters, language))}", soft_wrap=True)


def _group(group: Group, now: datetime, language: str) -> tuple[object, ...]:
    oldest = age((now - group.since).total_seconds(), language)
    who = translator(language)(owner(group.reason))
    return len(group.letters), who, group.reason, oldest, escape(group.about(language))


def letter(one: DeadLetter, language: str, *, personal: bool, form: Form | None) -> None:
    """One dead letter in full: what is wrong, what it means, what to do, its history, and what failed."""
    _, told = translator(language), one.letter
    console.print(
        f"[bold]{told.reason}[/]   {escape(told.about)}   {state(one, language)}{_replays(one, language)}",
        soft_wrap=True,
    )
    who = _(owner(told.reason))
    console.print(f"  {told.service} · {who} · {local_time(told.at, seconds=True)} · {told.dead_letter}")
    text, do = wording(told.reason, language), fix([one], language)
    labels = (_("detail"), _("cause"), _("effect"), _("fix"), _("do"))
    for label, sentence in zip(labels, (told.detail, text.cause, text.effect, text.fix, do), strict=True):
        console.print(f"  {label:<8}{escape(sentence)}", soft_wrap=True)
    console.print()
    for line in one.history:
        console.print(f"  {local_time(line.at, seconds=True)}  {escape(_event(line, language))}", soft_wrap=True)
    _failed(one, language, personal=personal, form=form)


def _event(event: DeadLetterEvent, language: str) -> str:
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


def _failed(letter: DeadLetter, language: str, *, personal: bool, form: Form | None) -> None:
    """The delivery with its attempts, or the record with its headers; its bytes in `form` are those that failed."""
    _, told = translator(language), letter.letter
    for attempt in told.delivery.attempts if told.delivery else ():
        console.print(
            f"  {local_time(attempt.at, seconds=True)}  {attempt.outcome}: {escape(attempt.detail)}", soft_wrap=True
        )
    if told.delivery:
        label = _("delivery")
        console.print(f"\n[bold]{label}[/] {told.delivery.delivery_id} · {told.delivery.kind} · {told.delivery.lane}")
        payload = whole_payload(told)
        print_json(payload if personal else masked(payload))
    if told.record:
        record = told.record
        place = _("{topic}, partition {partition}, offset {offset}")
        at = place.format(topic=record.topic, partition=record.partition, offset=record.offset)
        label = _("record")
        console.print(f"\n[bold]{label}[/] {at}")
        print_json(shown(letter.record or record, personal=personal))
        if form:
            console.print(raw(record, form), markup=False, soft_wrap=True)
