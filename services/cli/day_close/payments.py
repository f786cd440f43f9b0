"""The payments of a day: what was paid as the shop and people say, beside the receipts in the books (claim S0.13)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from contracts.ledger import PaymentRecorded
from contracts.shop import OrderChanged
from services.accounting.documents.relations import is_own_purchase
from services.accounting.documents.store_credit import credit_booked
from services.accounting.documents.unbookable import Unbookable
from services.cli.day_close.facts import Story
from services.cli.day_close.sides import Side
from services.engine.runtime.tbilisi import local_date
from services.order_exporter.content import is_void
from services.order_exporter.receipts.ledger import Payments
from services.order_exporter.receipts.payment import BY_SHOP, Payment, entered_by
from services.settings.orders import OrderSettings
from services.settings.payments import PaymentSettings

Pair = tuple[Side | None, Side | None]
"""What the shop says of a payment, and its receipt."""


def pairs(story: Story, orders: OrderSettings, rules: PaymentSettings) -> Mapping[str, Pair]:
    """Every payment of an order by its name."""
    said = {each.name: each for each in _stated(story, orders, rules)} if story.order else {}
    names = sorted(said.keys() | story.receipts.keys())
    return {name: (_of_shop(said.get(name), story), _of_receipt(story.receipts.get(name))) for name in names}


def _stated(story: Story, orders: OrderSettings, rules: PaymentSettings) -> list[Payment]:
    if story.order is None:
        return []
    elsewhere = not story.sales and not is_own_purchase(story.order, orders)
    gone = story.removed or is_void(story.order) or elsewhere
    entered = [each for each in story.entered if entered_by(each, story.order).method in rules.methods]
    notes = tuple(note for note in story.notes.values() if note.refund_id > 0)
    credit = credit_booked(story.order, orders)
    known = Payments(story.order, gone, story.sale, story.receipts, tuple(entered), notes, credit)
    others = {name: each for name, each in story.receipts.items() if name != BY_SHOP}
    return [*known.of_people(), *known.given_back(rules), *_by_shop(replace(known, receipts=others), rules)]


def _by_shop(known: Payments, rules: PaymentSettings) -> list[Payment]:
    """A payment by a method that is not mapped is one all the same: it has no receipt."""
    try:
        return known.of_shop(rules)
    except Unbookable:
        return [_unmapped(known.order, known.total)]


def _unmapped(order: OrderChanged, total: Decimal) -> Payment:
    return Payment(BY_SHOP, local_date(order.paid_at or order.created_at), total, order.payment_method, "")


def _of_shop(payment: Payment | None, story: Story) -> Side | None:
    return Side(payment.amount, story.currency, {}, payment.day) if payment else None


def _of_receipt(receipt: PaymentRecorded | None) -> Side | None:
    return Side(receipt.amount, receipt.currency, {}, receipt.date, receipt.receipt) if receipt else None
