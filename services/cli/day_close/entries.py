"""The documents of a day: each order and refund with what the shop says and what its document holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from contracts.closing import Kind
from contracts.ledger import CreditNoteRecorded, SaleRecorded
from contracts.shop import OrderChanged, RefundIssued
from services.accounting.documents.due_date import book_dates, due_moment
from services.accounting.documents.period import is_closed, open_day
from services.accounting.documents.precision import is_same_amount
from services.accounting.documents.store_credit import booked_total
from services.accounting.documents.trigger import is_triggered
from services.cli.day_close.facts import Story
from services.cli.day_close.payments import pairs
from services.cli.day_close.rates import UNSTATED, rates_of_lines, rates_of_order, rates_of_refund
from services.cli.day_close.sides import Side
from services.engine.runtime.tbilisi import local_date
from services.refund_exporter.reversal import is_reversal
from services.settings.orders import OrderSettings
from services.settings.payments import PaymentSettings


@dataclass(frozen=True, slots=True)
class Entry:
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
    story: Story
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


def entries(
    stories: Mapping[str, Story], settings: OrderSettings, date: str, payments: PaymentSettings | None = None
) -> list[Entry]:
    """Everything that the shop sold or gave back on this day, and every document of it in the books.

    `payments`: what is said of receipts, where the shop has any.
    """
    found = [entry for key, story in stories.items() for entry in _of_story(key, story, settings)]
    if payments is not None:
        found += [entry for key, story in stories.items() for entry in _paid(key, story, settings, payments)]
    return sorted(
        (on_day for entry in found if (on_day := _on(entry, date))),
        key=lambda entry: (entry.kind, entry.order_id, entry.refund_id or 0, entry.payment or ""),
    )


def _of_story(key: str, story: Story, settings: OrderSettings) -> Iterator[Entry]:
    order_id = int(key.partition(":")[2])
    number = story.order.number if story.order else str(order_id)
    yield from _taken_back(key, order_id, number, story)
    counted = counts(story, settings)
    sold = _of_order(story, settings) if counted else None
    yield Entry("order", key, order_id, None, number, sold, _of_sale(story.sale), story)
    for refund_id in sorted(id_ for id_ in story.refunds.keys() | story.notes.keys() if not is_reversal(id_)):
        refund, note = story.refunds.get(refund_id), story.notes.get(refund_id)
        shop = _of_refund(refund, story.order, note, settings) if refund and story.order and counted else None
        yield Entry("refund", key, order_id, refund_id, number, shop, _of_note(note), story)


def _paid(key: str, story: Story, settings: OrderSettings, rules: PaymentSettings) -> Iterator[Entry]:
    order_id = int(key.partition(":")[2])
    number = story.order.number if story.order else str(order_id)
    for name, (shop, books) in pairs(story, settings, rules).items():
        yield Entry("payment", key, order_id, None, number, shop, books, story, payment=name)


def _taken_back(key: str, order_id: int, number: str, story: Story) -> Iterator[Entry]:
    """Sales that were credited whole, and those credits: the books answer for themselves, each on its own day.

    A credit of an order that came back stands alone: the shop has given nothing up.
    """
    for uid, note in story.taken_back.items():
        sold, back = _of_sale(story.sales.get(uid)), _of_note(note)
        yield Entry("order", key, order_id, None, number, sold, sold, story)
        yield Entry("refund", key, order_id, note.refund_id, number, back, back, story)


def counts(story: Story, settings: OrderSettings) -> bool:
    """Whether an order belongs in the books: it has its Sale, or is due for one by the shop's trigger."""
    order = story.standing
    return bool(story.sales) or (order is not None and is_triggered(order, settings))


def sold_on(story: Story, settings: OrderSettings) -> str | None:
    """The day to which an order belongs; after a Sale that was taken back that of the correction. None: given up."""
    order, corrected = story.standing, [note.date for note in story.taken_back.values()]
    return max(corrected, default=_day(order, story, settings)) if order else None


def _of_order(story: Story, settings: OrderSettings) -> Side | None:
    """The order as it stands."""
    order, date = story.standing, sold_on(story, settings)
    if order is None or date is None:
        return None
    total = booked_total(order, settings)
    if story.sale and is_same_amount(total, story.sale.total):
        total = story.sale.total
    return Side(total, order.currency, rates_of_order(order, total), date)


def _day(order: OrderChanged, story: Story, settings: OrderSettings) -> str:
    """The day that made the order due: that of its Sale, where the shop's own dates can mean it."""
    days = book_dates(order, settings)
    if story.sale and (days is None or story.sale.date in days):
        return story.sale.date
    return days[0] if days else local_date(due_moment(order, settings))


def _of_sale(sale: SaleRecorded | None) -> Side | None:
    return Side(sale.total, sale.currency, rates_of_lines(sale.lines), sale.date, sale.sale) if sale else None


def _of_note(note: CreditNoteRecorded | None) -> Side | None:
    return Side(note.total, note.currency, rates_of_lines(note.lines), note.date, note.credit_note) if note else None


def _of_refund(
    refund: RefundIssued, order: OrderChanged, note: CreditNoteRecorded | None, settings: OrderSettings
) -> Side:
    """Where the shop states no rate, the rates by which the note was spread stand for it."""
    rates = rates_of_refund(refund, order)
    if UNSTATED in rates and note is not None and note.total == refund.amount:
        rates = rates_of_lines(note.lines)
    return Side(refund.amount, refund.currency, rates, _day_back(local_date(refund.created_at), note, settings))


def _day_back(day: str, note: CreditNoteRecorded | None, settings: OrderSettings) -> str:
    """The day of a refund in the books; one of a closed day is credited on an open one."""
    if not is_closed(day, settings.locked_until):
        return day
    return max(day, note.date) if note else open_day(day, settings.locked_until)


def _on(entry: Entry, date: str) -> Entry | None:
    """The sides of the entry that belong to this day; None if neither does."""
    shop = entry.shop if entry.shop and entry.shop.date == date else None
    books = entry.books if entry.books and entry.books.date == date else None
    other = entry.books if shop else entry.shop
    elsewhere = other.date if other and other.date != date else None
    return replace(entry, shop=shop, books=books, elsewhere=elsewhere) if shop or books else None
