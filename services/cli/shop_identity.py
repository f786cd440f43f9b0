"""`davtari shop show` and `davtari shop accept`: which shop is connected, according to the operations topic."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import typer

from contracts.envelope import Envelope
from contracts.identity import AcceptShopRequested, ShopIdentified, ShopNotRecognized
from contracts.model import Event
from services.accounting.checks.findings import FLOWS, Finding
from services.cli import requests
from services.cli.command import FAILED, Json, Patience, Shop, command, read_settings, select_shop, show_answer
from services.cli.screen import Text, compose, console, print_json, styled
from services.connectors.identity.evidence import ShopObservation, compare_identity
from services.connectors.identity.status import IdentityStatus, describe_block, describe_remedy
from services.engine.client.reader import read_events
from services.engine.clock import local_date, local_time
from services.settings.model import Settings


async def read_identities(settings: Settings) -> dict[str, IdentityStatus]:
    """Read the identity of each shop from Kafka."""
    return collect_identities(settings.shops, [envelope async for envelope in read_events(settings, ["operations"])])


def collect_identities(shops: Iterable[str], envelopes: Iterable[Envelope[Event]]) -> dict[str, IdentityStatus]:
    """Collect the identities from events in order."""
    found = {shop: IdentityStatus() for shop in shops}
    for event in (envelope.data for envelope in envelopes):
        match event:
            case ShopIdentified() if event.shop in found:
                found[event.shop] = IdentityStatus(known=event)
            case ShopNotRecognized() if event.shop in found:
                found[event.shop] = IdentityStatus(found[event.shop].known, event)
    return found


def check_identity(shop: str, status: IdentityStatus, seen: ShopObservation) -> Finding:
    """For `davtari check`: whether the shop that answers is the known one."""
    if status.known is None:
        return Finding("identity", None, f"{seen.home}, not identified by store-feed yet")
    if status.strange is not None:
        return Finding("identity", False, "; ".join(status.strange.differences), describe_remedy(shop), FLOWS)
    verdict = compare_identity(status.known, seen)
    if verdict.blocked:
        return Finding("identity", False, "; ".join(verdict.signs), describe_remedy(shop), FLOWS)
    if verdict.signs:
        return Finding("identity", None, f"{seen.home}; {'; '.join(verdict.signs)}", "nothing: everything else matches")
    return Finding("identity", True, f"{seen.home}, known since {local_date(status.known.at)}")


def blocked_shop_lines(found: dict[str, IdentityStatus]) -> list[Text]:
    """For `davtari status`: a line for each blocked shop."""
    return [_blocked(one.strange) for one in found.values() if one.strange]


def _blocked(strange: ShopNotRecognized) -> Text:
    return styled(f"BLOCKED since {local_time(strange.at)}: {describe_block(strange)}", "bold red")


def show_identity(shop: str, status: IdentityStatus) -> None:
    """Print how a shop is identified, and which shop answers instead."""
    known, strange = status.known, status.strange
    if known is None:
        console.print(f"Shop {shop} is not identified yet: store-feed identifies it when it starts (davtari up).")
    else:
        by = " by ".join(filter(None, ["", known.by])) + (f": {known.why}" if known.why else "")
        console.print(
            compose(styled(shop, "bold"), f"  {known.home} · {known.how} on {local_time(known.at)}{by}"), soft_wrap=True
        )
        mark = f"marked by the webhook Davtari identity {known.marker}" if known.marker else "not marked"
        console.print(f"  {mark} · newest order then {known.newest_order} · URL then {known.url}", soft_wrap=True)
    if strange is not None:
        console.print(_blocked(strange), soft_wrap=True)


def identity_to_data(status: IdentityStatus) -> dict[str, object]:
    """For `--json`."""
    known, strange = status.known, status.strange
    return {
        "known": known.model_dump(mode="json") if known else None,
        "not_recognized": strange.model_dump(mode="json") if strange else None,
    }


app = typer.Typer(no_args_is_help=True, help="Show which shop is connected, or confirm a moved shop.")


@app.command(name="show")
@command
async def show_shop_command(shop: Shop = "", json: Json = False) -> int:
    """Show how a shop is identified, and what differs. Exit code 1 if it is not recognized."""
    chosen = read_settings()
    name = select_shop(chosen, shop)
    status = (await read_identities(chosen))[name]
    print_json(identity_to_data(status)) if json else show_identity(name, status)
    return FAILED if status.strange else 0


@app.command(name="accept")
@command
async def accept_shop_command(
    reason: Annotated[str, typer.Option("--reason", help="Why this is the right shop; recorded with your name.")],
    shop: Shop = "",
    patience: Patience = 60.0,
    json: Json = False,
) -> int:
    """Confirm that the shop that answers now is the right one, so that its lanes resume."""
    chosen = read_settings()
    name = select_shop(chosen, shop)
    asked = AcceptShopRequested(shop=name, why=reason, **requests.command_header())
    with console.print_status(f"Reading shop {name}…"):
        answer = await requests.request(chosen, asked, patience)
    return show_answer(answer, json)
