"""Orders that have a parent: parts of it are in its Sale; of others nobody has said yet what they are (claim K26)."""

from __future__ import annotations

from contracts.order_statuses import is_void
from contracts.reasons import Reason
from contracts.shop import OrderChanged
from services.accounting.documents.relations import is_covered, parent_key
from services.accounting.documents.unbookable import Unbookable, setting_key
from services.engine.outbox.outcome import Blocked
from services.engine.state.records import State
from services.order_exporter.projection import ORDER, KnownOrder, order_name


def undecided(order: OrderChanged) -> Unbookable:
    """Why an order with a parent waits of which no setting says what it is."""
    key, via = setting_key(order.shop, "sub-orders"), order.created_via or "default"
    return Unbookable(
        Reason.SALE_SUB_ORDER,
        f"order {order.number} of shop {order.shop} belongs to order {order.parent_id} (created_via "
        f'"{order.created_via}"), and {key} does not say what such orders are: {via} = "part-of-parent" if the Sale of '
        f'order {order.parent_id} holds it, or "own-order" if it is sold on its own; '
        f"davtari push order {order.order_id} --shop {order.shop} books this one on its own",
    )


def told(order: OrderChanged) -> str:
    """What is said of a part of another order."""
    return f"it is a part of order {order.parent_id}, whose Sale holds it"


def missing_parent(order: OrderChanged, state: State) -> Blocked | None:
    """What a part waits for while its parent was not read."""
    if state.get(ORDER, parent_key(order)) is not None:
        return None
    return Blocked(
        on=order_name(parent_key(order)),
        reason=Reason.SALE_PARENT_MISSING,
        detail=f"order {order.number} of shop {order.shop} is a part of order {order.parent_id}, which was never read: "
        f"davtari push order {order.parent_id} --shop {order.shop} reads it",
    )


def not_held(order: OrderChanged, state: State) -> Unbookable | None:
    """Why the parent's Sale cannot hold this part of it; None where it can."""
    parent = state.get(ORDER, parent_key(order))
    wrong = _wrong(order, parent) if parent else ""
    if not wrong:
        return None
    return Unbookable(
        Reason.SALE_PART_NOT_HELD,
        f"order {order.number} of shop {order.shop} over {order.total} {order.currency} is a part of order "
        f"{order.parent_id}, and {wrong}: davtari push order {order.order_id} --shop {order.shop} books it on its own, "
        "or discard this if it is not to be booked",
    )


def _wrong(part: OrderChanged, parent: KnownOrder) -> str:
    if parent.removed or is_void(parent.order):
        return f"that one {'was removed from the shop' if parent.removed else f'is {parent.order.status}'}"
    if not is_covered(part, parent.order):
        return f"that one ({parent.order.total} {parent.order.currency}) does not hold its goods and money"
    return ""
