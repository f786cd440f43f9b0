"""A shop's shipping methods with what the rules make of each (claim S4.26)."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from services.cli.rules.explained import told
from services.connectors.woocommerce.shipping import ShippingMethod
from services.settings.order_rules import OrderRule
from services.settings.orders import OrderSettings


@dataclass(frozen=True, slots=True)
class Method:
    """A shipping method, and the rules that look at it: their names and effects, with what else must hold."""

    zone: str
    method: str
    title: str
    enabled: bool
    rules: tuple[str, ...]


def ruled(methods: Iterable[ShippingMethod], settings: OrderSettings) -> list[Method]:
    """Each method with the rules whose shipping conditions it meets."""
    return [
        Method(one.zone, one.name, one.title, one.enabled, tuple(_told(rule, settings) for rule in _of(one, settings)))
        for one in methods
    ]


def _of(method: ShippingMethod, settings: OrderSettings) -> list[OrderRule]:
    return [rule for rule in settings.rules if _looks_at_shipping(rule) and _meets(rule, method, settings)]


def _looks_at_shipping(rule: OrderRule) -> bool:
    return bool(rule.shipping_method or rule.shipping_zone or rule.pickup_point)


def _meets(rule: OrderRule, method: ShippingMethod, settings: OrderSettings) -> bool:
    """A pickup point is known only from the order: a rule on points looks at the methods of pickup."""
    names = {method.method_id.casefold(), method.name.casefold()}
    by_method = not rule.shipping_method or names & {name.casefold() for name in rule.shipping_method}
    zones = {zone.casefold() for zone in rule.shipping_zone}
    in_zone = {one for zone, known in settings.shipping_zones.items() if zone.casefold() in zones for one in known}
    by_zone = not zones or names & {one.casefold() for one in in_zone}
    return bool(by_method and by_zone) and (not rule.pickup_point or "pickup" in method.method_id)


def _told(rule: OrderRule, settings: OrderSettings) -> str:
    found = told(rule, settings)
    return f"{found.name}: {found.effects} if {found.conditions}"


def zones_table(shop: str, methods: Sequence[ShippingMethod]) -> str:
    """The table of zones for the settings, as TOML to paste."""
    zones: dict[str, list[str]] = defaultdict(list)
    for one in methods:
        zones[one.zone].append(one.name)
    lines = [f"{_quoted(zone)} = [{', '.join(map(_quoted, names))}]" for zone, names in zones.items()]
    return "\n".join([f"[shops.{shop}.orders.shipping-zones]", *lines])


def is_current(methods: Sequence[ShippingMethod], settings: OrderSettings) -> bool:
    """Whether the settings' table names exactly these zones with these methods."""
    zones: dict[str, set[str]] = defaultdict(set)
    for one in methods:
        zones[one.zone].add(one.name)
    return {zone: set(names) for zone, names in settings.shipping_zones.items()} == zones


def _quoted(text: str) -> str:
    """A TOML string; JSON's escapes are TOML's too."""
    return json.dumps(text, ensure_ascii=False)
