"""The commands: look at dead letters, try them again, put them right, give them up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from services.cli.command import FAILED, DryRun, InvalidArgument, Json, Patience, command, read_settings
from services.cli.dead_letter_log import DeadLetter, find_dead_letter, read_dead_letters
from services.cli.dead_letters import grouping, view
from services.cli.dead_letters.channel import ReplayResult, exit_code, open_channel
from services.cli.dead_letters.correction import Correction, build_correction, read_changes
from services.cli.dead_letters.edit_check import check_references, confirm_doubts, read_edit_context
from services.cli.dead_letters.grouping import describe_fix, reason_owner, resolves_by_itself
from services.cli.dead_letters.records import ByteFormat, display_record, mask_person, may_contain_person
from services.cli.dead_letters.replay import (
    ReplayRoute,
    await_result,
    discard_all,
    hold_back_deleted_orders,
    plan_routes,
)
from services.cli.dead_letters.replay import replay_routes as replay_all
from services.cli.dead_letters.selection import (
    ExitCode,
    Flow,
    Language,
    Order,
    Personal,
    Reasons,
    Shop,
    Since,
    Until,
    build_filter,
    find_dead_letters,
    find_same_record,
    select_dead_letters,
)
from services.cli.dead_letters.view import show_progress
from services.cli.events.ending import run_until_stopped
from services.cli.screen import console, print_json
from services.cli.service_status import read_service_statuses
from services.engine.clock import utc_now
from services.engine.outbox.edits import full_payload
from services.settings import Settings

app = typer.Typer(no_args_is_help=True, help="What only a person can settle.")
Every = Annotated[bool, typer.Option("--all", help="Closed ones too.")]
Closed = Annotated[bool, typer.Option("--closed", help="Only closed ones, with what became of each.")]
Raw = Annotated[ByteFormat | None, typer.Option("--raw", help="The record's bytes too, in this form.")]


@app.command(name="list")
@command
async def list_dead_letters(
    reasons: Reasons = None,
    flow: Flow = None,
    shop: Shop = None,
    order: Order = None,
    since: Since = None,
    until: Until = None,
    every: Every = False,
    closed: Closed = False,
    asks: ExitCode = False,
    personal: Personal = False,
    language: Language = "en",
    json: Json = False,
) -> int:
    """The open dead letters: what is wrong, with what, and what to do."""
    meant = await find_dead_letters(read_settings(), build_filter(reasons, flow, shop, order, since, until))
    found = [one for one in meant if every or one.open != closed]
    print_json([_to_dict(one, personal=personal) for one in found]) if json else view.print_dead_letters(
        found, language
    )
    return FAILED if asks and found else 0


@app.command(name="group")
@command
async def list_dead_letter_groups(
    reasons: Reasons = None,
    flow: Flow = None,
    shop: Shop = None,
    order: Order = None,
    since: Since = None,
    until: Until = None,
    language: Language = "en",
    asks: ExitCode = False,
    json: Json = False,
) -> int:
    """The open dead letters by reason: how many, who mends them, what to do; and what else waits."""
    now, known = datetime.now(UTC), read_settings()
    found = grouping.group_by_reason(
        await find_dead_letters(known, build_filter(reasons, flow, shop, order, since, until))
    )
    if json:
        print_json([group.plain(now, language) for group in found])
    else:
        view.print_groups(found, now, language)
        console.print(grouping.describe_other_work(await read_service_statuses(known), now, language), soft_wrap=True)
    return FAILED if asks and found else 0


@app.command(name="show")
@command
async def show_dead_letter(
    letter: str, language: Language = "en", raw: Raw = None, personal: Personal = False, json: Json = False
) -> int:
    """One dead letter, whole: cause, effect, fix, its story, what failed. Personal data only if asked for."""
    found = find_dead_letter(await read_dead_letters(read_settings().kafka), letter)
    record = found.letter.record
    if raw and record and may_contain_person(record) and not personal:
        raise InvalidArgument(
            f"the bytes of {record.topic} may name somebody: --raw shows them together with --personal"
        )
    print_json(_to_dict(found, personal=personal)) if json else view.print_dead_letter(
        found, language, personal=personal, form=raw
    )
    return 0


def _to_dict(one: DeadLetter, *, personal: bool) -> dict[str, Any]:
    """A letter as data. The bytes of a record may name somebody: they are there only with the personal data."""
    told = one.letter.content()
    record = one.letter.record
    decoded = display_record(one.record, personal=personal) if one.record else None
    if record and not personal:
        told["record"] = {name: told["record"][name] for name in ("topic", "partition", "offset", "timestamp")}
    return (told if personal else mask_person(told)) | {
        "decoded": decoded,
        "owner": reason_owner(one.letter.reason),
        "heals": resolves_by_itself(one.letter.reason),
        "fix": describe_fix([one], "en"),
        "since": one.since,
        "settled": one.settled.content() if one.settled else None,
        "history": [event.content() if personal else mask_person(event.content()) for event in one.history[:-1]],
    }


# The commands that change something: replay, edit, discard. Each is kept in the topics, with who asked for it.

Why = Annotated[str, typer.Option("--reason", help="Why; kept with your name.")]
Letters = Annotated[list[str] | None, typer.Argument(help="Ids, as far as they are unambiguous.")]
All = Annotated[bool, typer.Option("--all", help="All that are open.")]
Rate = Annotated[float, typer.Option(min=0.01, max=1000, help="Letters per second at most.")]
NoLook = Annotated[bool, typer.Option("--no-look", help="Do not ask the shops whether the orders are still there.")]
Set = Annotated[list[str] | None, typer.Option("--set", help="POINTER=VALUE, e.g. /document/Date=2026-12-01T00:00:00")]
Yes = Annotated[bool, typer.Option("--yes", help="Unusual dates and references are meant so.")]
File = Annotated[Path | None, typer.Option(help="The whole corrected document as JSON; - reads it from a pipe.")]


@app.command(name="replay")
@command
async def replay_dead_letters(
    letters: Letters = None,
    reasons: Reasons = None,
    flow: Flow = None,
    shop: Shop = None,
    order: Order = None,
    since: Since = None,
    until: Until = None,
    every: All = False,
    rate: Rate = 5.0,
    dry_run: DryRun = False,
    no_look: NoLook = False,
    patience: Patience = 30.0,
    json: Json = False,
) -> int:
    """Try dead letters again, at the services that failed. Replaying twice does nothing."""
    wanted, known = build_filter(reasons, flow, shop, order, since, until), read_settings()
    meant = await select_dead_letters(known, "replay", letters or (), wanted, every=every)
    ways = plan_routes(meant, known.retry.loop_guard, in_bulk=not letters)
    ways = ways if no_look else await hold_back_deleted_orders(ways, known)
    if dry_run:
        return view.print_routes(ways, json=json)
    return await run_until_stopped(_replay_and_report(known, ways, rate, patience, json=json))


async def _replay_and_report(
    settings: Settings, ways: Sequence[ReplayRoute], rate: float, patience: float, *, json: bool
) -> int:
    async with open_channel(settings.kafka) as made:
        with view.report_interruption(len(ways)) as known, show_progress(len(ways), known) as tell:
            results = await replay_all(made, ways, rate, patience, tell)
    view.print_results(results, json=json)
    return exit_code(results)


@app.command(name="edit")
@command
async def edit_dead_letter(
    letter: str,
    why: Why,
    assignments: Set = None,
    file: File = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    patience: Patience = 30.0,
    json: Json = False,
) -> int:
    """Put a dead letter right and try it under a new id. Without --set or --file it opens in $EDITOR, whole.

    What is changed is checked as if a service had made it: fields, figures, references, dates. An unusual date is asked
    about.
    """
    chosen_ = read_settings()
    there = await read_dead_letters(chosen_.kafka)
    found = find_dead_letter(there, letter)
    changed = read_changes(found, assignments or (), file)
    known = await read_edit_context(chosen_, found, utc_now())
    correction = build_correction(found, changed, why, find_same_record(found, there.values()), known)
    doubts = [*correction.doubts, *await check_references(chosen_, full_payload(found.letter), correction.payload)]
    if dry_run:
        return view.print_correction(correction, doubts, json=json)
    confirm_doubts(doubts, yes=yes)
    ended = await _send_correction(chosen_, found, correction, patience)
    view.print_correction(correction, doubts, json=json, result=ended)
    return exit_code([ended])


async def _send_correction(
    settings: Settings, letter: DeadLetter, correction: Correction, patience: float
) -> ReplayResult:
    """The corrected event is published first: a command about an event that is not there would close the letter."""
    async with open_channel(settings.kafka, seal=settings.privacy.seal) as made:
        if correction.event is not None:
            await made.publish(correction.event)
        correlations = [await made.send(asked) for asked in correction.commands]
        return await await_result(made, letter, correlations[0], patience, correction.commands[0].replacement)


@app.command(name="discard")
@command
async def discard_dead_letters(
    why: Why,
    letters: Letters = None,
    reasons: Reasons = None,
    flow: Flow = None,
    shop: Shop = None,
    order: Order = None,
    since: Since = None,
    until: Until = None,
    every: All = False,
    dry_run: DryRun = False,
    patience: Patience = 30.0,
    json: Json = False,
) -> int:
    """Give dead letters up: who did so, when and why is kept (davtari dead-letters list --closed)."""
    if not why.strip():
        raise InvalidArgument("--reason is empty: say why, for whoever asks later")
    wanted, known = build_filter(reasons, flow, shop, order, since, until), read_settings()
    meant = await select_dead_letters(known, "discard", letters or (), wanted, every=every)
    if dry_run:
        return view.print_discard_preview(meant, json=json)
    async with open_channel(known.kafka) as made:
        results = await discard_all(made, meant, why.strip(), patience)
    view.print_results(results, json=json)
    return exit_code(results)
