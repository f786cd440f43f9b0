"""What was paid for an order, when the money arrived, and what gateway or bank have kept of it (claims S0.13, I12)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from contracts.ledger import CreditNoteRecorded, PaymentRecorded
from contracts.money import to_tetri
from contracts.operations import PaymentReceived
from contracts.reasons import Reason
from contracts.shop import OrderChanged
from services.accounting.documents.digest import digest_of
from services.accounting.documents.unbookable import Unbookable
from services.accounting.documents.written import amount
from services.engine.clock import TBILISI, local_date
from services.settings.payments import PaymentMethod, PaymentSettings

BY_SHOP = "order"
"""The name of the payment that the shop itself states; others come from people and from refunds."""
HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment of an order. `day` is when the money is there (Tbilisi); a negative amount was given back."""

    name: str
    day: str
    amount: Decimal
    method: str
    reference: str

    def is_due(self, now: datetime) -> bool:
        """Whether its day has come."""
        return self.day <= local_date(now)

    @property
    def due_at(self) -> datetime:
        """The beginning of its day."""
        return datetime.combine(date.fromisoformat(self.day), time(), TBILISI)


def of_shop(order: OrderChanged, total: Decimal, entered: Iterable[Payment], rules: PaymentSettings) -> Payment | None:
    """The payment that the shop states, less what people have entered; None when nothing was paid, or not this way.

    Raises `Unbookable` when the shop's payment method is not mapped.
    """
    if order.paid_at is None or (left := total - sum((each.amount for each in entered), Decimal(0))) <= 0:
        return None
    if rules.since is None or local_date(order.paid_at) < rules.since.isoformat():
        return None
    method = mapped(order.payment_method, order, rules)
    moment = {"paid": order.paid_at, "completed": order.completed_at}.get(method.settled)
    if moment is None:
        return None
    day = date.fromisoformat(local_date(moment)) + timedelta(days=method.after_days)
    return Payment(BY_SHOP, day.isoformat(), left, order.payment_method, reference_of(order))


def entered_by(command: PaymentReceived, order: OrderChanged) -> Payment:
    """The payment that a person has entered; the same entry has the same name."""
    method = command.method or order.payment_method
    name = digest_of([command.date, amount(command.amount), method, command.reference])[:12]
    return Payment(name, command.date, command.amount, method, command.reference or reference_of(order))


def given_back(note: CreditNoteRecorded, taken: PaymentRecorded) -> Payment:
    """What a refund has paid back the way in which the money had come."""
    return Payment(f"refund-{note.refund_id}", note.date, -note.total, taken.method, taken.reference)


def mapped(method: str, order: OrderChanged, rules: PaymentSettings) -> PaymentMethod:
    """The rules of a payment method. Raises `Unbookable` naming the setting when there are none."""
    found = rules.methods.get(method)
    if found is None:
        raise Unbookable(
            Reason.PAYMENT_METHOD_NOT_MAPPED,
            f"order {order.number} of shop {order.shop} was paid by {method or 'no named method'}: write "
            f"[shops.{order.shop}.payments.methods.{method or '…'}] with the account where that money arrives, or "
            'settled = "never" if others book it',
        )
    return found


def fee_of(payment: Payment, method: PaymentMethod) -> Decimal:
    """What gateway or bank keep, in whole tetri, never more than the amount; nothing of what is given back."""
    if payment.amount <= 0:
        return Decimal(0)
    return min(to_tetri(payment.amount * method.fee_percent / HUNDRED + method.fee_fixed), payment.amount)


def reference_of(order: OrderChanged) -> str:
    """What gateway and bank call the payment: WooCommerce's transaction id, and the custom fields that are read."""
    return " / ".join(dict.fromkeys(text for text in (order.transaction_id, *order.payment_references) if text))
