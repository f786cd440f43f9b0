"""`davtari order`."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.markup import escape

from contracts.delivery_ids import order_key
from services.cli import times
from services.cli.command import FAILED, Json, Shop, command, read_settings, select_shop
from services.cli.order import passport, payloads
from services.cli.order.passport import Passport
from services.cli.orders.standing import standing_of
from services.cli.orders.waiting import waits_of
from services.cli.rules.beside import rules_of
from services.cli.rules.shown import show as show_rules
from services.cli.screen import console, errors, print_json
from services.engine.client.reader import read_events


@command
async def order_command(
    order_id: int,
    shop: Shop = "",
    at: Annotated[str, typer.Option("--at", help=f"What was known then: {times.TIME_FORMATS}.")] = "",
    documents: Annotated[bool, typer.Option("--documents", help="Its documents whole, as JSON.")] = False,
    why: Annotated[bool, typer.Option("--why", help="Which rule decides its document, warehouse and hold.")] = False,
    json: Json = False,
) -> int:
    """Everything known about an order, in time order."""
    chosen, until = read_settings(), times.parse_time(at, datetime.now(UTC)) if at else None
    shop = select_shop(chosen, shop)
    known = [envelope async for envelope in read_events(chosen.kafka, passport.TOPICS)]
    envelopes = [envelope for envelope in known if until is None or envelope.time <= until]
    if documents:
        print_json({"documents": payloads.payloads(order_key(shop, order_id), envelopes)})
        return 0
    found = passport.passport(order_key(shop, order_id), envelopes)
    if found is None:
        errors.print(f"Order {order_id} of shop {shop} is not known; davtari push order {order_id} --shop {shop}")
        return FAILED
    waits = {} if until else waits_of(chosen)
    found = replace(found, stands=standing_of(order_key(shop, order_id), envelopes, chosen.shops, until, waits))
    rules = rules_of(chosen, order_key(shop, order_id), envelopes, until) if why else None
    if json:
        print_json(asdict(found) | ({"rules": asdict(rules)} if rules else {}))
    else:
        show_order(found)
        if rules:
            show_rules(rules)
    return 0


def show_order(found: Passport) -> None:
    """The story of an order."""
    console.print(f"[bold]{escape(found.title)}[/]")
    for entry in found.entries:
        console.print(f"  {entry.at}  {entry.who:<16} {escape(entry.what)}", soft_wrap=True)
    if found.sale is None:
        waits = " · it waits for a person" if found.waits else ""
        console.print(f"In the books: nothing yet · {escape(found.stands)}{waits}", soft_wrap=True)
        return
    verdict = "[green]equal[/]" if found.matches else "[red]different[/]"
    waits = "it waits for a person" if found.waits else "nothing waits"
    total, says = found.sale - found.credited, "nothing" if found.shop is None else f"{found.shop:.2f}"
    console.print(
        f"In the books: Sale {found.sale:.2f} − credit {found.credited:.2f} = {total:.2f} · shop says {says} · "
        f"{verdict} · {waits}",
        soft_wrap=True,
    )
    if found.stands:
        console.print(f"Now: {escape(found.stands)}", soft_wrap=True)
