"""Why an order or refund of the day is not in the books as the shop says, and what to do about it."""

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
from services.accounting.documents.ruling import ruling_of
from services.accounting.documents.trigger import due_at
from services.accounting.documents.vat_control import vat_note
from services.cli.day_close.entries import DayEntry
from services.cli.day_close.facts import OrderHistory
from services.engine.clock import local_time
from services.order_exporter.comparison import describe_edit
from services.settings.shop import ShopSettings

RELATED_DELIVERIES = {
    "order": ("client", "credit-note-removed"),
    "refund": ("sale",),
    "payment": ("receipt", "sale", "client"),
}
"""Whose dead letters, beside its own, may hold a document up."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Why, with the code of the dead letter that says so, if there is one."""

    text: str
    reason: str | None = None


def find_difference(entry: DayEntry, shop: ShopSettings, now: datetime) -> DayDifference | None:
    """What parts the entry from the books, with its cause; None when they agree."""
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


def behind_cause(story: OrderHistory) -> Cause:
    """Why the topics do not hold what the shop says: the feed could not read the order, or did not read it yet."""
    return unread_cause(story) or Cause(story.behind)


def unreadable_cause(story: OrderHistory, message: str, refund_id: int = 0) -> Cause:
    """An order or refund that the close of the day cannot read, either."""
    reason = Reason.SHOP_REFUND_INVALID if refund_id else Reason.SHOP_ORDER_INVALID
    return unread_cause(story, refund_id) or Cause(f"{message}. Correct it in the shop", reason)


def unread_cause(story: OrderHistory, refund_id: int = 0) -> Cause | None:
    """Why store-feed does not take what the shop answers about an order, or a refund of it; None where it does."""
    said = story.unread_refunds.get(refund_id) if refund_id else story.unread
    if said is not None:
        what = f"refund {refund_id}: " if refund_id else ""
        return Cause(f"{what}{said.detail} (davtari explain {said.reason})", said.reason)
    letters = (one for one in story.letters.values() if one.service == "store-feed")
    return next((_dead_letter_cause(one) for one in letters if one.dead_letter not in story.settled), None)


def _dead_letter_cause(letter: DeadLettered) -> Cause:
    return Cause(f"{letter.detail} (davtari dead-letters show {letter.dead_letter[:8]})", letter.reason)


def _find_cause(entry: DayEntry, shop: ShopSettings, now: datetime) -> Cause | None:
    if entry.story.behind:
        return behind_cause(entry.story)
    if entry.elsewhere:
        where = "in the books" if entry.shop else "in the shop"
        return Cause(f"it stands under {entry.elsewhere} {where}: its posting date is another one there")
    if entry.books is None:
        return _missing_document(entry, shop, now)
    if entry.shop is None:
        return _unexpected_document(entry)
    return _different_figures(entry)


def _missing_document(entry: DayEntry, shop: ShopSettings, now: datetime) -> Cause:
    about, others = _delivery_id(entry), RELATED_DELIVERIES[entry.kind]
    names = [
        about,
        *(name for name in entry.story.letters for other in others if name.startswith(f"{other}:{entry.key}")),
    ]
    letters = (cause for name in names if (cause := _failed_delivery(entry, name)))
    return next(letters, None) or _waiting_approval(entry, about) or _not_due(entry, shop, now)


def _delivery_id(entry: DayEntry) -> str:
    """The id of the delivery that makes its document."""
    if entry.kind == "refund":
        return credit_note_id(_refund_key(entry))
    return sale_id(entry.key) if entry.kind == "order" else receipt_id(entry.key, entry.payment or "")


def _refund_key(entry: DayEntry) -> str:
    return refund_key(entry.key, entry.refund_id or NO_REFUND)


def _failed_delivery(entry: DayEntry, about: str) -> Cause | None:
    letter = entry.story.letters.get(about)
    if letter is None:
        return None
    settled = entry.story.settled.get(letter.dead_letter)
    if settled is None:
        return _dead_letter_cause(letter)
    if settled.how == "discarded":
        return Cause(f"given up by {settled.by}: {settled.why}. It was: {letter.detail}", letter.reason)
    return None


