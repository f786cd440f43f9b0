"""The payments of one order: those that stand in receipts, and those that need one now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from contracts.ledger import CreditNoteRecorded, PaymentRecorded, SalePlanned, SaleRecorded
from contracts.operations import PaymentReceived
from contracts.shop import OrderChanged
from services.accounting.documents.push import ANSWER
from services.accounting.documents.store_credit import credit_booked
from services.engine.state.records import State
from services.order_exporter.projection import PLAN, SALE, KnownOrder
from services.order_exporter.receipts.payment import BY_SHOP, Payment, entered_by, given_back, of_shop
from services.order_exporter.receipts.projection import CREDITED, ENTERED, RECEIPT
from services.settings.orders import OrderSettings
from services.settings.payments import PaymentSettings


@dataclass(frozen=True, slots=True)
class Payments:
    """An order with its Sale (recorded, or only planned), its receipts by payment, and what people have entered.

    `credit` is what store credit has paid: the Sale holds it as a payment, and no money comes for it.
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
        """Whether the Sale stands in Balance."""
        return isinstance(self.sale, SaleRecorded)

    @property
    def total(self) -> Decimal:
        """What there is to be paid."""
        return self.sale.total - self.credit if self.sale else self.order.total

    def of_people(self) -> list[Payment]:
        """The payments that people have entered, each once, as far as they fit into what is left to be paid."""
        standing = {name: each.amount for name, each in self.receipts.items() if each.amount > 0}
        fitting: dict[str, Payment] = {}
        for command in self.entered:
            payment = entered_by(command, self.order)
            if payment.name not in standing and sum(standing.values(), payment.amount) <= self.total:
                standing[payment.name] = payment.amount
            if payment.name in standing:
                fitting[payment.name] = payment
        return list(fitting.values())

    def of_shop(self, rules: PaymentSettings) -> list[Payment]:
        """The payment that the shop states, if it has no receipt. Raises `Unbookable` for an unmapped method."""
        if BY_SHOP in self.receipts or self.is_void:
            return []
        stated = of_shop(self.order, self.total, self.of_people(), rules)
        return [stated] if stated else []

    def given_back(self, rules: PaymentSettings) -> list[Payment]:
        """What refunds have paid back of money that stands in receipts, where that is wanted."""
        taken = next((each for each in self.receipts.values() if each.amount > 0), None)
        if rules.refunded == "nothing" or rules.since is None or taken is None or taken.method not in rules.methods:
            return []
        late = (note for note in self.notes if note.total and note.date >= rules.since.isoformat())
        return [given_back(note, taken) for note in late]


def payments_of(
    known: KnownOrder, is_void: bool, orders: OrderSettings, rules: PaymentSettings, state: State
) -> Payments:
    """All that is known about the payments of an order; entries by unmapped methods are answered, and no more."""
    key = known.order.key
    entered = [each for each in _accepted(key, state) if entered_by(each, known.order).method in rules.methods]
    return Payments(
        order=known.order,
        is_void=is_void,
        credit=credit_booked(known.order, orders),
        sale=state.get(SALE, key) or state.get(PLAN, key),
        receipts={each.payment: each for each in state.find(RECEIPT, key).values()},
        entered=tuple(sorted(entered, key=lambda each: each.asked_at)),
        notes=tuple(sorted(state.find(CREDITED, key).values(), key=lambda note: note.refund_id)),
    )


def _accepted(order: str, state: State) -> list[PaymentReceived]:
    """The payments that people have entered for an order, without dry runs and refused ones."""
    entered = [each for each in state.find(ENTERED, order).values() if not each.dry_run]
    answers = state.get_many(ANSWER, (each.command_id for each in entered))
    refused = {command for command, answer in answers.items() if answer.outcome == "refused"}
    return [each for each in entered if each.command_id not in refused]
