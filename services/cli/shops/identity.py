"""How the identities of the shops stand, as the operations topic has it."""

from __future__ import annotations

from collections.abc import Iterable

from rich.markup import escape

from contracts.envelope import Envelope
from contracts.identity import ShopIdentified, ShopNotRecognized
from contracts.model import Event
from services.accounting.checks.finding import FLOWS, Finding
from services.cli.screen import console
from services.connectors.identity.evidence import judge
from services.connectors.identity.seen import Seen
from services.connectors.identity.standing import Standing, remedy, told
from services.engine.client.reader import read_events
from services.engine.runtime.tbilisi import local_date, local_time
from services.settings.model import Settings


async def identities(settings: Settings) -> dict[str, Standing]:
    """How each shop of the settings stands."""
    return stand(settings.shops, [envelope async for envelope in read_events(settings.kafka, ["operations"])])


def stand(shops: Iterable[str], envelopes: Iterable[Envelope[Event]]) -> dict[str, Standing]:
    """The same, from what was said of them in order."""
    found = {shop: Standing() for shop in shops}
    for event in (envelope.data for envelope in envelopes):
        match event:
            case ShopIdentified() if event.shop in found:
                found[event.shop] = Standing(known=event)
            case ShopNotRecognized() if event.shop in found:
                found[event.shop] = Standing(found[event.shop].known, event)
    return found


def finding(shop: str, standing: Standing, seen: Seen) -> Finding:
    """Whether the shop that answers now is the one that is known, for `davtari check`."""
    if standing.known is None:
        return Finding("identity", None, f"{seen.home}, not met by store-feed yet")
    if standing.strange is not None:
        return Finding("identity", False, "; ".join(standing.strange.differences), remedy(shop), FLOWS)
    verdict = judge(standing.known, seen)
    if verdict.blocked:
        return Finding("identity", False, "; ".join(verdict.signs), remedy(shop), FLOWS)
    if verdict.signs:
        return Finding("identity", None, f"{seen.home}; {'; '.join(verdict.signs)}", "nothing: the rest is as known")
    return Finding("identity", True, f"{seen.home}, known since {local_date(standing.known.at)}")


def lines(found: dict[str, Standing]) -> list[str]:
    """A line for each blocked shop, for `davtari status`."""
    return [_blocked(one.strange) for one in found.values() if one.strange]


def _blocked(strange: ShopNotRecognized) -> str:
    return f"[bold red]BLOCKED since {local_time(strange.at)}: {escape(told(strange))}[/]"


def show(shop: str, standing: Standing) -> None:
    """What a shop is known by, and what answers instead."""
    known, strange = standing.known, standing.strange
    if known is None:
        console.print(f"Shop {shop} was not met yet: store-feed meets it when it starts (davtari up).")
    else:
        by = " by ".join(filter(None, ["", known.by])) + (f": {known.why}" if known.why else "")
        console.print(
            f"[bold]{shop}[/]  {known.home} · {known.how} on {local_time(known.at)}{escape(by)}", soft_wrap=True
        )
        mark = f"marked by the webhook named Davtari identity {known.marker}" if known.marker else "not marked"
        console.print(f"  {mark} · newest order then {known.newest_order} · settings named {known.url}", soft_wrap=True)
    if strange is not None:
        console.print(_blocked(strange), soft_wrap=True)


def as_data(standing: Standing) -> dict[str, object]:
    """The same as data."""
    known, strange = standing.known, standing.strange
    return {
        "known": known.model_dump(mode="json") if known else None,
        "not_recognized": strange.model_dump(mode="json") if strange else None,
    }
