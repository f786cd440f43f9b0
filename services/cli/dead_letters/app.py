"""`davtari dead-letters`: list, show, replay, correct and discard dead letters."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from services.cli.command import (
    FAILED,
    DryRun,
    InvalidArgument,
    Json,
    Patience,
    command,
    read_settings,
    run_until_stopped,
)
from services.cli.dead_letter_log import DeadLetter, find_dead_letter, read_dead_letters
from services.cli.dead_letters import grouping, view
from services.cli.dead_letters.channel import ReplayResult, open_channel, replay_exit_code
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
    replay_routes,
)
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
from services.cli.screen import console, print_json
from services.cli.service_status import read_service_statuses
from services.engine.clock import utc_now
from services.engine.outbox.edits import full_payload
from services.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Records and deliveries that only a person can resolve.")
Closed = Annotated[bool, typer.Option("--closed", help="Only closed ones, and how each was closed.")]
Every = Annotated[bool, typer.Option("--all", help="Include closed ones.")]
Raw = Annotated[ByteFormat | None, typer.Option("--raw", help="Show the record's bytes too, in this format.")]
Why = Annotated[str, typer.Option("--reason", help="The reason; recorded with your name.")]
Ids = Annotated[list[str] | None, typer.Argument(help="Ids, or their first characters if unambiguous.")]
AllOpen = Annotated[bool, typer.Option("--all", help="All open dead letters.")]
Rate = Annotated[float, typer.Option(min=0.01, max=1000, help="Dead letters per second at most.")]
NoLook = Annotated[bool, typer.Option("--no-look", help="Do not check in the shops whether the orders still exist.")]
Set = Annotated[list[str] | None, typer.Option("--set", help="POINTER=VALUE, e.g. /document/Date=2026-12-01T00:00:00")]
Yes = Annotated[bool, typer.Option("--yes", help="Confirm unusual dates and references.")]
File = Annotated[Path | None, typer.Option(help="The whole corrected document as JSON; - reads standard input.")]


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
    exit_code: ExitCode = False,
    personal: Personal = False,
    language: Language = "en",
    json: Json = False,
) -> int:
    """List the open dead letters: what is wrong, and with what."""
    matching = await find_dead_letters(read_settings(), build_filter(reasons, flow, shop, order, since, until))
    found = [one for one in matching if every or one.open != closed]
    if json:
        print_json([_to_dict(one, personal=personal) for one in found])
    else:
        view.print_dead_letters(found, language)
    return FAILED if exit_code and found else 0


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
    exit_code: ExitCode = False,
    json: Json = False,
) -> int:
    """List the open dead letters by reason code: how many, who resolves them, what to do; and pending deliveries."""
    now, chosen = datetime.now(UTC), read_settings()
    matching = await find_dead_letters(chosen, build_filter(reasons, flow, shop, order, since, until))
    groups = grouping.group_by_reason(matching)
    if json:
        print_json([group.to_dict(now, language) for group in groups])
    else:
        view.print_groups(groups, now, language)
        console.print(grouping.describe_other_work(await read_service_statuses(chosen), now, language), soft_wrap=True)
    return FAILED if exit_code and groups else 0


@app.command(name="show")
@command
async def show_dead_letter(
    id_: Annotated[str, typer.Argument(metavar="ID")],
    language: Language = "en",
    raw: Raw = None,
    personal: Personal = False,
    json: Json = False,
) -> int:
    """Show one dead letter in full: cause, effect, fix, history, and the delivery or record that failed.

    Personal data is masked unless --personal is given.
    """
    found = find_dead_letter(await read_dead_letters(read_settings()), id_)
    record = found.event.record
    if raw and record and may_contain_person(record) and not personal:
        raise InvalidArgument(f"The bytes of {record.topic} may contain personal data: add --personal to --raw")
    if json:
        print_json(_to_dict(found, personal=personal))
    else:
        view.print_dead_letter(found, language, personal=personal, form=raw)
    return 0


def _to_dict(one: DeadLetter, *, personal: bool) -> dict[str, Any]:
    """A dead letter for `--json`. The bytes of a record may contain personal data: only with `personal`."""
    content = one.event.content()
    decoded = display_record(one.record, personal=personal) if one.record else None
    if one.event.record and not personal:
        record = content["record"]
        content["record"] = {name: record[name] for name in ("topic", "partition", "offset", "timestamp")}
    return (content if personal else mask_person(content)) | {
        "decoded": decoded,
        "owner": reason_owner(one.event.reason),
        "resolves_by_itself": resolves_by_itself(one.event.reason),
        "fix": describe_fix([one], "en"),
        "since": one.since,
        "settled": one.settled.content() if one.settled else None,
        "history": [event.content() if personal else mask_person(event.content()) for event in one.history[:-1]],
    }


@app.command(name="replay")
@command
async def replay_dead_letters(
    ids: Ids = None,
    reasons: Reasons = None,
    flow: Flow = None,
    shop: Shop = None,
    order: Order = None,
    since: Since = None,
    until: Until = None,
    every: AllOpen = False,
    rate: Rate = 5.0,
    dry_run: DryRun = False,
    no_look: NoLook = False,
    patience: Patience = 30.0,
    json: Json = False,
) -> int:
    """Process dead letters again in the services that failed. Replaying twice does nothing."""
    wanted, chosen = build_filter(reasons, flow, shop, order, since, until), read_settings()
    selected = await select_dead_letters(chosen, "replay", ids or (), wanted, every=every)
    routes = plan_routes(selected, chosen.retry.loop_guard, in_bulk=not ids)
    routes = routes if no_look else await hold_back_deleted_orders(routes, chosen)
    if dry_run:
        return view.print_routes(routes, json=json)
    return await run_until_stopped(_replay_and_report(chosen, routes, rate, patience, json=json))


async def _replay_and_report(
    settings: Settings, routes: Sequence[ReplayRoute], rate: float, patience: float, *, json: bool
) -> int:
    async with open_channel(settings) as channel:
        with view.report_interruption(len(routes)) as known, view.show_progress(len(routes), known) as add_result:
            results = await replay_routes(channel, routes, rate, patience, add_result)
    view.print_results(results, json=json)
    return replay_exit_code(results)


@app.command(name="edit")
@command
async def edit_dead_letter(
    id_: Annotated[str, typer.Argument(metavar="ID")],
    why: Why,
    assignments: Set = None,
    file: File = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    patience: Patience = 30.0,
    json: Json = False,
) -> int:
    """Correct a dead letter and send it under a new id. Without --set or --file it opens in $EDITOR.

    The correction is validated like a service's own output: fields, amounts, references, dates. Unusual dates require
    a confirmation.
    """
    chosen = read_settings()
    existing = await read_dead_letters(chosen)
    found = find_dead_letter(existing, id_)
    changed = read_changes(found, assignments or (), file)
    context = await read_edit_context(chosen, found, utc_now())
    correction = build_correction(found, changed, why, find_same_record(found, existing.values()), context)
    doubts = [*correction.doubts, *await check_references(chosen, full_payload(found.event), correction.payload)]
    if dry_run:
        return view.print_correction(correction, doubts, json=json)
    confirm_doubts(doubts, yes=yes)
    result = await _send_correction(chosen, found, correction, patience)
    view.print_correction(correction, doubts, json=json, result=result)
    return replay_exit_code([result])


async def _send_correction(
    settings: Settings, dead_letter: DeadLetter, correction: Correction, patience: float
) -> ReplayResult:
    """Publish the corrected event before the commands: a command without its event would close the dead letter."""
    async with open_channel(settings, seal=settings.privacy.seal) as channel:
        if correction.event is not None:
            await channel.publish(correction.event)
        correlations = [await channel.send(each) for each in correction.commands]
        replacement = correction.commands[0].replacement
        return await await_result(channel, dead_letter, correlations[0], patience, replacement)


@app.command(name="discard")
@command
async def discard_dead_letters(
    why: Why,
    ids: Ids = None,
    reasons: Reasons = None,
    flow: Flow = None,
    shop: Shop = None,
    order: Order = None,
    since: Since = None,
    until: Until = None,
    every: AllOpen = False,
    dry_run: DryRun = False,
    patience: Patience = 30.0,
    json: Json = False,
) -> int:
    """Close dead letters without processing them. Who, when and why is kept: davtari dead-letters list --closed."""
    if not why.strip():
        raise InvalidArgument("--reason is empty: state why, for later readers")
    wanted, chosen = build_filter(reasons, flow, shop, order, since, until), read_settings()
    selected = await select_dead_letters(chosen, "discard", ids or (), wanted, every=every)
    if dry_run:
        return view.print_discard_preview(selected, json=json)
    async with open_channel(chosen) as channel:
        results = await discard_all(channel, selected, why.strip(), patience)
    view.print_results(results, json=json)
    return replay_exit_code(results)
