"""The commands that change something: replay, edit, discard. Each is kept in the topics, with who asked for it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from services.cli.command import DryRun, InvalidArgument, Json, Patience, command, read_settings
from services.cli.dead_letter_log import DeadLetter, find_dead_letter, read_dead_letters
from services.cli.dead_letters import told
from services.cli.dead_letters.checking.known import confirmed, known_of, unknown_references
from services.cli.dead_letters.correction import Correction, corrected
from services.cli.dead_letters.desk import desk
from services.cli.dead_letters.discarding import discard_all
from services.cli.dead_letters.editing import changed_by
from services.cli.dead_letters.gone import without_the_gone
from services.cli.dead_letters.options import Flow, Order, Reasons, Shop, Since, Until, choice
from services.cli.dead_letters.progress import progress
from services.cli.dead_letters.replaying import heard
from services.cli.dead_letters.replaying import replay as replay_all
from services.cli.dead_letters.results import Result, exit_code
from services.cli.dead_letters.routes import Route, routes
from services.cli.dead_letters.selecting import same_record, selected
from services.cli.events.ending import until_stopped
from services.engine.outbox.edits import whole_payload
from services.engine.runtime.clock import utc_now
from services.settings import Settings

Why = Annotated[str, typer.Option("--reason", help="Why; kept with your name.")]
Letters = Annotated[list[str] | None, typer.Argument(help="Ids, as far as they are unambiguous.")]
All = Annotated[bool, typer.Option("--all", help="All that are open.")]
Rate = Annotated[float, typer.Option(min=0.01, max=1000, help="Letters per second at most.")]
NoLook = Annotated[bool, typer.Option("--no-look", help="Do not ask the shops whether the orders are still there.")]
Set = Annotated[list[str] | None, typer.Option("--set", help="POINTER=VALUE, e.g. /document/Date=2026-12-01T00:00:00")]
Yes = Annotated[bool, typer.Option("--yes", help="Unusual dates and references are meant so.")]
File = Annotated[Path | None, typer.Option(help="The whole corrected document as JSON; - reads it from a pipe.")]


@command
async def replay(
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
    wanted, known = choice(reasons, flow, shop, order, since, until), read_settings()
    meant = await selected(known, "replay", letters or (), wanted, every=every)
    ways = routes(meant, known.retry.loop_guard, in_bulk=not letters)
    ways = ways if no_look else await without_the_gone(ways, known)
    if dry_run:
        return told.table_of(ways, json=json)
    return await until_stopped(_replay(known, ways, rate, patience, json=json))


async def _replay(settings: Settings, ways: Sequence[Route], rate: float, patience: float, *, json: bool) -> int:
    async with desk(settings.kafka) as made:
        with told.as_far_as_it_came(len(ways)) as known, progress(len(ways), known) as tell:
            results = await replay_all(made, ways, rate, patience, tell)
    told.results(results, json=json)
    return exit_code(results)


@command
async def edit(
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
    changed = changed_by(found, assignments or (), file)
    known = await known_of(chosen_, found, utc_now())
    correction = corrected(found, changed, why, same_record(found, there.values()), known)
    doubts = [*correction.doubts, *await unknown_references(chosen_, whole_payload(found.letter), correction.payload)]
    if dry_run:
        return told.correction(correction, doubts, json=json)
    confirmed(doubts, yes=yes)
    ended = await _tried(chosen_, found, correction, patience)
    told.correction(correction, doubts, json=json, result=ended)
    return exit_code([ended])


async def _tried(settings: Settings, letter: DeadLetter, correction: Correction, patience: float) -> Result:
    """The corrected event is published first: a command about an event that is not there would close the letter."""
    async with desk(settings.kafka, seal=settings.privacy.seal) as made:
        if correction.event is not None:
            await made.publish(correction.event)
        correlations = [await made.send(asked) for asked in correction.commands]
        return await heard(made, letter, correlations[0], patience, correction.commands[0].replacement)


@command
async def discard(
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
    wanted, known = choice(reasons, flow, shop, order, since, until), read_settings()
    meant = await selected(known, "discard", letters or (), wanted, every=every)
    if dry_run:
        return told.would_be_discarded(meant, json=json)
    async with desk(known.kafka) as made:
        results = await discard_all(made, meant, why.strip(), patience)
    told.results(results, json=json)
    return exit_code(results)
