"""`davtari forget`."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Annotated

import typer

from contracts.envelope import Envelope
from contracts.model import Event
from services.cli.command import (
    FAILED,
    NO_ANSWER,
    DryRun,
    InvalidArgument,
    Json,
    Patience,
    Shop,
    command,
    read_settings,
    select_shop,
)
from services.cli.forget import asking, shown
from services.cli.forget.dossier import TOPICS, WHOSE, Dossier, dossier, refs_of
from services.cli.registry import configured_services
from services.cli.screen import errors, print_json
from services.engine.kafka.reader import read_events
from services.engine.state.files import leftovers
from services.settings.model import Settings

Why = Annotated[str, typer.Option("--reason", help="Recorded for the audit; name nobody in it.")]
Person = Annotated[str, typer.Option("--person", help="The person_ref, where it is known, instead of shop and order.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
Unbooked = Annotated[bool, typer.Option("--unbooked-too", help="Also where an order is not in the books yet.")]


@command
async def forget_command(
    why: Why,
    order_id: Annotated[int, typer.Argument()] = 0,
    shop: Shop = "",
    person: Person = "",
    unbooked_too: Unbooked = False,
    yes: Yes = False,
    dry_run: DryRun = False,
    patience: Patience = 60.0,
    json: Json = False,
) -> int:
    """Take a buyer's personal data out of all that is ours. Documents and the client in Balance are kept.

    Erase the buyer in the shop first. Forgotten are: the sealed copies in the log (their keys go at once, and leave
    Kafka's disks when it compacts), those in the services' state databases and in what is yet to be published. Not
    reached: copies in clear, published before there was sealing, which a state database made anew reads again; files
    that people exported; backups; shop and Balance.
    """
    chosen = read_settings()
    shop = shop if person and not shop else select_shop(chosen, shop)
    found = await _known(chosen, shop, order_id, person)
    live = [name for name, each in chosen.shops.items() if each.flows.orders == "live"]
    unbooked, files = found.unbooked(live), leftovers(chosen.state.directory)
    if not json:
        shown.say(shown.before(found, unbooked, files))
    if unbooked and not (unbooked_too or dry_run):
        errors.print("wait until they are, or say --unbooked-too: their Sales then go to the retail client")
        return FAILED
    if not (dry_run or yes or _confirmed()):
        return FAILED
    given = await _forget(chosen, found, shop or None, why, patience, dry_run=dry_run)
    if json:
        print_json(shown.data(found, unbooked, files, given))
    else:
        shown.say(shown.after(given, configured_services(chosen), len(found.keys), dry_run=dry_run))
    return NO_ANSWER if given.silent else 0


async def _known(chosen: Settings, shop: str, order_id: int, person: str) -> Dossier:
    """Raises `WrongUse` unless somebody is named who is known."""
    if bool(person) == bool(order_id):
        raise InvalidArgument("Name the order of the person, or --person REF: davtari forget ORDER --reason …")
    order = f"{shop}:{order_id}"
    refs = {person} if person else refs_of(order, await _read(chosen, WHOSE))
    if not refs:
        raise InvalidArgument(f"nothing is known of order {order_id} of shop {shop}")
    return dossier(refs, await _read(chosen, TOPICS))


async def _read(chosen: Settings, topics: Iterable[str]) -> list[Envelope[Event]]:
    return [envelope async for envelope in read_events(chosen.kafka, topics, as_sealed=True)]


def _confirmed() -> bool:
    if not sys.stdin.isatty():
        raise InvalidArgument("this cannot be undone: say --yes")
    return typer.confirm("Forget this person? It cannot be undone.")


async def _forget(
    chosen: Settings, found: Dossier, shop: str | None, why: str, patience: float, *, dry_run: bool
) -> asking.Answers:
    if not dry_run:
        await asking.give_up_keys(chosen, found, why)
    asked = asking.commands(found, shop, why, dry_run=dry_run)
    return await asking.ask(chosen, asked, configured_services(chosen), patience)
