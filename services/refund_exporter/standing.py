"""What the order of a refund is: one that will have a Sale, a part of another order, or one that was never sold."""

from __future__ import annotations

from contracts.order_statuses import ENDED_STATUSES
from contracts.shop import OrderChanged
from services.accounting.documents.relations import role_of
from services.accounting.documents.trigger import is_triggered
from services.engine.state.records import State
from services.refund_exporter.projection import ORDER, ORDER_REMOVED
from services.settings.orders import OrderSettings


def never_sold(order: str, settings: OrderSettings, state: State) -> str:
    """Why an order (`shop:order`) without a Sale has none to come; empty where one may come.

    Nothing of such an order is in the books, so that its refunds take nothing out of them.
    """
    if state.get(ORDER_REMOVED, order) is not None:
        return "the shop holds its order no more, and it never had a Sale"
    known = state.get(ORDER, order)
    if known is None or known.status not in ENDED_STATUSES or is_triggered(known, settings):
        return ""
    return f"its order is {known.status} and never had a Sale"


def parent_of(order: str, settings: OrderSettings, state: State) -> OrderChanged | None:
    """The order itself where it is a part of another one, whose Sale holds it."""
    known = state.get(ORDER, order)
    return known if known and role_of(known, settings) == "part-of-parent" else None
