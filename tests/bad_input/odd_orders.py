"""One order through all steps: the shop's response, store-feed, the topic, the Sale."""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import httpx

from contracts.envelope import decode, headers, value, wrap
from contracts.shop import OrderChanged
from services.engine.outbox.lane import Row
from services.engine.outbox.outcome import Outcome
from services.order_exporter.tasks import SaleTask
from services.settings.orders import OrderSettings
from services.store_feed.deliveries import OrderReadDeliveries
from tests.support.exporting import sale_task, settings
from tests.woocommerce.shop_double import client

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LINE: dict[str, Any] = {
    "id": 11,
    "name": "Cup",
    "product_id": 311,
    "variation_id": 0,
    "sku": "CUP",
    "quantity": 2,
    "tax_class": "",
    "subtotal": "84.75",
    "subtotal_tax": "15.25",
    "total": "84.75",
    "total_tax": "15.25",
    "taxes": [{"id": 1, "total": "15.254237", "subtotal": "15.254237"}],
    "meta_data": [],
}
SHIPPING = {
    "id": 12,
    "method_title": "Courier",
    "method_id": "flat_rate",
    "instance_id": "3",
    "total": "4.24",
    "total_tax": "0.76",
    "taxes": [{"id": 1, "total": "0.76"}],
    "meta_data": [],
}
RATE: dict[str, Any] = {
    "id": 90,
    "rate_id": 1,
    "rate_code": "GE-VAT-1",
    "label": "VAT",
    "compound": False,
    "rate_percent": 18,
    "tax_total": "15.25",
    "shipping_tax_total": "0.76",
}
TAXED: dict[str, Any] = {
    "id": 5001,
    "parent_id": 0,
    "number": "5001",
    "status": "processing",
    "currency": "GEL",
    "created_via": "checkout",
    "prices_include_tax": True,
    "discount_total": "0.00",
    "total": "105.00",
    "total_tax": "16.01",
    "customer_id": 0,
    "customer_note": "",
    "payment_method": "bog",
    "transaction_id": "",
    "billing": {"first_name": "ტესტი", "city": "თბილისი", "country": "GE", "email": "a@example.test", "phone": "599"},
    "shipping": {},
    "meta_data": [],
    "line_items": [LINE],
    "shipping_lines": [SHIPPING],
    "fee_lines": [],
    "coupon_lines": [],
    "refunds": [],
    "tax_lines": [RATE],
    "date_created_gmt": "2026-11-18T09:00:00",
    "date_modified_gmt": "2026-11-18T09:05:00",
    "date_paid_gmt": "2026-11-18T09:05:00",
    "date_completed_gmt": None,
}
"""A paid order of 105.00 with tax."""


def _untaxed() -> dict[str, Any]:
    lines = [LINE | {"subtotal_tax": "0.00", "total_tax": "0.00", "taxes": []}]
    shipping = [SHIPPING | {"total_tax": "0.00", "taxes": []}]
    fields = {"total": "88.99", "total_tax": "0.00", "tax_lines": []}
    return TAXED | {"line_items": lines, "shipping_lines": shipping} | fields


UNTAXED = _untaxed()
"""The same order in a shop without tax: 88.99."""


def with_(order: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """An order with other values; `line_items__0__sku` names a field of a line."""
    changed = deepcopy(order)
    for path, meant in fields.items():
        record: Any = changed
        *way, last = path.split("__")
        for step in way:
            record = record[int(step) if isinstance(record, list) else step]
        record[last] = deepcopy(meant)
    return changed


def without(order: dict[str, Any], *paths: str) -> dict[str, Any]:
    """An order that lacks fields."""
    changed = deepcopy(order)
    for path in paths:
        record: Any = changed
        *way, last = path.split("__")
        for step in way:
            record = record[int(step) if isinstance(record, list) else step]
        del record[last]
    return changed


async def looked(order: dict[str, Any]) -> Outcome:
    """What store-feed makes of the order as the shop answers it."""

    def answer(request: httpx.Request) -> httpx.Response:
        body = [] if request.url.path.endswith("/refunds") else order
        return httpx.Response(200, content=json.dumps(body).encode(), headers={"content-type": "application/json"})

    async with client(answer) as shop:
        row = Row("read", "order.read", "lane", "main:5001", "main:5001", {"shop": "main", "order": 5001, "asked": 1})
        [outcome] = await OrderReadDeliveries(shop, OrderSettings(), lambda: NOW).deliver([row])
        return outcome


def booked(fact: OrderChanged) -> SaleTask:
    """The Sale of an order that has come through the topic."""
    envelope = wrap(fact, version=1, source="/test", time=NOW)
    read = decode(headers(envelope), value(envelope)).data
    assert isinstance(read, OrderChanged)
    assert read == fact
    return sale_task(read, settings())


UNBOOKED_FIELDS = (
    "number",
    "created_via",
    "transaction_id",
    "customer_note",
    "discount_total",
    "payment_method",
    "payment_method_title",
    "meta_data",
    "billing",
    "shipping",
    "coupon_lines",
    "date_modified_gmt",
    "line_items__0__name",
    "line_items__0__sku",
    "line_items__0__meta_data",
    "line_items__0__price",
    "line_items__0__image",
    "shipping_lines__0__method_title",
    "shipping_lines__0__method_id",
    "shipping_lines__0__instance_id",
    "shipping_lines__0__meta_data",
    "shipping_lines__0__tax_class",
    "tax_lines__0__id",
    "tax_lines__0__label",
    "tax_lines__0__rate_code",
    "tax_lines__0__tax_total",
    "tax_lines__0__shipping_tax_total",
    "billing__email",
    "billing__phone",
    "billing__first_name",
    "billing__city",
    "a_plugin",
)
"""Fields of an order that change no amount, product or tax rate of its Sale."""


def comparable(sale: SaleTask) -> dict[str, Any]:
    """The documents in the books, without the digests of the order's texts."""
    return sale.model_dump(exclude={"content_digest", "document"}) | {"items": sale.document["Items"]}
