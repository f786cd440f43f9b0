"""`davtari rules list|test`, `davtari shipping`."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime

import typer

from contracts.delivery_ids import order_key
from contracts.shop import OrderChanged
from services.cli.command import FAILED, Json, Shop, command, read_settings, select_shop
from services.cli.rules import shipping
from services.cli.rules.explained import explained, told
from services.cli.rules.shown import show
from services.cli.screen import build_table, console, errors, format_mark, print_json, report_unreadable
from services.connectors.upstreams import open_shop
from services.engine.client.reader import read_events
from services.engine.runtime.clock import utc_now
from services.settings.model import Settings

rules_app = typer.Typer(no_args_is_help=True, help="Rules: which document an order becomes, from where, when.")


@rules_app.command(name="list")
@command
async def list_command(shop: Shop = "", json: Json = False) -> int:
    """The rules of a shop, in order; the first that holds decides."""
    chosen = read_settings()
    shop = select_shop(chosen, shop)
    orders = chosen.shops[shop].orders
    found = [told(rule, orders) for rule in orders.rules]
    if json:
        print_json({"rules": [asdict(one) for one in found]})
    else:
        for one in found:
            console.print(f"{one.name}: {one.effects}   if {one.conditions}", markup=False, soft_wrap=True)
        none = f"shops.{shop}.orders.rules is empty: every order is a Sale."
        console.print(f"{len(found)} rules." if found else none)
    return 0


@rules_app.command(name="test")
@command
async def test_command(order_id: int, shop: Shop = "", json: Json = False) -> int:
    """What the rules make of an order, as it was last read, and which rule decided what. Writes nothing."""
    chosen = read_settings()
    shop = select_shop(chosen, shop)
    order = await _order(chosen, shop, order_id)
    if order is None:
        known = f"order {order_id} of shop {shop} was not read yet"
        errors.print(f"{known}; davtari push order {order_id} --shop {shop} --dry-run")
        return FAILED
    found = explained(order, chosen.shops[shop].orders, datetime.now(UTC))
    print_json(asdict(found)) if json else show(found)
    return 0


async def _order(chosen: Settings, shop: str, order_id: int) -> OrderChanged | None:
    found = None
    async for envelope in read_events(chosen.kafka, ["shop.orders"]):
        if isinstance(envelope.data, OrderChanged) and envelope.data.key == order_key(shop, order_id):
            found = envelope.data
    return found


@command
async def shipping_command(shop: Shop = "", json: Json = False) -> int:
    """The shop's shipping zones and methods with what the rules make of them, and the table of zones to paste."""
    chosen = read_settings()
    shop = select_shop(chosen, shop)
    orders = chosen.shops[shop].orders
    async with open_shop(chosen, shop, utc_now) as client:
        listed = await client.shipping_methods()
    methods = listed.records
    found, zones = shipping.ruled(methods, orders), shipping.zones_table(shop, methods)
    if json:
        current = shipping.is_current(methods, orders)
        print_json({"methods": [asdict(one) for one in found], "toml": zones, "current": current})
    else:
        rows = [(one.zone, one.method, one.title, format_mark(one.enabled), "; ".join(one.rules)) for one in found]
        console.print(build_table(("zone", "method", "title", "on", "rules"), rows))
        if not shipping.is_current(methods, orders):
            console.print(f"\nFor rules by zone, write into the settings:\n{zones}", markup=False, soft_wrap=True)
    report_unreadable(listed.unreadable)
    return FAILED if listed.unreadable else 0
