"""The documents of a day: each order and refund with what the shop says and what its document holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from contracts.closing import Kind
from contracts.ledger import CreditNoteRecorded, PaymentRecorded, SaleRecorded, is_reversal
from contracts.order_statuses import is_void
from contracts.shop import OrderChanged, RefundIssued
from services.accounting.documents.due_date import book_dates, due_moment
from services.accounting.documents.period import is_closed, open_day
from services.accounting.documents.precision import is_same_amount
from services.accounting.documents.relations import is_own_purchase
from services.accounting.documents.store_credit import booked_total, credit_booked
from services.accounting.documents.trigger import is_triggered
from services.accounting.documents.unbookable import Unbookable
from services.cli.day_close.facts import OrderHistory
from services.cli.day_close.sides import UNSTATED, Side, document_rates, order_rates, refund_rates
from services.engine.clock import local_date
from services.order_exporter.payments import BY_SHOP, Payment, Payments, entered_payment
from services.settings.orders import OrderSettings
from services.settings.payments import PaymentSettings

# The payments of a day: what was paid as the shop and people say, beside the receipts in the books (claim S0.13).

PaymentSides = tuple[Side | None, Side | None]
"""What the shop says of a payment, and its receipt."""


def match_payments(story: OrderHistory, orders: OrderSettings, rules: PaymentSettings) -> Mapping[str, PaymentSides]:
    """Every payment of an order by its name."""
    said = {each.name: each for each in _stated_payments(story, orders, rules)} if story.order else {}
    names = sorted(said.keys() | story.receipts.keys())
    return {
        name: (_shop_payment_side(said.get(name), story), _receipt_side(story.receipts.get(name))) for name in names
    }


def _stated_payments(story: OrderHistory, orders: OrderSettings, rules: PaymentSettings) -> list[Payment]:
    if story.order is None:
        return []
    elsewhere = not story.sales and not is_own_purchase(story.order, orders)
    gone = story.removed or is_void(story.order) or elsewhere
    entered = [each for each in story.entered if entered_payment(each, story.order).method in rules.methods]
    notes = tuple(note for note in story.notes.values() if not is_reversal(note.refund_id))
    credit = credit_booked(story.order, orders)
    known = Payments(story.order, gone, story.sale, story.receipts, tuple(entered), notes, credit)
    others = {name: each for name, each in story.receipts.items() if name != BY_SHOP}
    return [*known.from_people(), *known.repayments(rules), *_shop_payments(replace(known, receipts=others), rules)]


def _shop_payments(known: Payments, rules: PaymentSettings) -> list[Payment]:
    """A payment by a method that is not mapped is one all the same: it has no receipt."""
    try:
        return known.from_shop(rules)
    except Unbookable:
        return [_unmapped_payment(known.order, known.total)]


def _unmapped_payment(order: OrderChanged, total: Decimal) -> Payment:
    return Payment(BY_SHOP, local_date(order.paid_at or order.created_at), total, order.payment_method, "")


def _shop_payment_side(payment: Payment | None, story: OrderHistory) -> Side | None:
    return Side(payment.amount, story.currency, {}, payment.day) if payment else None


def _receipt_side(receipt: PaymentRecorded | None) -> Side | None:
    return Side(receipt.amount, receipt.currency, {}, receipt.date, receipt.receipt) if receipt else None


@dataclass(frozen=True, slots=True)
class DayEntry:
    """An order, refund or payment of the day.

    A side is None where it has nothing, or has it on another day (`elsewhere`).
    """

    kind: Kind
    key: str
    order_id: int
    refund_id: int | None
    number: str
    shop: Side | None
    books: Side | None
    story: OrderHistory
    elsewhere: str | None = None
    payment: str | None = None

    @property
    def part(self) -> str | int | None:
        """Which refund or payment of the order it is."""
        return self.payment or self.refund_id

    @property
    def currency(self) -> str:
        """The currency of both."""
        side = self.shop or self.books
        return side.currency if side else ""

    @property
    def amount(self) -> Decimal:
        """Shop less books."""
        return (self.shop.total if self.shop else Decimal(0)) - (self.books.total if self.books else Decimal(0))


def build_entries(
    stories: Mapping[str, OrderHistory], settings: OrderSettings, date: str, payments: PaymentSettings | None = None
) -> list[DayEntry]:
    """Everything that the shop sold or gave back on this day, and every document of it in the books.

    `payments`: what is said of receipts, where the shop has any.
    """
    found = [entry for key, story in stories.items() for entry in _order_entries(key, story, settings)]
    if payments is not None:
        found += [entry for key, story in stories.items() for entry in _payment_entries(key, story, settings, payments)]
    return sorted(
        (on_day for entry in found if (on_day := _restrict_to_day(entry, date))),
        key=lambda entry: (entry.kind, entry.order_id, entry.refund_id or 0, entry.payment or ""),
    )


def _order_entries(key: str, story: OrderHistory, settings: OrderSettings) -> Iterator[DayEntry]:
    order_id = int(key.partition(":")[2])
    number = story.order.number if story.order else str(order_id)
    yield from _reversed_entries(key, order_id, number, story)
    counted = is_bookable(story, settings)
    sold = _order_side(story, settings) if counted else None
    yield DayEntry("order", key, order_id, None, number, sold, _sale_side(story.sale), story)
    for refund_id in sorted(id_ for id_ in story.refunds.keys() | story.notes.keys() if not is_reversal(id_)):
        refund, note = story.refunds.get(refund_id), story.notes.get(refund_id)
        shop = _refund_side(refund, story.order, note, settings) if refund and story.order and counted else None
        yield DayEntry("refund", key, order_id, refund_id, number, shop, _credit_note_side(note), story)


def _payment_entries(
    key: str, story: OrderHistory, settings: OrderSettings, rules: PaymentSettings
) -> Iterator[DayEntry]:
    order_id = int(key.partition(":")[2])
    number = story.order.number if story.order else str(order_id)
    for name, (shop, books) in match_payments(story, settings, rules).items():
        yield DayEntry("payment", key, order_id, None, number, shop, books, story, payment=name)


def _reversed_entries(key: str, order_id: int, number: str, story: OrderHistory) -> Iterator[DayEntry]:
    """Sales that were credited whole, and those credits: the books answer for themselves, each on its own day.

    A credit of an order that came back stands alone: the shop has given nothing up.
    """
    for uid, note in story.taken_back.items():
        sold, back = _sale_side(story.sales.get(uid)), _credit_note_side(note)
        yield DayEntry("order", key, order_id, None, number, sold, sold, story)
        yield DayEntry("refund", key, order_id, note.refund_id, number, back, back, story)


def is_bookable(story: OrderHistory, settings: OrderSettings) -> bool:
    """Whether an order belongs in the books: it has its Sale, or is due for one by the shop's trigger."""
    order = story.standing
    return bool(story.sales) or (order is not None and is_triggered(order, settings))


