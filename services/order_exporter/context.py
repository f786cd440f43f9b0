"""One order with everything that its Sale depends on, and the rules for orders that have a parent (claim K26)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from contracts.delivery_ids import sale_id
from contracts.order_statuses import is_void
from contracts.reasons import Reason
from contracts.shop import OrderChanged
from services.accounting.documents import trigger
from services.accounting.documents.approval import ApprovalCandidate, describe_vat
from services.accounting.documents.order_rules import document_of
from services.accounting.documents.push import Push, wants_document
from services.accounting.documents.trigger import Role, is_covered, parent_key, role_of
from services.accounting.documents.unbookable import Unbookable, setting_key
from services.engine.outbox.outcome import Blocked
from services.engine.state.records import State
from services.order_exporter.projection import ORDER, KnownOrder, order_name
from services.order_exporter.tasks import SaleTask
from services.settings.balance import BalanceSettings
from services.settings.order_rules import DocumentKind
from services.settings.shop import ShopSettings


@dataclass(frozen=True, slots=True)
class SaleContext:
    """An order, the settings that apply to it, and what people have requested."""

    known: KnownOrder
    shop: ShopSettings
    balance: BalanceSettings
    pushes: tuple[Push, ...]
    state: State

    @property
    def is_live(self) -> bool:
        """Whether documents are written, and not only planned."""
        return self.shop.flows.orders == "live"

    @property
    def role(self) -> Role:
        """The order's relation to its parent; a part that a person pushes is booked on its own."""
        role = role_of(self.known.order, self.shop.orders)
        return "own-order" if role != "whole" and wants_document(self.pushes) else role

    @property
    def document(self) -> DocumentKind:
        """Which document the rules ask for; a push books a held order as a Sale (claim S4.31)."""
        wanted = document_of(self.known.order, self.shop.orders)
        return "sale" if wanted == "hold" and wants_document(self.pushes) else wanted

    @property
    def is_wanted(self) -> bool:
        """Whether the document is due: pushed by a person, or triggered and past its hold."""
        return wants_document(self.pushes) or self.is_due

    @property
    def is_due(self) -> bool:
        """Whether the document is triggered and past its hold."""
        return self._is_triggered and trigger.is_due(self.known.order, self.shop.orders, self.state.now)

    @property
    def held_until(self) -> datetime | None:
        """When the hold ends; None if nothing is held."""
        is_held = self._is_triggered and not self.is_due
        return trigger.due_at(self.known.order, self.shop.orders) if is_held else None

    @property
    def _is_triggered(self) -> bool:
        """A sales order is triggered by the statuses in its rule, a Sale by the shop's trigger."""
        order, rules = self.known.order, self.shop.orders
        return self.document == "sales-order" or trigger.is_asked_for(order, rules)


def undecided_role_error(order: OrderChanged) -> Unbookable:
    """Why an order with a parent waits if no setting defines how such orders are booked (rule 19)."""
    key, via = setting_key(order.shop, "sub-orders"), order.created_via or "default"
    return Unbookable(
        Reason.SALE_SUB_ORDER,
        f"order {order.number} of shop {order.shop} belongs to order {order.parent_id} (created_via "
        f'"{order.created_via}"), and {key} does not define how such orders are booked: set '
        f'{via} = "part-of-parent" if the Sale of order {order.parent_id} contains it, or "own-order" if it is sold '
        f"separately; davtari push order {order.order_id} --shop {order.shop} books this one on its own",
    )


def describe_part(order: OrderChanged) -> str:
    """How a part of another order is described in answers."""
    return f"it is part of order {order.parent_id}, whose Sale contains it"


def wait_for_parent(order: OrderChanged, state: State) -> Blocked | None:
    """What a part is blocked on until its parent is read."""
    if state.get(ORDER, parent_key(order)) is not None:
        return None
    return Blocked(
        on=order_name(parent_key(order)),
        reason=Reason.SALE_PARENT_MISSING,
        detail=f"order {order.number} of shop {order.shop} is part of order {order.parent_id}, which was never read: "
        f"davtari push order {order.parent_id} --shop {order.shop} reads it",
    )


def unheld_part_error(order: OrderChanged, state: State) -> Unbookable | None:
    """Why the parent's Sale cannot contain this part; None if it can."""
    parent = state.get(ORDER, parent_key(order))
    why = _why_unheld(order, parent) if parent else ""
    if not why:
        return None
    return Unbookable(
        Reason.SALE_PART_NOT_HELD,
        f"order {order.number} of shop {order.shop} over {order.total} {order.currency} is part of order "
        f"{order.parent_id}, but {why}: davtari push order {order.order_id} --shop {order.shop} books it on its own, "
        "or discard this if it must not be booked",
    )


def _why_unheld(part: OrderChanged, parent: KnownOrder) -> str:
    if parent.removed or is_void(parent.order):
        return "that order was removed from the shop" if parent.removed else f"that order is {parent.order.status}"
    if not is_covered(part, parent.order):
        return f"that order ({parent.order.total} {parent.order.currency}) does not contain its goods and money"
    return ""


def approval_candidate(task: SaleTask, order: OrderChanged, client: str) -> ApprovalCandidate:
    """The Sale as the accountant's gate sees it (claim I5): payment method, VAT rates, currency and `client`.

    These words group recorded approvals, so they never change.
    """
    method = order.payment_method or "no payment method"
    return ApprovalCandidate(
        id=sale_id(order.key, task.revision),
        kind="sale",
        shop=order.shop,
        order_id=order.order_id,
        refund_id=None,
        shape=f"Sale · {method} · {describe_vat(task.lines)} · {task.currency} · {client}",
        total=task.total,
        currency=task.currency,
    )
