"""What the settings of a shop still lack, flow by flow. Nothing is asked of anybody."""

from __future__ import annotations

from services.accounting.checks.findings import Finding, live_flows
from services.settings.shop import ShopSettings

_NEEDED = (
    ("stock.policy", "stock", 'choose "single" (one warehouse) or "aggregate" (several added up)'),
    ("stock.warehouses", "stock", "name the warehouses whose stock is sold, as Balance names them"),
    ("catalogue.groups", "catalogue", "davtari plan groups shows the groups, davtari mapping set maps one"),
    ("orders.warehouse", "orders", "write the uid of the warehouse that Sales take goods from"),
)
"""Without these a live flow could do nothing at all."""
_USEFUL = (
    ("prices.regular_type", "prices", "with several price types in Balance, write the uid of the regular one"),
    ("orders.retail_client", "orders", "orders without a personal id wait for a person until it is set"),
    ("orders.shipping_item", "orders", "orders with shipping wait for a person until it is set"),
    ("orders.fee_item", "orders", "orders with fees wait for a person until it is set"),
)


def check_settings(name: str, shop: ShopSettings) -> list[Finding]:
    """What is not set: wrong where the flow is live and cannot do without, else to know."""
    on = live_flows(shop)
    needed = [
        Finding(_key(name, path), False if flow in on else None, "not set", f"{flow} need it: {fix}", (flow,))
        for path, flow, fix in _NEEDED
        if not _value(shop, path) and not (path == "orders.warehouse" and shop.orders.warehouses)
    ]
    useful = [Finding(_key(name, path), None, "not set", fix) for path, _, fix in _USEFUL if not _value(shop, path)]
    return [*needed, *useful]


def _key(name: str, path: str) -> str:
    return f"shops.{name}.{path.replace('_', '-')}"


def _value(shop: ShopSettings, path: str) -> object:
    section, _, field = path.partition(".")
    return getattr(getattr(shop, section), field)
