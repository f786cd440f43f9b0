"""Print dead letters, and the results of replays and corrections."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

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
from services.cli.screen import (
    Description,
    Text,
    build_table,
    compose,
    console,
    errors,
    print_json,
    print_labelled,
    styled,
)
from services.engine.clock import local_time
from services.engine.outbox.edits import full_payload
from services.settings.translation import translator


def print_dead_letters(found: Sequence[DeadLetter], language: str = "en") -> None:
    """Print a table, and the detail of each dead letter below it."""
    _ = translator(language)
    if not found:
        console.print(_("Nothing waits for a person."))
        return
    rows = [
        (one.id, describe_state(one, language), _(reason_owner(one.event.reason)), one.event.reason, one.event.about)
        for one in found
    ]
    console.print(build_table((_("id"), _("state"), _("owner"), _("reason"), _("about")), rows))
    for one in found:
        console.print(compose(f"  {one.id}  {one.event.detail}", *_describe_history(one, language)), soft_wrap=True)
    details, replay, by_reason = _("Details:"), _("Replay:"), _("By reason:")
    console.print()
    console.print(
        f"{details}  davtari dead-letters show ID      {replay}  davtari dead-letters replay ID      "
        f"{by_reason}  davtari dead-letters group",
        soft_wrap=True,
    )


def describe_state(one: DeadLetter, language: str = "en") -> str:
    """Open, or how it was closed, by which person and why."""
    _ = translator(language)
    if one.settled is None:
        return _("open")
    why = f": {one.settled.why}" if one.settled.why else ""
    return _("{how} by {who}").format(how=_(one.settled.how), who=one.settled.by) + why


def _describe_history(one: DeadLetter, language: str) -> tuple[str | Text, ...]:
    counts = _describe_counts(one.event, language) if one.open else ""
    return ("   ", styled(counts, "yellow")) if counts else ()


def _describe_counts(event: DeadLettered, language: str) -> str:
    _ = translator(language)
    replays = _("replayed {count} times without success").format(count=event.replays) if event.replays else ""
    returns = _("came back {count} times").format(count=event.returns) if event.returns else ""
    return ", ".join(filter(None, (replays, returns)))


def print_groups(found: Sequence[ReasonGroup], now: datetime, language: str) -> None:
    """Print a table with one row per reason code, and what to do about each below it."""
    _ = translator(language)
    if not found:
        console.print(_("Nothing waits for a person."))
        return
    rows = [_group_row(group, now, language) for group in found]
    console.print(build_table((_("open"), _("owner"), _("reason"), _("oldest"), _("about")), rows, right=(0, 3)))
    for group in found:
        by_itself = _("resolves by itself:") + " " if resolves_by_itself(group.reason) else ""
        console.print(f"  {group.reason}  {by_itself}{describe_fix(group.dead_letters, language)}", soft_wrap=True)


def _group_row(group: ReasonGroup, now: datetime, language: str) -> tuple[object, ...]:
    oldest = format_age((now - group.since).total_seconds(), language)
    owner = translator(language)(reason_owner(group.reason))
    return len(group.dead_letters), owner, group.reason, oldest, group.about(language)


def print_dead_letter(one: DeadLetter, language: str, *, personal: bool, form: ByteFormat | None) -> None:
    """Print a dead letter in full: cause, effect, fix, history, and the delivery or record that failed."""
    _, event = translator(language), one.event
    head = f"   {event.about}   {describe_state(one, language)}"
    console.print(compose(styled(event.reason, "bold"), head, *_describe_history(one, language)), soft_wrap=True)
    owner = _(reason_owner(event.reason))
    console.print(f"  {event.service} · {owner} · {local_time(event.at, seconds=True)} · {event.dead_letter}")
    text, command = reason_wording(event.reason, language), describe_fix([one], language)
    sentences = {_("detail"): event.detail, _("cause"): text.cause, _("effect"): text.effect, _("fix"): text.fix}
    print_labelled(sentences | {_("command"): command})
    console.print()
    for line in one.history:
        console.print(f"  {local_time(line.at, seconds=True)}  {_describe_event(line, language)}", soft_wrap=True)
    _print_failed(one, language, personal=personal, form=form)


def _describe_event(event: DeadLetterEvent, language: str) -> str:
    _ = translator(language)
    if isinstance(event, DeadLettered):
        counts = _describe_counts(event, language)
        corrects = _("corrects {id}").format(id=(event.replayof or "")[:8])
        opened = _("opened")
        more = (f" ({counts})" if counts else "") + (f", {corrects}" if event.replayof else "")
        return f"{opened}: {event.reason}: {event.detail}{more}"
    replaced = _("replaced by {id}").format(id=event.replacement)
    closed = _("{how} by {who}").format(how=_(event.how), who=event.by)
    return closed + (f", {replaced}" if event.replacement else "") + (f": {event.why}" if event.why else "")


def _print_failed(dead_letter: DeadLetter, language: str, *, personal: bool, form: ByteFormat | None) -> None:
    """Print the delivery with its attempts, or the record with its headers and, in `form`, its bytes."""
    _, event = translator(language), dead_letter.event
    for attempt in event.delivery.attempts if event.delivery else ():
        console.print(f"  {local_time(attempt.at, seconds=True)}  {attempt.outcome}: {attempt.detail}", soft_wrap=True)
    if event.delivery:
        label = _("delivery")
        console.print()
        about = f" {event.delivery.delivery_id} · {event.delivery.kind} · {event.delivery.lane}"
        console.print(compose(styled(label, "bold"), about))
        payload = full_payload(event)
        print_json(payload if personal else mask_person(payload))
    if event.record:
        record = event.record
        place = _("{topic}, partition {partition}, offset {offset}")
        at = place.format(topic=record.topic, partition=record.partition, offset=record.offset)
        label = _("record")
        console.print()
        console.print(compose(styled(label, "bold"), f" {at}"))
        print_json(display_record(dead_letter.record or record, personal=personal))
        if form:
            console.print(format_bytes(record, form), soft_wrap=True)


RESULT_COLOURS = {"done": "green", "failed again": "red", "refused": "red", "no answer": "red", "held back": "yellow"}


def print_routes(routes: Sequence[ReplayRoute], *, json: bool) -> int:
    """Print the routes of a dry run. Returns the exit code."""
    if json:
        print_json({"routes": [route.to_dict() for route in routes], "reasons": count_reasons(routes)})
        return 0
    if not routes:
        console.print("No dead letter matches: nothing would be replayed.")
        return 0
    rows = [(one.dead_letter.id, one.dead_letter.event.about, one.target, _action_cell(one)) for one in routes]
    console.print(build_table(("id", "about", "sent to", "action"), rows))
    for route in (route for route in routes if route.held_back):
        console.print(f"  {route.dead_letter.id}  {route.held_back}", soft_wrap=True)
    sent = sum(not route.held_back for route in routes)
    reasons = " · ".join(f"{count} {reason}" for reason, count in count_reasons(routes).items())
    console.print()
    console.print(f"Dry run: {sent} would be replayed, {len(routes) - sent} held back. {reasons}", soft_wrap=True)
    console.print(
        "A replay writes nothing twice: each delivery reads before it writes; closed dead letters are skipped."
    )
    return 0


def _action_cell(route: ReplayRoute) -> str | Text:
    return styled("held back", "yellow") if route.held_back else route.action


def print_discard_preview(dead_letters: Sequence[DeadLetter], *, json: bool) -> int:
    """Print what a discard would close. Returns the exit code."""
    if json:
        rows = [{"dead_letter": one.event.dead_letter, "open": one.open} | _identify(one) for one in dead_letters]
        print_json({"dead_letters": rows})
        return 0
    open_ = [one for one in dead_letters if one.open]
    if open_:
        cells = [(one.id, *_identify(one).values()) for one in open_]
        console.print(build_table(("id", "service", "reason", "about"), cells))
    closed = len(dead_letters) - len(open_)
    console.print(f"Dry run: {len(open_)} would be discarded, {closed} already closed. Nothing was sent.")
    return 0


def _identify(one: DeadLetter) -> dict[str, str]:
    return {"service": one.event.service, "reason": one.event.reason, "about": one.event.about}


@contextmanager
def report_interruption(count: int) -> Iterator[list[ReplayResult]]:
    """Yield a list for results; if the block is interrupted, report how many there are."""
    results: list[ReplayResult] = []
    try:
        yield results
    except BaseException:
        errors.print(
            f"Interrupted: {len(results)} of {count} processed ({summarize(results)}). "
            "Rerun the same command to continue.",
            soft_wrap=True,
        )
        raise


def print_results(results: Sequence[ReplayResult], *, json: bool) -> None:
    """Print one line per dead letter, and a summary."""
    if json:
        print_json([one.to_dict() for one in results])
        return
    for one in results:
        colour = RESULT_COLOURS.get(one.kind, "default")
        head = f"{one.dead_letter.id}  {one.dead_letter.event.about}"
        console.print(compose(f"{head}  ", styled(one.kind, colour), f": {one.message}"), soft_wrap=True)
    console.print(summarize(results), soft_wrap=True)


def print_correction(made: Correction, doubts: Sequence[str], *, json: bool, result: ReplayResult | None = None) -> int:
    """Print what was changed, what needs confirmation, the id of the replacement, and its result.

    Returns the exit code of a dry run.
    """
    replacement = made.commands[0].replacement
    if json:
        content: dict[str, Any] = {
            "changed": made.changed,
            "replacement": replacement,
            "dead_letters": len(made.commands),
        }
        content |= {"to_confirm": list(doubts)}
        print_json(content | ({"sent": True} | result.to_dict() if result else {"sent": False}))
        return 0
    console.print(f"changed  {'  '.join(made.changed)}", soft_wrap=True)
    for doubt in doubts:
        console.print(f"to confirm  {doubt}", style="yellow", soft_wrap=True)
    what = "event" if made.event else "delivery"
    if result is None:
        console.print(f"The correction is valid. Dry run: nothing was sent ({what} {replacement}).", soft_wrap=True)
        return 0
    console.print(f"replaced by {what} {replacement}", soft_wrap=True)
    print_results([result], json=False)
    return 0


@contextmanager
def show_progress(count: int, results: list[ReplayResult]) -> Iterator[Callable[[ReplayResult], None]]:
    """Yield a function that adds a result to `results` and, on a terminal, advances a progress bar."""
    columns = (
        TextColumn("replaying"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        Description("{task.description}"),
    )
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as bar:
        task = bar.add_task("", total=count)

        def add_result(one: ReplayResult) -> None:
            results.append(one)
            bar.update(task, advance=1, description=f"{one.dead_letter.event.about}: {one.kind}")

        yield add_result
