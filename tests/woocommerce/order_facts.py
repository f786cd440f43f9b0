"""Facts from the orders of a shop, with the custom fields that hold ids of persons and companies."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from contracts.shop import OrderChanged, RefundIssued
from services.connectors.woocommerce.order import order_changed

KEYS: dict[str, Any] = {
    "personal_id_keys": ("_billing_personal_id",),
    "company_id_keys": ("_billing_company_code",),
}


def read_order(order: dict[str, Any]) -> OrderChanged:
    return order_changed("main", order, **KEYS)


def gross(event: OrderChanged | RefundIssued) -> Decimal:
    return sum((line.total + line.total_tax for line in event.lines), Decimal(0))
