"""One order with all that bears on it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from contracts.delivery_ids import sale_id
from contracts.order_statuses import is_void
from contracts.reasons import Reason
from contracts.shop import OrderChanged
from services.accounting.documents import trigger
from services.accounting.documents.approval import Candidate, vat_words
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
    """An order, the settings that hold for it, and what people have asked for."""

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
        """What the order is to its parent; a person who pushes one has it booked on its own."""
        role = role_of(self.known.order, self.shop.orders)
        return "own-order" if role != "whole" and wants_document(self.pushes) else role

    @property
    def document(self) -> DocumentKind:
        """Which document the rules want; a push lets a held order go as a Sale (claim S4.31)."""
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
        """When the hold ends; None when nothing is held."""
        held = self._is_triggered and not self.is_due
        return trigger.due_at(self.known.order, self.shop.orders) if held else None

    @property
    def _is_triggered(self) -> bool:
        """A sales order is made in the statuses that its rule names, a Sale at the shop's trigger."""
        order, rules = self.known.order, self.shop.orders
        return self.document == "sales-order" or trigger.is_asked_for(order, rules)


# Orders that have a parent: parts of it are in its Sale; of others nobody has said yet what they are (claim K26).


def undecided_role_error(order: OrderChanged) -> Unbookable:
    """Why an order with a parent waits of which no setting says what it is."""
    key, via = setting_key(order.shop, "sub-orders"), order.created_via or "default"
    return Unbookable(
        Reason.SALE_SUB_ORDER,
        f"order {order.number} of shop {order.shop} belongs to order {order.parent_id} (created_via "
        f'"{order.created_via}"), and {key} does not say what such orders are: {via} = "part-of-parent" if the Sale of '
        f'order {order.parent_id} holds it, or "own-order" if it is sold on its own; '
        f"davtari push order {order.order_id} --shop {order.shop} books this one on its own",
    )


def describe_part(order: OrderChanged) -> str:
    """What is said of a part of another order."""
    return f"it is a part of order {order.parent_id}, whose Sale holds it"


def wait_for_parent(order: OrderChanged, state: State) -> Blocked | None:
    """What a part waits for while its parent was not read."""
    if state.get(ORDER, parent_key(order)) is not None:
        return None
    return Blocked(
        on=order_name(parent_key(order)),
        reason=Reason.SALE_PARENT_MISSING,
        detail=f"order {order.number} of shop {order.shop} is a part of order {order.parent_id}, which was never read: "
        f"davtari push order {order.parent_id} --shop {order.shop} reads it",
    )


def unheld_part_error(order: OrderChanged, state: State) -> Unbookable | None:
    """Why the parent's Sale cannot hold this part of it; None where it can."""
    parent = state.get(ORDER, parent_key(order))
    wrong = _why_unheld(order, parent) if parent else ""
    if not wrong:
        return None
    return Unbookable(
        Reason.SALE_PART_NOT_HELD,
        f"order {order.number} of shop {order.shop} over {order.total} {order.currency} is a part of order "
        f"{order.parent_id}, and {wrong}: davtari push order {order.order_id} --shop {order.shop} books it on its own, "
        "or discard this if it is not to be booked",
    )


def _why_unheld(part: OrderChanged, parent: KnownOrder) -> str:
    if parent.removed or is_void(parent.order):
        return f"that one {'was removed from the shop' if parent.removed else f'is {parent.order.status}'}"
    if not is_covered(part, parent.order):
        return f"that one ({parent.order.total} {parent.order.currency}) does not hold its goods and money"
    return ""


# Which sort of document a Sale is to the accountant: payment method, VAT rates, currency and client (claim I5).


def approval_candidate(task: SaleTask, order: OrderChanged, client: str) -> Candidate:
    """The Sale as the gate sees it; `client` says how the buyer is known."""
    paid = order.payment_method or "no payment method"
    return Candidate(
        id=sale_id(order.key, task.revision),
        kind="sale",
        shop=order.shop,
        order_id=order.order_id,
        refund_id=None,
        shape=f"Sale · {paid} · {vat_words(task.lines)} · {task.currency} · {client}",
        total=task.total,
        currency=task.currency,
    )