def sale_day(story: OrderHistory, settings: OrderSettings) -> str | None:
    """The day to which an order belongs; after a Sale that was taken back that of the correction. None: given up."""
    order, corrected = story.standing, [note.date for note in story.taken_back.values()]
    return max(corrected, default=_document_day(order, story, settings)) if order else None


def _order_side(story: OrderHistory, settings: OrderSettings) -> Side | None:
    """The order as it stands."""
    order, date = story.standing, sale_day(story, settings)
    if order is None or date is None:
        return None
    total = booked_total(order, settings)
    if story.sale and is_same_amount(total, story.sale.total):
        total = story.sale.total
    return Side(total, order.currency, order_rates(order, total), date)


def _document_day(order: OrderChanged, story: OrderHistory, settings: OrderSettings) -> str:
    """The day that made the order due: that of its Sale, where the shop's own dates can mean it."""
    days = book_dates(order, settings)
    if story.sale and (days is None or story.sale.date in days):
        return story.sale.date
    return days[0] if days else local_date(due_moment(order, settings))


def _sale_side(sale: SaleRecorded | None) -> Side | None:
    return Side(sale.total, sale.currency, document_rates(sale.lines), sale.date, sale.sale) if sale else None


def _credit_note_side(note: CreditNoteRecorded | None) -> Side | None:
    return Side(note.total, note.currency, document_rates(note.lines), note.date, note.credit_note) if note else None


def _refund_side(
    refund: RefundIssued, order: OrderChanged, note: CreditNoteRecorded | None, settings: OrderSettings
) -> Side:
    """Where the shop states no rate, the rates by which the note was spread stand for it."""
    rates = refund_rates(refund, order)
    if UNSTATED in rates and note is not None and note.total == refund.amount:
        rates = document_rates(note.lines)
    return Side(refund.amount, refund.currency, rates, _refund_day(local_date(refund.created_at), note, settings))


def _refund_day(day: str, note: CreditNoteRecorded | None, settings: OrderSettings) -> str:
    """The day of a refund in the books; one of a closed day is credited on an open one."""
    if not is_closed(day, settings.locked_until):
        return day
    return max(day, note.date) if note else open_day(day, settings.locked_until)


def _restrict_to_day(entry: DayEntry, date: str) -> DayEntry | None:
    """The sides of the entry that belong to this day; None if neither does."""
    shop = entry.shop if entry.shop and entry.shop.date == date else None
    books = entry.books if entry.books and entry.books.date == date else None
    other = entry.books if shop else entry.shop
    elsewhere = other.date if other and other.date != date else None
    return replace(entry, shop=shop, books=books, elsewhere=elsewhere) if shop or books else None
