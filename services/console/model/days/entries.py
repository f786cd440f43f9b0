"""The entries of a day: each order, refund and payment with the shop's side and the side of its document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from contracts.closing import Kind
from contracts.ledger import CreditNoteRecorded, PaymentRecorded, SaleRecorded, is_reversal
from contracts.order_statuses import is_void
from contracts.shop import OrderChanged, RefundIssued
from services.accounting.documents.due_date import due_moment, is_closed, next_open_day, possible_dates
from services.accounting.documents.figures import is_same_amount
from services.accounting.documents.payments import BY_SHOP, Payment, Payments, entered_payment
from services.accounting.documents.store_credit import booked_total, credit_booked
from services.accounting.documents.trigger import is_own_purchase, is_triggered
from services.accounting.documents.unbookable import Unbookable
from services.console.model.days.sides import UNSTATED, Side, document_rates, order_rates, refund_rates
from services.console.model.history import OrderHistory
from services.engine.clock import local_date
from services.settings.orders import OrderSettings, PaymentSettings

PaymentSides = tuple[Side | None, Side | None]
"""The payment as the shop or a person states it, and its receipt."""


def match_payments(history: OrderHistory, orders: OrderSettings, rules: PaymentSettings) -> Mapping[str, PaymentSides]:
    """Match the payments of an order, stated by the shop or people, with its receipts, by name (claim S0.13)."""
    stated = {each.name: each for each in _stated_payments(history, orders, rules)} if history.order else {}
    names = sorted(stated.keys() | history.receipts.keys())
    return {
        name: (_shop_payment_side(stated.get(name), history), _receipt_side(history.receipts.get(name)))
        for name in names
    }


def _stated_payments(history: OrderHistory, orders: OrderSettings, rules: PaymentSettings) -> list[Payment]:
    if history.order is None:
        return []
    elsewhere = not history.sales and not is_own_purchase(history.order, orders)
    void = history.removed or is_void(history.order) or elsewhere
    entered = [
        each for each in history.entered_payments if entered_payment(each, history.order).method in rules.methods
    ]
    notes = tuple(note for note in history.notes.values() if not is_reversal(note.refund_id))
    credit = credit_booked(history.order, orders)
    known = Payments(history.order, void, history.sale, history.receipts, tuple(entered), notes, credit)
    others = {name: each for name, each in history.receipts.items() if name != BY_SHOP}
    return [*known.from_people(), *known.repayments(rules), *_shop_payments(replace(known, receipts=others), rules)]


def _shop_payments(known: Payments, rules: PaymentSettings) -> list[Payment]:
    """The payments by the shop. One with an unmapped method is included: its receipt is missing."""
    try:
        return known.from_shop(rules)
    except Unbookable:
        return [_unmapped_payment(known.order, known.total)]


def _unmapped_payment(order: OrderChanged, total: Decimal) -> Payment:
    return Payment(BY_SHOP, local_date(order.paid_at or order.created_at), total, order.payment_method, "")


def _shop_payment_side(payment: Payment | None, history: OrderHistory) -> Side | None:
    return Side(payment.amount, history.currency, {}, payment.day) if payment else None


def _receipt_side(receipt: PaymentRecorded | None) -> Side | None:
    return Side(receipt.amount, receipt.currency, {}, receipt.date, receipt.receipt) if receipt else None


@dataclass(frozen=True, slots=True)
class DayEntry:
    """An order, refund or payment of the day.

    A side is None if it does not have the entry, or has it on another day (`elsewhere`).
    """

    kind: Kind
    key: str
    order_id: int
    refund_id: int | None
    number: str
    shop: Side | None
    books: Side | None
    history: OrderHistory
    elsewhere: str | None = None
    payment: str | None = None

    @property
    def part(self) -> str | int | None:
        """The name of the payment or the id of the refund."""
        return self.payment or self.refund_id

    @property
    def currency(self) -> str:
        """The currency of the entry."""
        side = self.shop or self.books
        return side.currency if side else ""

    @property
    def amount(self) -> Decimal:
        """The shop's total minus that of the books."""
        return (self.shop.total if self.shop else Decimal(0)) - (self.books.total if self.books else Decimal(0))


def build_entries(
    histories: Mapping[str, OrderHistory], settings: OrderSettings, date: str, payments: PaymentSettings | None = None
) -> list[DayEntry]:
    """Every order and refund of the day, and every document dated on it.

    `payments`: the settings of payments, if the shop's payments are exported; then payments are included.
    """
    found = [entry for key, history in histories.items() for entry in _order_entries(key, history, settings)]
    if payments is not None:
        for key, history in histories.items():
            found += _payment_entries(key, history, settings, payments)
    return sorted(
        (on_day for entry in found if (on_day := _restrict_to_day(entry, date))),
        key=lambda entry: (entry.kind, entry.order_id, entry.refund_id or 0, entry.payment or ""),
    )


