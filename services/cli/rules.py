"""`davtari rules list|test` and `davtari shipping` (claim S4.26)."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import typer

from contracts.delivery_ids import order_key
from contracts.shop import OrderChanged
from services.cli.command import FAILED, Json, OrderId, Shop, command, read_settings, select_shop
from services.cli.rule_explanation import describe_order_rule, explain_rules, show_explanation
from services.cli.screen import build_table, console, errors, format_mark, print_json, report_unreadable
from services.connectors.upstreams import open_shop
from services.connectors.woocommerce.store import ShippingMethod
from services.engine.client.reader import read_events
from services.engine.clock import utc_now
from services.settings.model import Settings
from services.settings.order_rules import OrderRule
from services.settings.orders import OrderSettings


@dataclass(frozen=True, slots=True)
class MethodWithRules:
    """A shipping method, and its rules: names, effects and further conditions."""

    zone: str
    method: str
    title: str
    enabled: bool
    rules: tuple[str, ...]


def match_methods(methods: Iterable[ShippingMethod], settings: OrderSettings) -> list[MethodWithRules]:
    """Find the rules of each method: those whose shipping conditions it meets."""
    return [
        MethodWithRules(
            one.zone, one.name, one.title, one.enabled, tuple(_describe(rule, settings) for rule in _of(one, settings))
        )
        for one in methods
    ]


def _of(method: ShippingMethod, settings: OrderSettings) -> list[OrderRule]:
    return [rule for rule in settings.rules if _looks_at_shipping(rule) and _meets(rule, method, settings)]


def _looks_at_shipping(rule: OrderRule) -> bool:
    return bool(rule.shipping_method or rule.shipping_zone or rule.pickup_point)


def _meets(rule: OrderRule, method: ShippingMethod, settings: OrderSettings) -> bool:
    """The pickup point is known only from an order, so a rule on pickup points matches all pickup methods."""
    names = {method.method_id.casefold(), method.name.casefold()}
    by_method = not rule.shipping_method or names & {name.casefold() for name in rule.shipping_method}
    zones = {zone.casefold() for zone in rule.shipping_zone}
    in_zone = {one for zone, known in settings.shipping_zones.items() if zone.casefold() in zones for one in known}
    by_zone = not zones or names & {one.casefold() for one in in_zone}
    return bool(by_method and by_zone) and (not rule.pickup_point or "pickup" in method.method_id)


def _describe(rule: OrderRule, settings: OrderSettings) -> str:
    found = describe_order_rule(rule, settings)
    return f"{found.name}: {found.effects} if {found.conditions}"


def zones_to_toml(shop: str, methods: Sequence[ShippingMethod]) -> str:
    """The shipping zones as TOML for the settings."""
    zones: dict[str, list[str]] = defaultdict(list)
    for one in methods:
        zones[one.zone].append(one.name)
    lines = [f"{_quoted(zone)} = [{', '.join(map(_quoted, names))}]" for zone, names in zones.items()]
    return "\n".join([f"[shops.{shop}.orders.shipping-zones]", *lines])


def is_current(methods: Sequence[ShippingMethod], settings: OrderSettings) -> bool:
    """Whether the settings have exactly these zones and methods."""
    zones: dict[str, set[str]] = defaultdict(set)
    for one in methods:
        zones[one.zone].add(one.name)
    return {zone: set(names) for zone, names in settings.shipping_zones.items()} == zones


def _quoted(text: str) -> str:
    """A TOML string; TOML has the escapes of JSON."""
    return json.dumps(text, ensure_ascii=False)


rules_app = typer.Typer(no_args_is_help=True, help="Show the order rules and what they decide.")


@rules_app.command(name="list")
@command
async def list_rules_command(shop: Shop = "", json: Json = False) -> int:
    """List the rules of a shop in order; the first rule whose conditions are met decides."""
    chosen = read_settings()
    shop = select_shop(chosen, shop)
    orders = chosen.shops[shop].orders
    found = [describe_order_rule(rule, orders) for rule in orders.rules]
    if json:
        print_json({"rules": [asdict(one) for one in found]})
    else:
        for one in found:
            console.print(f"{one.name}: {one.effects}   if {one.conditions}", soft_wrap=True)
        none = f"shops.{shop}.orders.rules is empty: every order becomes a Sale."
        console.print(f"{len(found)} rules." if found else none)
    return 0


@rules_app.command(name="test")
@command
async def test_rules_command(order_id: OrderId, shop: Shop = "", json: Json = False) -> int:
    """Show what the rules decide for an order, as last read from the shop. Writes nothing."""
    chosen = read_settings()
    shop = select_shop(chosen, shop)
    order = await _order(chosen, shop, order_id)
    if order is None:
        problem = f"Order {order_id} of shop {shop} has not been read yet"
        errors.print(f"{problem}; davtari push order {order_id} --shop {shop} --dry-run")
        return FAILED
    found = explain_rules(order, chosen.shops[shop].orders, datetime.now(UTC))
    print_json(asdict(found)) if json else show_explanation(found)
    return 0


async def _order(chosen: Settings, shop: str, order_id: int) -> OrderChanged | None:
    found = None
    async for envelope in read_events(chosen, ["shop.orders"]):
        if isinstance(envelope.data, OrderChanged) and envelope.data.key == order_key(shop, order_id):
            found = envelope.data
    return found


@command
async def shipping_command(shop: Shop = "", json: Json = False) -> int:
    """List the shop's shipping methods with the rules for each, and its zones as settings to paste."""
    chosen = read_settings()
    shop = select_shop(chosen, shop)
    orders = chosen.shops[shop].orders
    async with open_shop(chosen, shop, utc_now) as client:
        listed = await client.shipping_methods()
    methods = listed.records
    found, zones = match_methods(methods, orders), zones_to_toml(shop, methods)
    if json:
        current = is_current(methods, orders)
        print_json({"methods": [asdict(one) for one in found], "toml": zones, "current": current})
    else:
        rows = [(one.zone, one.method, one.title, format_mark(one.enabled), "; ".join(one.rules)) for one in found]
        console.print(build_table(("zone", "method", "title", "on", "rules"), rows))
        if not is_current(methods, orders):
            console.print()
            console.print("To use zones in rules, add to the settings:")
            console.print_lines(zones)
    report_unreadable(listed.unreadable)
    return FAILED if listed.unreadable else 0
