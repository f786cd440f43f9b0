"""Sales orders (claim S4.31): what is remembered of them, when one is written, and when it stops reserving.

A sales order stops reserving in the moment in which its Sale is about to be written, just before it: while it still
reserved, Balance might refuse the Sale for lack of free goods. stock-publisher counts the pieces from there on as in
flight again, so that they are subtracted once at any time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from contracts.delivery_ids import order_key, sales_order_end_id, sales_order_id
from contracts.envelope import Envelope
from contracts.model import Event, Part, Uid
from contracts.order_statuses import is_void
from contracts.sales_orders import SalesOrderEnded, SalesOrderPlanned, SalesOrderRecorded
from services.engine.outbox.decision import Delivery
from services.engine.outbox.handlers import Remember
from services.engine.state.records import Kind, State
from services.order_exporter.case import Case
from services.order_exporter.content import books_digest
from services.order_exporter.projection import SALE
from services.order_exporter.sales_orders.sales_order import ending_task, event_content, is_same, sales_order_task
from services.order_exporter.tasks import SalesOrderTask, SaleTask


class Made(Part):
    """A sales order that was written once, whether it still reserves or not."""

    sales_order: Uid


STANDING = Kind("sales-order", SalesOrderRecorded)
"""By order: a sales order that reserves."""
PLANNED = Kind("sales-order-plan", SalesOrderPlanned)
MADE = Kind("sales-order-made", Made)
"""By order: the last sales order that it had."""
KIND = "sales-order"
LANE = "balance.documents"


def recorded(envelope: Envelope[SalesOrderRecorded], state: State) -> None:
    state.put(STANDING, envelope.data.key, envelope.data)
    state.put(MADE, envelope.data.key, Made(sales_order=envelope.data.sales_order))
    state.touch(envelope.data.key)


def ended(envelope: Envelope[SalesOrderEnded], state: State) -> None:
    state.drop(STANDING, envelope.data.key)
    state.touch(envelope.data.key)


def plan_announced(envelope: Envelope[SalesOrderPlanned], state: State) -> None:
    state.put(PLANNED, envelope.data.key, envelope.data)


RULES: Mapping[type[Event], Remember] = {
    SalesOrderRecorded: recorded,
    SalesOrderEnded: ended,
    SalesOrderPlanned: plan_announced,
}


def linked(document: dict[str, Any], order: str, state: State) -> dict[str, Any]:
    """The Sale's document with the order's sales order on its lines (API fact: the line field SalesOrder)."""
    made = state.get(MADE, order)
    if made is None:
        return document
    return document | {"Items": [row | {"SalesOrder": made.sales_order} for row in document["Items"]]}


def reservation(case: Case, sale: SaleTask) -> Delivery | None:
    """The sales order that is wanted for an order; None when it stands already for this content of the order."""
    standing = case.state.get(STANDING, case.known.order.key)
    if standing and standing.content_digest == books_digest(case.known.order):
        return None
    return _delivery(sales_order_id(case.known.order.key), sales_order_task(sale, case.balance.dialect))


def planned(case: Case, sale: SaleTask) -> tuple[SalesOrderPlanned, ...]:
    """The plan of a sales order, unless it was announced already."""
    task, known = sales_order_task(sale, case.balance.dialect), case.state.get(PLANNED, case.known.order.key)
    if known and is_same(task, known):
        return ()
    return (SalesOrderPlanned(**event_content(task), planned_at=case.state.now),)


def endings(case: Case, wanted: Iterable[Delivery]) -> tuple[Delivery, ...]:
    """The delivery that ends the order's reservation, where it stands and its time has come; it goes before the Sale.

    `wanted`: the other deliveries of the order.
    """
    standing = case.state.get(STANDING, case.known.order.key)
    why = _why(case, wanted) if standing else None
    return (
        (_delivery(sales_order_end_id(case.known.order.key), ending_task(standing, why)),) if standing and why else ()
    )


def _why(case: Case, wanted: Iterable[Delivery]) -> Literal["sold", "given-up"] | None:
    if case.known.removed or is_void(case.known.order):
        return "given-up"
    sold = case.state.get(SALE, case.known.order.key) is not None
    goes = any(delivery.kind == "sale" and delivery.blocked is None for delivery in wanted)
    return "sold" if sold or goes else None


def _delivery(id_: str, task: SalesOrderTask) -> Delivery:
    key = order_key(task.shop, task.order_id)
    return Delivery(id_, KIND, LANE, key, task.model_dump(mode="json"))
