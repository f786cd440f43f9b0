"""Sales orders (claim S4.31): when one is written, when it stops reserving goods, and its JSON for Balance.

A sales order stops reserving immediately before its Sale is written; otherwise Balance might refuse the Sale for lack
of free goods. From then on stock-publisher counts the pieces as in flight, so that they are always subtracted exactly
once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from contracts.delivery_ids import order_key, sales_order_end_id, sales_order_id
from contracts.envelope import Envelope
from contracts.model import Event, Part, Uid
from contracts.order_statuses import is_void
from contracts.sales_orders import SalesOrderEnded, SalesOrderPlanned, SalesOrderRecorded
from services.accounting.documents.figures import number
from services.accounting.documents.ids import sales_order_uid
from services.accounting.documents.order_edits import books_digest
from services.engine.outbox.decision import Delivery
from services.engine.outbox.handlers import Remember
from services.engine.state.records import Kind, State
from services.order_exporter.context import SaleContext
from services.order_exporter.projection import SALE
from services.order_exporter.tasks import SalesOrderTask, SaleTask
from services.settings.balance import Dialect


class LastSalesOrder(Part):
    """A sales order that was written once, whether it still reserves goods or not."""

    sales_order: Uid


RESERVATION = Kind("sales-order", SalesOrderRecorded)
"""By order: a sales order that reserves."""
PLANNED = Kind("sales-order-plan", SalesOrderPlanned)
LAST_SALES_ORDER = Kind("sales-order-made", LastSalesOrder)
"""By order: its last sales order."""
SALES_ORDER = "sales-order"
LANE = "balance.documents"


def sales_order_recorded(envelope: Envelope[SalesOrderRecorded], state: State) -> None:
    state.put(RESERVATION, envelope.data.key, envelope.data)
    state.put(LAST_SALES_ORDER, envelope.data.key, LastSalesOrder(sales_order=envelope.data.sales_order))
    state.touch(envelope.data.key)


def sales_order_ended(envelope: Envelope[SalesOrderEnded], state: State) -> None:
    state.drop(RESERVATION, envelope.data.key)
    state.touch(envelope.data.key)


def sales_order_planned(envelope: Envelope[SalesOrderPlanned], state: State) -> None:
    state.put(PLANNED, envelope.data.key, envelope.data)


SALES_ORDER_RULES: Mapping[type[Event], Remember] = {
    SalesOrderRecorded: sales_order_recorded,
    SalesOrderEnded: sales_order_ended,
    SalesOrderPlanned: sales_order_planned,
}


def link_sales_order(document: dict[str, Any], order: str, state: State) -> dict[str, Any]:
    """The Sale's document with the order's sales order on its lines (Balance fact 42)."""
    made = state.get(LAST_SALES_ORDER, order)
    if made is None:
        return document
    return document | {"Items": [row | {"SalesOrder": made.sales_order} for row in document["Items"]]}


def plan_reservation(context: SaleContext, sale: SaleTask) -> Delivery | None:
    """The sales order that an order needs; None if it is recorded for this content of the order."""
    reservation = context.state.get(RESERVATION, context.known.order.key)
    if reservation and reservation.content_digest == books_digest(context.known.order):
        return None
    return _delivery(sales_order_id(context.known.order.key), sales_order_task(sale, context.balance.dialect))


def plan_events(context: SaleContext, sale: SaleTask) -> tuple[SalesOrderPlanned, ...]:
    """The plan of a sales order, unless it was announced already."""
    task, known = sales_order_task(sale, context.balance.dialect), context.state.get(PLANNED, context.known.order.key)
    if known and is_same(task, known):
        return ()
    return (SalesOrderPlanned(**event_content(task), planned_at=context.state.now),)


def plan_ends(context: SaleContext, wanted: Iterable[Delivery]) -> tuple[Delivery, ...]:
    """The delivery that ends the order's reservation before its Sale, if it is no longer needed.

    `wanted`: the other deliveries of the order.
    """
    reservation = context.state.get(RESERVATION, context.known.order.key)
    why = _end_reason(context, wanted) if reservation else None
    return (
        (_delivery(sales_order_end_id(context.known.order.key), ending_task(reservation, why)),)
        if reservation and why
        else ()
    )


def _end_reason(context: SaleContext, wanted: Iterable[Delivery]) -> Literal["sold", "given-up"] | None:
    if context.known.removed or is_void(context.known.order):
        return "given-up"
    sold = context.state.get(SALE, context.known.order.key) is not None
    is_written = any(delivery.kind == "sale" and delivery.blocked is None for delivery in wanted)
    return "sold" if sold or is_written else None


def _delivery(id_: str, task: SalesOrderTask) -> Delivery:
    key = order_key(task.shop, task.order_id)
    return Delivery(id_, SALES_ORDER, LANE, key, task.model_dump(mode="json"))


HEADER = (
    "Date", "Client", "Warehouse", "Currency", "AmountIncludesVAT", "Branch", "Department", "Agreement", "PriceType",
    "Comments",
)  # fmt: skip
LINE = ("Item", "Quantity", "Price", "Discount", "Amount", "VATRate")
"""The fields that a sales order has in common with a Sale."""


def sales_order_task(sale: SaleTask, dialect: Dialect) -> SalesOrderTask:
    """The sales order with the present content of the order's Sale."""
    uid = sales_order_uid(sale.shop, sale.order_id)
    return SalesOrderTask(
        shop=sale.shop,
        order_id=sale.order_id,
        order_version=sale.order_version,
        content_digest=sale.content_digest,
        sales_order=uid,
        client=sale.client,
        date=sale.date,
        currency=sale.currency,
        total=sale.total,
        vat=sale.vat,
        lines=sale.lines,
        document={"uid": uid, **_document(sale, dialect)},
    )


