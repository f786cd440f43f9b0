"""Find why an order, refund or payment differs between shop and books, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from contracts.closing import DayDifference
from contracts.delivery_ids import (
    changed_credit_note_id,
    credit_note_id,
    receipt_id,
    refund_key,
    removed_credit_note_id,
    sale_id,
)
from contracts.ledger import NO_REFUND
from contracts.operations import DeadLettered
from contracts.reasons import Reason
from services.accounting.documents.order_edits import describe_edit
from services.accounting.documents.order_rules import apply_rules
from services.accounting.documents.trigger import due_at
from services.accounting.documents.vat import describe_vat_difference
from services.console.model.days.entries import DayEntry
from services.console.model.history import OrderHistory
from services.engine.clock import local_time
from services.settings.shop import ShopSettings

RELATED_DELIVERIES = {
    "order": ("client", "credit-note-removed"),
    "refund": ("sale",),
    "payment": ("receipt", "sale", "client"),
}
"""Other deliveries whose dead letters may delay a document, by kind of entry."""


@dataclass(frozen=True, slots=True)
class DifferenceCause:
    """Why an entry differs, with the reason code of its dead letter if there is one."""

    text: str
    reason: str | None = None


def find_difference(entry: DayEntry, shop: ShopSettings, now: datetime) -> DayDifference | None:
    """The difference between shop and books with its cause; None if they agree."""
    cause = _find_cause(entry, shop, now)
    if cause is None:
        return None
    return DayDifference(
        kind=entry.kind,
        order_id=entry.order_id,
        number=entry.number,
        refund_id=entry.refund_id,
        payment=entry.payment,
        amount=entry.amount,
        currency=entry.currency,
        reason=cause.reason,
        cause=cause.text,
    )


def behind_cause(history: OrderHistory) -> DifferenceCause:
    """Why the topics are behind the shop: store-feed could not read the order, or has not read it yet."""
    return unread_cause(history) or DifferenceCause(history.behind)


def unreadable_cause(history: OrderHistory, message: str, refund_id: int = 0) -> DifferenceCause:
    """The cause for an order or refund that neither store-feed nor this command can read."""
    reason = Reason.SHOP_REFUND_INVALID if refund_id else Reason.SHOP_ORDER_INVALID
    return unread_cause(history, refund_id) or DifferenceCause(f"{message}. Correct it in the shop", reason)


def unread_cause(history: OrderHistory, refund_id: int = 0) -> DifferenceCause | None:
    """Why store-feed could not read an order or one of its refunds; None if it could."""
    unread = history.unread_refunds.get(refund_id) if refund_id else history.unread
    if unread is not None:
        what = f"refund {refund_id}: " if refund_id else ""
        return DifferenceCause(f"{what}{unread.detail} (davtari explain {unread.reason})", unread.reason)
    failed = (one for one in history.dead_letters.values() if one.service == "store-feed")
    return next((_dead_letter_cause(one) for one in failed if one.dead_letter not in history.settled), None)


def _dead_letter_cause(event: DeadLettered) -> DifferenceCause:
    return DifferenceCause(f"{event.detail} (davtari dead-letters show {event.dead_letter[:8]})", event.reason)


def _find_cause(entry: DayEntry, shop: ShopSettings, now: datetime) -> DifferenceCause | None:
    if entry.history.behind:
        return behind_cause(entry.history)
    if entry.elsewhere:
        where = "in the books" if entry.shop else "in the shop"
        return DifferenceCause(f"{where} it has another date: {entry.elsewhere}")
    if entry.books is None:
        return _missing_document(entry, shop, now)
    if entry.shop is None:
        return _unexpected_document(entry)
    return _different_figures(entry)


def _missing_document(entry: DayEntry, shop: ShopSettings, now: datetime) -> DifferenceCause:
    about, others = _delivery_id(entry), RELATED_DELIVERIES[entry.kind]
    names = [
        about,
        *(name for name in entry.history.dead_letters for other in others if name.startswith(f"{other}:{entry.key}")),
    ]
    failures = (cause for name in names if (cause := _failed_delivery(entry, name)))
    return next(failures, None) or _waiting_approval(entry, about) or _not_due(entry, shop, now)


def _delivery_id(entry: DayEntry) -> str:
    """The id of the delivery that writes its document."""
    if entry.kind == "refund":
        return credit_note_id(_refund_key(entry))
    return sale_id(entry.key) if entry.kind == "order" else receipt_id(entry.key, entry.payment or "")


def _refund_key(entry: DayEntry) -> str:
    return refund_key(entry.key, entry.refund_id or NO_REFUND)


def _failed_delivery(entry: DayEntry, about: str) -> DifferenceCause | None:
    event = entry.history.dead_letters.get(about)
    if event is None:
        return None
    settled = entry.history.settled.get(event.dead_letter)
    if settled is None:
        return _dead_letter_cause(event)
    if settled.how == "discarded":
        return DifferenceCause(
            f"discarded by {settled.by}: {settled.why}. The failure was: {event.detail}", event.reason
        )
    return None


def _waiting_approval(entry: DayEntry, about: str) -> DifferenceCause | None:
    text = "it waits for the accountant's approval, or was approved a moment ago: davtari approvals list"
    return DifferenceCause(text, Reason.APPROVAL_WAITS) if about in entry.history.approval_requests else None


def _not_due(entry: DayEntry, shop: ShopSettings, now: datetime) -> DifferenceCause:
    if entry.history.just_changed:
        return DifferenceCause(
            "it was changed in the shop a moment ago and has not been read yet: run the command again in a minute"
        )
    mode = {"order": shop.flows.orders, "refund": shop.flows.refunds, "payment": shop.flows.payments}[entry.kind]
    order = entry.history.order
    if mode != "live":
        return DifferenceCause(f"the flow is {mode}: nothing is written to Balance")
    if entry.kind == "refund" and shop.refunds.policy == "manual":
        plan = f"{_order_command(entry.key)} --documents"
        return DifferenceCause(
            f'refunds.policy is "manual": create its credit note in Balance by hand; {plan} shows how'
        )
    if entry.kind == "order" and order and due_at(order, shop.orders) > now:
        by = apply_rules(order, shop.orders).by["hold"]
        return DifferenceCause(f"it is held until {local_time(due_at(order, shop.orders))} ({by})")
    return DifferenceCause(f"its document is not recorded yet: {_order_command(entry.key)} shows what it waits for")


def _unexpected_document(entry: DayEntry) -> DifferenceCause:
    history, order = entry.history, entry.history.order
    if entry.kind == "payment":
        return DifferenceCause(
            "the books have its receipt, but no payment is recorded in the shop or by a person: correct it in Balance"
        )
    if entry.kind == "refund":
        return _failed_delivery(entry, removed_credit_note_id(_refund_key(entry))) or DifferenceCause(
            "the refund was deleted in the shop, but its credit note still exists: delete it in Balance"
        )
    if history.diverged is not None:
        return DifferenceCause(history.diverged.detail)
    state = "was never read from the shop" if order is None else f"is {'deleted' if history.removed else order.status}"
    return DifferenceCause(
        f"the order {state}, but its Sale still exists: if the order is void, credit or delete it in Balance"
    )


def _different_figures(entry: DayEntry) -> DifferenceCause | None:
    if entry.shop is entry.books:
        return None
    if entry.kind == "payment":
        return DifferenceCause("its receipt has another amount: compare them") if entry.amount else None
    if entry.amount or entry.shop is None or entry.books is None or entry.shop.currency != entry.books.currency:
        return _edited_order(entry) or DifferenceCause("the total of the document differs from the shop: compare them")
    return _edited_order(entry) or _different_vat(entry)


def _edited_order(entry: DayEntry) -> DifferenceCause | None:
    """The cause for an order or refund that was edited after its document was recorded, and still differs."""
    history = entry.history
    if entry.kind == "refund":
        return _failed_delivery(entry, changed_credit_note_id(_refund_key(entry)))
    order, sale, diverged = history.order, history.sale, history.diverged
    edit = describe_edit(order, sale) if order and sale else ""
    if not edit or sale is None:
        return None
    if diverged is not None and diverged.sale == sale.sale and diverged.what in ("edited", None):
        return DifferenceCause(diverged.detail)
    return DifferenceCause(
        f"the order was changed after its Sale {sale.number or sale.sale} was recorded: {edit}: compare them"
    )


def _different_vat(entry: DayEntry) -> DifferenceCause | None:
    """A VAT difference that rounding does not explain (rule 5, rule 11), by the rules of the exporters."""
    tax = tax_in_shop(entry)
    if tax is None or entry.books is None:
        return None
    vat = sum((taxed.vat for taxed in entry.books.rates.values()), Decimal(0))
    lines = len(entry.history.order.lines) if entry.history.order else 1
    note = describe_vat_difference(tax, vat, lines, entry.kind)
    return DifferenceCause(f"{note[0]}: compare the taxes of the {entry.kind} with its document") if note else None


def tax_in_shop(entry: DayEntry) -> Decimal | None:
    """The tax in the shop; None for a refund without lines, which has no tax."""
    history = entry.history
    if entry.refund_id is None:
        return history.order.total_tax if history.order else None
    refund = history.refunds.get(entry.refund_id)
    return sum((line.total_tax for line in refund.lines), Decimal(0)) if refund and refund.lines else None


def _order_command(key: str) -> str:
    """The command that shows an order (`shop:order`)."""
    shop, _, order = key.partition(":")
    return f"davtari order {order} --shop {shop}"
