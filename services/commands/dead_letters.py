"""`davtari dead-letters`: what only a person can settle."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from contracts.operations import DiscardRequested, ReplayRequested
from services.commands import ask, letters, show
from services.commands.frame import Json, Patience, answered, command, settings
from services.commands.screen import as_json, console

app = typer.Typer(no_args_is_help=True, help="What only a person can settle.")
Every = Annotated[bool, typer.Option("--all", help="Settled ones too.")]
Why = Annotated[str, typer.Option(help="Kept for the audit.")]


@app.command(name="list")
@command
async def letters_list(every: Every = False, json: Json = False) -> int:
    """The open dead letters: what is wrong, with what, and what to do."""
    found = [found for found in (await letters.all_letters(settings().kafka)).values() if every or found.open]
    as_json([_plain(letter) for letter in found]) if json else show.letters(found)
    return 0


@app.command(name="show")
@command
async def letters_show(letter: str, json: Json = False) -> int:
    """One dead letter, whole: cause, effect, fix, payload, bytes."""
    found = letters.pick(await letters.all_letters(settings().kafka), letter)
    as_json(_plain(found)) if json else show.letter(found)
    return 0


@app.command(name="replay")
@command
async def letters_replay(letter: str, patience: Patience = 30.0, json: Json = False) -> int:
    """Try a dead letter again, at the service that failed. Replaying twice does nothing."""
    chosen = settings()
    found = letters.pick(await letters.all_letters(chosen.kafka), letter)
    if not found.open:
        console.print(f"dead letter {found.letter.dead_letter[:8]} is not open: nothing to do")
        return 0
    asked = ReplayRequested(dead_letter=found.letter.dead_letter, **ask.stamp())
    return answered(await ask.ask(chosen, asked, patience), json)


@app.command(name="discard")
@command
async def letters_discard(
    letter: str,
    why: Annotated[str, typer.Option(help="Kept for the audit.")],
    patience: Patience = 30.0,
    json: Json = False,
) -> int:
    """Give a dead letter up, with a reason."""
    chosen = settings()
    found = letters.pick(await letters.all_letters(chosen.kafka), letter)
    asked = DiscardRequested(dead_letter=found.letter.dead_letter, why=why, **ask.stamp())
    return answered(await ask.ask(chosen, asked, patience), json)


def _plain(letter: letters.Letter) -> dict[str, Any]:
    return letter.letter.content() | {"settled": letter.settled.content() if letter.settled else None}