def _document(sale: SaleTask, dialect: Dialect) -> dict[str, Any]:
    header = {name: sale.document[name] for name in HEADER if name in sale.document}
    if dialect.sales_order_reserve == "automatic":
        header["AutomaticReservation"] = True
    rows: list[dict[str, Any]] = [
        {name: row[name] for name in LINE if name in row} for row in sale.document.get("Items", [])
    ]
    if dialect.sales_order_reserve == "lines":
        for row, line in zip(rows, sale.lines, strict=True):
            row |= {"Reserve": number(line.quantity)} if line.kind == "product" else {}
    return header | {"Items": rows}


def ending_task(reservation: SalesOrderRecorded, why: Literal["sold", "given-up"]) -> SalesOrderTask:
    """The same sales order without a reserve."""
    document = dict(reservation.sent) | {"uid": reservation.sales_order}
    if "AutomaticReservation" in document:
        document["AutomaticReservation"] = False
    document["Items"] = [row | {"Reserve": "0"} if "Reserve" in row else row for row in document.get("Items", [])]
    return SalesOrderTask(**_content(reservation), document=document, ends=why)


def _content(task: SalesOrderTask | SalesOrderRecorded) -> dict[str, Any]:
    """The fields that a task and the events about its sales order have in common, without the document."""
    return {
        "shop": task.shop,
        "order_id": task.order_id,
        "order_version": task.order_version,
        "content_digest": task.content_digest,
        "sales_order": task.sales_order,
        "client": task.client,
        "date": task.date,
        "currency": task.currency,
        "total": task.total,
        "vat": task.vat,
        "lines": task.lines,
    }


def event_content(task: SalesOrderTask) -> dict[str, Any]:
    """The fields that `SalesOrderPlanned` and `SalesOrderRecorded` have in common."""
    return _content(task) | {"sent": task.document}


def is_same(task: SalesOrderTask, known: SalesOrderRecorded | SalesOrderPlanned) -> bool:
    """Whether the same document was recorded or planned already."""
    return known.content_digest == task.content_digest and known.sent == task.document