def _order_entries(key: str, history: OrderHistory, settings: OrderSettings) -> Iterator[DayEntry]:
    order_id = int(key.partition(":")[2])
    number = history.order.number if history.order else str(order_id)
    yield from _reversed_entries(key, order_id, number, history)
    bookable = is_bookable(history, settings)
    sold = _order_side(history, settings) if bookable else None
    yield DayEntry("order", key, order_id, None, number, sold, _sale_side(history.sale), history)
    for refund_id in sorted(id_ for id_ in history.refunds.keys() | history.notes.keys() if not is_reversal(id_)):
        refund, note = history.refunds.get(refund_id), history.notes.get(refund_id)
        shop = _refund_side(refund, history.order, note, settings) if refund and history.order and bookable else None
        yield DayEntry("refund", key, order_id, refund_id, number, shop, _credit_note_side(note), history)


def _payment_entries(
    key: str, history: OrderHistory, settings: OrderSettings, rules: PaymentSettings
) -> Iterator[DayEntry]:
    order_id = int(key.partition(":")[2])
    number = history.order.number if history.order else str(order_id)
    for name, (shop, books) in match_payments(history, settings, rules).items():
        yield DayEntry("payment", key, order_id, None, number, shop, books, history, payment=name)


def _reversed_entries(key: str, order_id: int, number: str, history: OrderHistory) -> Iterator[DayEntry]:
    """Entries for reversed Sales and their reversals, each on its own day, with the books on both sides.

    The shop has neither: a reversal only corrects the books.
    """
    for uid, note in history.reversals.items():
        sale, reversal = _sale_side(history.sales.get(uid)), _credit_note_side(note)
        yield DayEntry("order", key, order_id, None, number, sale, sale, history)
        yield DayEntry("refund", key, order_id, note.refund_id, number, reversal, reversal, history)


def is_bookable(history: OrderHistory, settings: OrderSettings) -> bool:
    """Whether an order belongs in the books: it has a Sale, or the shop's trigger makes one due."""
    order = history.valid_order
    return bool(history.sales) or (order is not None and is_triggered(order, settings))


def sale_day(history: OrderHistory, settings: OrderSettings) -> str | None:
    """The day of an order in the books; after a reversal, the day of the last one. None if the order is void."""
    order, reversed_on = history.valid_order, [note.date for note in history.reversals.values()]
    return max(reversed_on, default=_document_day(order, history, settings)) if order else None


def _order_side(history: OrderHistory, settings: OrderSettings) -> Side | None:
    """The order in its current state."""
    order, date = history.valid_order, sale_day(history, settings)
    if order is None or date is None:
        return None
    total = booked_total(order, settings)
    if history.sale and is_same_amount(total, history.sale.total):
        total = history.sale.total
    return Side(total, order.currency, order_rates(order, total), date)


def _document_day(order: OrderChanged, history: OrderHistory, settings: OrderSettings) -> str:
    """The day that made the order due: the day of its Sale, if it is one of the order's own dates."""
    days = possible_dates(order, settings)
    if history.sale and (days is None or history.sale.date in days):
        return history.sale.date
    return days[0] if days else local_date(due_moment(order, settings))


def _sale_side(sale: SaleRecorded | None) -> Side | None:
    return Side(sale.total, sale.currency, document_rates(sale.lines), sale.date, sale.sale) if sale else None


def _credit_note_side(note: CreditNoteRecorded | None) -> Side | None:
    return Side(note.total, note.currency, document_rates(note.lines), note.date, note.credit_note) if note else None


def _refund_side(
    refund: RefundIssued, order: OrderChanged, note: CreditNoteRecorded | None, settings: OrderSettings
) -> Side:
    """The refund. If the shop states no rate, the rates of the credit note are used."""
    rates = refund_rates(refund, order)
    if UNSTATED in rates and note is not None and note.total == refund.amount:
        rates = document_rates(note.lines)
    return Side(refund.amount, refund.currency, rates, refund_day(local_date(refund.created_at), note, settings))


def refund_day(day: str, note: CreditNoteRecorded | None, settings: OrderSettings) -> str:
    """The day of a refund in the books; if that day is closed, the next open day."""
    if not is_closed(day, settings.locked_until):
        return day
    return max(day, note.date) if note else next_open_day(day, settings.locked_until)


def _restrict_to_day(entry: DayEntry, date: str) -> DayEntry | None:
    """The entry with only the sides of this day; None if it has none."""
    shop = entry.shop if entry.shop and entry.shop.date == date else None
    books = entry.books if entry.books and entry.books.date == date else None
    other = entry.books if shop else entry.shop
    elsewhere = other.date if other and other.date != date else None
    return replace(entry, shop=shop, books=books, elsewhere=elsewhere) if shop or books else None
