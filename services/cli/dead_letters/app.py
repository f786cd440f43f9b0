"""The commands: look at dead letters, try them again, put them right, give them up."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from services.cli.command import FAILED, InvalidArgument, Json, command, read_settings
from services.cli.dead_letter_log import DeadLetter, find_dead_letter, read_dead_letters
from services.cli.dead_letters import grouping, pages
from services.cli.dead_letters.act import discard, edit, replay
from services.cli.dead_letters.decoded import Form, shown
from services.cli.dead_letters.fixes import fix, heals, owner
from services.cli.dead_letters.masking import masked, may_hold_people
from services.cli.dead_letters.options import (
    Asks,
    Flow,
    Language,
    Order,
    Personal,
    Reasons,
    Shop,
    Since,
    Until,
    choice,
    chosen,
)
from services.cli.screen import console, print_json
from services.cli.status import standings

app = typer.Typer(no_args_is_help=True, help="What only a person can settle.")
Every = Annotated[bool, typer.Option("--all", help="Closed ones too.")]
Closed = Annotated[bool, typer.Option("--closed", help="Only closed ones, with what became of each.")]
Raw = Annotated[Form | None, typer.Option("--raw", help="The record's bytes too, in this form.")]


@app.command(name="list")
@command
async def letters_list(
    reasons: Reasons = None,
    flow: Flow = None,
    shop: Shop = None,
    order: Order = None,
    since: Since = None,
    until: Until = None,
    every: Every = False,
    closed: Closed = False,
    asks: Asks = False,
    personal: Personal = False,
    language: Language = "en",
    json: Json = False,
) -> int:
    """The open dead letters: what is wrong, with what, and what to do."""
    meant = await chosen(read_settings(), choice(reasons, flow, shop, order, since, until))
    found = [one for one in meant if every or one.open != closed]
    print_json([_plain(one, personal=personal) for one in found]) if json else pages.letters(found, language)
    return FAILED if asks and found else 0


@app.command(name="group")
@command
async def letters_group(
    reasons: Reasons = None,
    flow: Flow = None,
    shop: Shop = None,
    order: Order = None,
    since: Since = None,
    until: Until = None,
    language: Language = "en",
    asks: Asks = False,
    json: Json = False,
) -> int:
    """The open dead letters by reason: how many, who mends them, what to do; and what else waits."""
    now, known = datetime.now(UTC), read_settings()
    found = grouping.groups(await chosen(known, choice(reasons, flow, shop, order, since, until)))
    if json:
        print_json([group.plain(now, language) for group in found])
    else:
        pages.grouped(found, now, language)
        console.print(grouping.closing(await standings.standings(known), now, language), soft_wrap=True)
    return FAILED if asks and found else 0


@app.command(name="show")
@command
async def letters_show(
    letter: str, language: Language = "en", raw: Raw = None, personal: Personal = False, json: Json = False
) -> int:
    """One dead letter, whole: cause, effect, fix, its story, what failed. Personal data only if asked for."""
    found = find_dead_letter(await read_dead_letters(read_settings().kafka), letter)
    record = found.letter.record
    if raw and record and may_hold_people(record) and not personal:
        raise InvalidArgument(
            f"the bytes of {record.topic} may name somebody: --raw shows them together with --personal"
        )
    print_json(_plain(found, personal=personal)) if json else pages.letter(found, language, personal=personal, form=raw)
    return 0


def _plain(one: DeadLetter, *, personal: bool) -> dict[str, Any]:
    """A letter as data. The bytes of a record may name somebody: they are there only with the personal data."""
    told = one.letter.content()
    record = one.letter.record
    decoded = shown(one.record, personal=personal) if one.record else None
    if record and not personal:
        told["record"] = {name: told["record"][name] for name in ("topic", "partition", "offset", "timestamp")}
    return (told if personal else masked(told)) | {
        "decoded": decoded,
        "owner": owner(one.letter.reason),
        "heals": heals(one.letter.reason),
        "fix": fix([one], "en"),
        "since": one.since,
        "settled": one.settled.content() if one.settled else None,
        "history": [event.content() if personal else masked(event.content()) for event in one.history[:-1]],
    }


app.command(name="replay")(replay)
app.command(name="edit")(edit)
app.command(name="discard")(discard)
