"""The events that a decision announces."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from contracts.ledger import SaleDiverged, SalePlanned, SaleRecorded
from services.order_exporter.content import books_digest, is_void
from services.order_exporter.projection import KnownOrder
from services.order_exporter.tasks import SaleTask
from services.shared.settings.orders import AfterSale

REMOVED = "removed"
"""Stands for the digest of an order that the shop holds no more."""


def planned(task: SaleTask, now: datetime) -> SalePlanned:
    """The plan of a Sale: the whole payload, as it would be sent."""
    return SalePlanned(**sale_content(task), planned_at=now)


def sale_content(task: SaleTask) -> dict[str, Any]:
    """The fields that `SalePlanned` and `SaleRecorded` have in common."""
    return {
        "shop": task.shop,
        "order_id": task.order_id,
        "sale": task.sale,
        "client": task.client,
        "date": task.date,
        "total": task.total,
        "vat": task.vat,
        "currency": task.currency,
        "currency_rate": task.currency_rate,
        "rate_source": None if task.currency_rate is None else "setting",
        "lines": task.lines,
        "order_version": task.order_version,
        "content_digest": task.content_digest,
        "sent": task.document,
        "parts": task.parts,
    }


def divergence(
    known: KnownOrder, sale: SaleRecorded, last: SaleDiverged | None, policy: AfterSale, now: datetime
) -> SaleDiverged | None:
    """What to say of an order that no longer equals its recorded Sale, or does again; None if it was said already."""
    digest = REMOVED if known.removed else books_digest(known.order)
    if digest == (last.content_digest if last else sale.content_digest):
        return None
    return SaleDiverged(
        shop=sale.shop,
        order_id=sale.order_id,
        sale=sale.sale,
        recorded_total=sale.total,
        order_total=Decimal(0) if known.removed else known.order.total,
        order_version=known.version,
        detail=_why(known, sale, digest),
        what=_what(known, sale, digest),
        policy=policy,
        content_digest=digest,
        observed_at=now,
    )


def _what(
    known: KnownOrder, sale: SaleRecorded, digest: str
) -> Literal["edited", "given-up", "removed", "equal-again"]:
    if known.removed:
        return "removed"
    if digest == sale.content_digest:
        return "equal-again"
    return "given-up" if is_void(known.order) else "edited"


def _why(known: KnownOrder, sale: SaleRecorded, digest: str) -> str:
    order, mend = known.order, f"the Sale {sale.number or sale.sale} stands unchanged; correct it in Balance if needed"
    if known.removed:
        return f"order {order.number} was removed from the shop after its Sale was recorded: {mend}"
    if digest == sale.content_digest:
        return f"order {order.number} equals its Sale {sale.number or sale.sale} again"
    if is_void(order):
        return f"order {order.number} is {order.status} without a refund after its Sale was recorded: {mend}"
    if order.total != sale.total or order.currency != sale.currency:
        then, now = f"{sale.total} {sale.currency}", f"{order.total} {order.currency}"
        return f"order {order.number} came to {then} when its Sale was recorded and comes to {now} now: {mend}"
    return f"the lines of order {order.number} were changed after its Sale was recorded: {mend}"