def _waiting_approval(entry: DayEntry, about: str) -> Cause | None:
    asked = entry.story.asked.get(about)
    told = "it waits for the accountant's approval, or was let go a moment ago: davtari approvals list"
    return Cause(told, Reason.APPROVAL_WAITS) if asked else None


def _not_due(entry: DayEntry, shop: ShopSettings, now: datetime) -> Cause:
    if entry.story.just_changed:
        return Cause("it was changed in the shop a moment ago and is not read yet: close the day again in a minute")
    mode = {"order": shop.flows.orders, "refund": shop.flows.refunds, "payment": shop.flows.payments}[entry.kind]
    order = entry.story.order
    if mode != "live":
        return Cause(f"the flow is {mode}: nothing is written to Balance")
    if entry.kind == "refund" and shop.refunds.policy == "manual":
        plan = f"{_order_command(entry.key)} --documents"
        return Cause(f'refunds.policy is "manual": make its credit note by hand in Balance; {plan} shows how')
    if entry.kind == "order" and order and due_at(order, shop.orders) > now:
        by = ruling_of(order, shop.orders).by["hold"]
        return Cause(f"it is held until {local_time(due_at(order, shop.orders))} ({by})")
    return Cause(f"its document is not recorded yet: {_order_command(entry.key)} shows what it waits for")


def _unexpected_document(entry: DayEntry) -> Cause:
    story, order = entry.story, entry.story.order
    if entry.kind == "payment":
        return Cause(
            "its receipt stands, and neither the shop nor anybody says that it was paid: correct it in Balance"
        )
    if entry.kind == "refund":
        return _failed_delivery(entry, removed_credit_note_id(_refund_key(entry))) or Cause(
            "the refund was deleted in the shop, its credit note stands: delete it in Balance"
        )
    if story.diverged is not None:
        return Cause(story.diverged.detail)
    gone = "was never read from the shop" if order is None else f"is {'removed' if story.removed else order.status}"
    return Cause(f"the order {gone}, its Sale stands: credit or delete it in Balance if the order is void")


def _different_figures(entry: DayEntry) -> Cause | None:
    if entry.shop is entry.books:
        return None
    if entry.kind == "payment":
        return Cause("its receipt comes to another amount: compare them") if entry.amount else None
    if entry.amount or entry.shop is None or entry.books is None or entry.shop.currency != entry.books.currency:
        return _edited_order(entry) or Cause("the document comes to another total than the shop says: compare them")
    return _edited_order(entry) or _different_vat(entry)


def _edited_order(entry: DayEntry) -> Cause | None:
    """The order or refund was edited after its document was recorded, and still is another one."""
    story = entry.story
    if entry.kind == "refund":
        return _failed_delivery(entry, changed_credit_note_id(_refund_key(entry)))
    order, sale, said = story.order, story.sale, story.diverged
    told = describe_edit(order, sale) if order and sale else ""
    if not told or sale is None:
        return None
    if said is not None and said.sale == sale.sale and said.what in ("edited", None):
        return Cause(said.detail)
    return Cause(f"the order was changed after its Sale {sale.number or sale.sale} was recorded: {told}: compare them")


def _different_vat(entry: DayEntry) -> Cause | None:
    """VAT that rounding does not explain (order-money rules 5 and 11), judged as the exporters judge it."""
    stated = tax_in_shop(entry)
    if stated is None or entry.books is None:
        return None
    held = sum((taxed.vat for taxed in entry.books.rates.values()), Decimal(0))
    lines = len(entry.story.order.lines) if entry.story.order else 1
    told = vat_note(stated, held, lines, entry.kind)
    return Cause(f"{told[0]}: compare the taxes of the {entry.kind} with its document") if told else None


def tax_in_shop(entry: DayEntry) -> Decimal | None:
    """The tax that the shop states; a refund of an amount alone states none."""
    story = entry.story
    if entry.refund_id is None:
        return story.order.total_tax if story.order else None
    refund = story.refunds.get(entry.refund_id)
    return sum((line.total_tax for line in refund.lines), Decimal(0)) if refund and refund.lines else None


def _order_command(key: str) -> str:
    """The command that shows an order (`shop:number`)."""
    shop, _, order = key.partition(":")
    return f"davtari order {order} --shop {shop}"
