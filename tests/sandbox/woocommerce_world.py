"""The store as it was when the exchanges in tests/captures/woocommerce were recorded, built piece by piece."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from services.sandbox.woocommerce.customers import Customers
from services.sandbox.woocommerce.orders import OrderNotes
from services.sandbox.woocommerce.products import Categories, Products
from services.sandbox.woocommerce.shop import SandboxShop
from services.sandbox.woocommerce.variations import Variations
from services.sandbox.woocommerce.webhooks import Webhooks

CAPTURES = Path(__file__).parent.parent / "captures" / "woocommerce"
DERIVED = ("refunds", "payment_url", "is_editable", "needs_payment", "currency_symbol", "_links")
Step = Callable[[SandboxShop], Any]


class Clock:
    """A clock that only moves when a test moves it."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at

    def forward(self, **by: float) -> None:
        """Moves on by days, hours, minutes or seconds."""
        self.at += timedelta(**by)


@cache
def _read(name: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((CAPTURES / f"{name}.json").read_text(encoding="utf-8"))
    return read


def capture(name: str) -> dict[str, Any]:
    """A recorded exchange."""
    return deepcopy(_read(name))


def names() -> list[str]:
    """All recorded exchanges."""
    return sorted(path.stem for path in CAPTURES.glob("*.json"))


def product(product_id: int, body: dict[str, Any]) -> Step:
    """A product under a given id."""

    def build(shop: SandboxShop) -> None:
        shop.post_ids.last = product_id - 1
        Products(shop).create(body, strict=True)

    return build


def changed(product_id: int, body: dict[str, Any]) -> Step:
    """A change of a product."""
    return lambda shop: Products(shop).update(product_id, body, strict=False)


def category(category_id: int, body: dict[str, Any]) -> Step:
    """A category under a given id."""

    def build(shop: SandboxShop) -> None:
        shop.term_ids.last = category_id - 1
        Categories(shop).create(body, strict=True)

    return build


def customer(customer_id: int, body: dict[str, Any]) -> Step:
    """An account under a given number."""

    def build(shop: SandboxShop) -> None:
        shop.user_ids.last = customer_id - 1
        Customers(shop).create(body, strict=True)

    return build


def webhook(webhook_id: int, topic: str, url: str = "http://127.0.0.1:9555/hook", **more: Any) -> Step:
    """A webhook under a given id, with the captures' secret."""

    def build(shop: SandboxShop) -> None:
        shop.webhook_ids.last = webhook_id - 1
        body = {"name": f"balance {topic}", "topic": topic, "delivery_url": url, "secret": "throwaway-webhook-secret"}
        Webhooks(shop).create(body, strict=True)
        shop.webhooks[webhook_id] |= {"ping_due": "", **more}

    return build


def order(document: dict[str, Any]) -> Step:
    """An order exactly as recorded."""
    kept = {name: value for name, value in document.items() if name not in DERIVED}

    def build(shop: SandboxShop) -> None:
        shop.orders[kept["id"]] = deepcopy(kept)
        shop.post_ids.reserve(kept["id"])
        for line in [line for part in ("line_items", "shipping_lines", "fee_lines") for line in kept[part]]:
            shop.item_ids.reserve(line["id"])

    return build


def order_of(case: str) -> Step:
    """The order that a recorded exchange answered."""
    return order(capture(case)["response"]["body"])


def refunds(order_id: int, documents: list[dict[str, Any]]) -> Step:
    """Refunds exactly as recorded."""

    def build(shop: SandboxShop) -> None:
        for document in documents:
            kept = {name: value for name, value in document.items() if name != "_links"}
            modified = {f"date_modified{suffix}": kept[f"date_created{suffix}"] for suffix in ("", "_gmt")}
            shop.refunds[kept["id"]] = deepcopy({**modified, "parent_id": order_id, **kept})
            shop.post_ids.reserve(kept["id"])

    return build


def notes(order_id: int, texts: list[str]) -> Step:
    """Notes of an order."""
    return lambda shop: [OrderNotes(shop, order_id).create({"note": text}, strict=True) for text in texts]


def at(when: datetime) -> Step:
    """Turns the shop's clock."""
    return lambda shop: setattr(shop.now, "at", when)


def goods(*ids: int) -> list[Step]:
    """Plain products under given ids."""
    return [product(number, {"name": f"P{number}"}) for number in ids]


def variations(parent_id: int, bodies: list[dict[str, Any]]) -> Step:
    """Variations of a product."""
    return lambda shop: [Variations(shop, parent_id).create(body, strict=False) for body in bodies]


def trashed(product_id: int) -> Step:
    """A product in the trash."""
    return lambda shop: Products(shop).delete(product_id, force=False)


def build(shop: SandboxShop, steps: list[Step]) -> None:
    """Takes the steps in order."""
    for step in steps:
        step(shop)
