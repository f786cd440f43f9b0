"""How long an order is held before its document is made, and by which rule (claim S2.20)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from contracts.shop import OrderChanged
from services.accounting.documents.order_rules import apply_rules
from services.accounting.documents.trigger import due_at, is_triggered
from services.settings.orders import OrderSettings


@dataclass(frozen=True, slots=True)
class OrderHold:
    """An order on hold. `until` is None if only a person ends it; `by` is the rule or setting."""

    shop: str
    order_id: int
    until: datetime | None
    by: str


def find_hold(order: OrderChanged, rules: OrderSettings, now: datetime) -> OrderHold | None:
    """The hold of an order without a document; None if it is not held."""
    ruling, until = apply_rules(order, rules), due_at(order, rules)
    if ruling.document == "hold":
        return OrderHold(order.shop, order.order_id, None, ruling.by["document"])
    waits = ruling.document == "sales-order" or is_triggered(order, rules)
    return OrderHold(order.shop, order.order_id, until, ruling.by["hold"]) if waits and until > now else None
