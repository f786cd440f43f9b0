"""The payments of an order: what was paid, when the money arrived, and which fee was kept (claims S0.13, I12)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from contracts.json_text import digest_of
from contracts.ledger import CreditNoteRecorded, PaymentRecorded, SalePlanned, SaleRecorded
from contracts.money import to_tetri
from contracts.operations import PaymentReceived
from contracts.reasons import Reason
from contracts.shop import OrderChanged
from services.accounting.documents.figures import amount
from services.accounting.documents.unbookable import Unbookable
from services.engine.clock import TBILISI, local_date
from services.settings.orders import PaymentMethod, PaymentSettings

BY_SHOP = "order"
"""The name of the payment that the shop states; others come from people and from refunds."""
HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment of an order. `day` is the day when the money arrives (Tbilisi); a negative amount was paid back."""

    name: str
    day: str
    amount: Decimal
    method: str
    reference: str

    def is_due(self, now: datetime) -> bool:
        """Whether its day has been reached."""
        return self.day <= local_date(now)

    @property
    def due_at(self) -> datetime:
        """The start of its day."""
        return datetime.combine(date.fromisoformat(self.day), time(), TBILISI)


def shop_payment(
    order: OrderChanged, total: Decimal, entered: Iterable[Payment], rules: PaymentSettings
) -> Payment | None:
    """The payment that the shop states, less what people entered; None if nothing was paid, or no receipt is wanted.

    Raises `Unbookable` if the shop's payment method has no mapping.
    """
    if order.paid_at is None or (left := total - sum((each.amount for each in entered), Decimal(0))) <= 0:
        return None
    if rules.since is None or local_date(order.paid_at) < rules.since.isoformat():
        return None
    method = method_rules(order.payment_method, order, rules)
    moment = {"paid": order.paid_at, "completed": order.completed_at}.get(method.settled)
    if moment is None:
        return None
    day = date.fromisoformat(local_date(moment)) + timedelta(days=method.after_days)
    return Payment(BY_SHOP, day.isoformat(), left, order.payment_method, reference_of(order))


def entered_payment(command: PaymentReceived, order: OrderChanged) -> Payment:
    """The payment that a person entered; the same entry always has the same name."""
    method = command.method or order.payment_method
    name = digest_of([command.date, amount(command.amount), method, command.reference])[:12]
    return Payment(name, command.date, command.amount, method, command.reference or reference_of(order))


def repayment(note: CreditNoteRecorded, taken: PaymentRecorded) -> Payment:
    """What a refund paid back, by the method of the original payment."""
    return Payment(f"refund-{note.refund_id}", note.date, -note.total, taken.method, taken.reference)


def method_rules(method: str, order: OrderChanged, rules: PaymentSettings) -> PaymentMethod:
    """The settings of a payment method. Raises `Unbookable` with the missing setting."""
    found = rules.methods.get(method)
    if found is None:
        raise Unbookable(
            Reason.PAYMENT_METHOD_NOT_MAPPED,
            f"order {order.number} of shop {order.shop} was paid by {method or 'an unnamed method'}: set "
            f"[shops.{order.shop}.payments.methods.{method or '…'}] with the account where that money arrives, or "
            'settled = "never" if it is booked elsewhere',
        )
    return found


def fee_of(payment: Payment, method: PaymentMethod) -> Decimal:
    """The fee that gateway or bank keep, in whole tetri, at most the amount; 0 for repayments."""
    if payment.amount <= 0:
        return Decimal(0)
    return min(to_tetri(payment.amount * method.fee_percent / HUNDRED + method.fee_fixed), payment.amount)


def reference_of(order: OrderChanged) -> str:
    """How gateway and bank refer to the payment: WooCommerce's transaction id, and the configured custom fields."""
    return " / ".join(dict.fromkeys(text for text in (order.transaction_id, *order.payment_references) if text))


@dataclass(frozen=True, slots=True)
class Payments:
    """An order with its Sale (recorded or planned), its receipts by payment, and the payments that people entered.

    `credit` was paid by store credit: it is a payment in the Sale, and has no receipt.
    """

    order: OrderChanged
    is_void: bool
    sale: SaleRecorded | SalePlanned | None
    receipts: Mapping[str, PaymentRecorded]
    entered: tuple[PaymentReceived, ...]
    notes: tuple[CreditNoteRecorded, ...]
    credit: Decimal = Decimal(0)

    @property
    def is_sold(self) -> bool:
        """Whether the Sale is recorded in Balance."""
        return isinstance(self.sale, SaleRecorded)

    @property
    def total(self) -> Decimal:
        """The amount to be paid."""
        return self.sale.total - self.credit if self.sale else self.order.total

    def from_people(self) -> list[Payment]:
        """The payments that people entered, each once, as long as they do not exceed the amount to be paid."""
        amounts = {name: each.amount for name, each in self.receipts.items() if each.amount > 0}
        accepted: dict[str, Payment] = {}
        for command in self.entered:
            payment = entered_payment(command, self.order)
            if payment.name not in amounts and sum(amounts.values(), payment.amount) <= self.total:
                amounts[payment.name] = payment.amount
            if payment.name in amounts:
                accepted[payment.name] = payment
        return list(accepted.values())

    def from_shop(self, rules: PaymentSettings) -> list[Payment]:
        """The payment that the shop states, if it has no receipt. Raises `Unbookable` if its method has no mapping."""
        if BY_SHOP in self.receipts or self.is_void:
            return []
        stated = shop_payment(self.order, self.total, self.from_people(), rules)
        return [stated] if stated else []

    def repayments(self, rules: PaymentSettings) -> list[Payment]:
        """What refunds paid back of money with a receipt, if the settings book that."""
        taken = next((each for each in self.receipts.values() if each.amount > 0), None)
        if rules.refunded == "nothing" or rules.since is None or taken is None or taken.method not in rules.methods:
            return []
        notes = (note for note in self.notes if note.total and note.date >= rules.since.isoformat())
        return [repayment(note, taken) for note in notes]
