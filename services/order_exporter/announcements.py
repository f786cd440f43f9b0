"""The events that a decision announces: the plan of a Sale, and an order that differs from its Sale."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from contracts.ledger import SaleDiverged, SalePlanned, SaleRecorded
from contracts.order_statuses import is_void
from services.accounting.documents.order_edits import NO_ITEMS, books_digest, describe_edit, figures_digest
from services.order_exporter.projection import KnownOrder
from services.order_exporter.tasks import SaleTask
from services.settings.orders import AfterSale

What = Literal["edited", "given-up", "removed", "equal-again"]
REMOVED = "removed"
"""In place of the digest of an order that was removed from the shop."""


def sale_planned(task: SaleTask, now: datetime) -> SalePlanned:
    """The plan of a Sale: the whole payload as it would be sent."""
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
        "buyer": task.buyer,
        "resolved": task.resolved,
        "order_tax": task.order_tax,
        "sent": task.document,
        "parts": task.parts,
    }


def divergence(
    known: KnownOrder,
    sale: SaleRecorded,
    last: SaleDiverged | None,
    policy: AfterSale,
    now: datetime,
    items: Mapping[int, str] = NO_ITEMS,
) -> SaleDiverged | None:
    """The report that an order differs from its recorded Sale, or equals it again; None if it was announced already.

    `last`: the last report. `items`: the items that the order's lines have today, as far as they are known.
    """
    edit = describe_edit(known.order, sale, items)
    what = _kind(known, edit)
    if _is_announced(what, known, last if last and last.sale == sale.sale else None):
        return None
    return SaleDiverged(
        shop=sale.shop,
        order_id=sale.order_id,
        sale=sale.sale,
        recorded_total=sale.total,
        order_total=Decimal(0) if known.removed else known.order.total,
        order_version=known.version,
        detail=_detail(known, sale, what, edit),
        what=what,
        policy=policy,
        content_digest=REMOVED if known.removed else figures_digest(known.order),
        observed_at=now,
    )


def _kind(known: KnownOrder, edit: str) -> What:
    if known.removed:
        return "removed"
    if is_void(known.order):
        return "given-up"
    return "edited" if edit else "equal-again"


def _is_announced(what: What, known: KnownOrder, last: SaleDiverged | None) -> bool:
    """An edit is announced again if the order is edited again. Older versions of Davtari recorded another digest."""
    if last is None:
        return what == "equal-again"
    if what != "edited" or last.what not in ("edited", None):
        return what == last.what
    return last.content_digest in (figures_digest(known.order), books_digest(known.order))


def _detail(known: KnownOrder, sale: SaleRecorded, what: What, edit: str) -> str:
    name = sale.number or sale.sale
    order, fix = known.order, f"its Sale {name} is unchanged; correct it in Balance if needed"
    match what:
        case "removed":
            return f"order {order.number} was removed from the shop after its Sale was recorded: {fix}"
        case "given-up":
            return f"order {order.number} is {order.status} without a refund after its Sale was recorded: {fix}"
        case "equal-again":
            return f"order {order.number} equals its Sale {name} again"
        case "edited":
            return f"order {order.number} was changed after its Sale was recorded: {edit}; {fix}"
