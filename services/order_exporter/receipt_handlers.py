"""What becomes of the payments of an order: receipts, their plans, or a word about what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Literal

from contracts.delivery_ids import receipt_id, sale_id
from contracts.ledger import PaymentPlanned
from contracts.operations import CommandSettled, PaymentReceived
from contracts.order_statuses import is_void
from contracts.reasons import Reason
from services.accounting.documents.push import ANSWER
from services.accounting.documents.trigger import is_own_purchase
from services.accounting.documents.unbookable import Unbookable
from services.engine.clock import local_date
from services.engine.outbox.decision import NOTHING, Decision, Delivery, Refusal
from services.engine.outbox.outcome import Blocked
from services.engine.state.records import State
from services.order_exporter.payments import (
    ENTERED,
    RECEIPT_PLAN,
    Payment,
    Payments,
    entered_payment,
    load_payments,
    method_rules,
)
from services.order_exporter.projection import ORDER, SALE, SERVICE, KnownOrder
from services.order_exporter.receipt_document import receipt_planned, receipt_task
from services.order_exporter.tasks import ReceiptTask
from services.settings import Settings
from services.settings.balance import BalanceSettings
from services.settings.shop import ShopSettings

RECEIPT_LANE = "balance.receipts"


@dataclass(frozen=True, slots=True)
class ReceiptContext:
    """The payments of one order with all that bears on them."""

    payments: Payments
    shop: ShopSettings
    balance: BalanceSettings
    state: State

    @property
    def key(self) -> str:
        """The order."""
        return self.payments.order.key

    def task(self, payment: Payment) -> ReceiptTask | None:
        """The receipt of a payment; None while there is no Sale. Raises `Unbookable` for an unmapped method."""
        method = method_rules(payment.method, self.payments.order, self.shop.payments)
        sale = self.payments.sale
        return receipt_task(payment, self.payments.order, sale, method, self.balance) if sale else None


def decide(settings: Settings, subject: str, state: State) -> Decision:
    """All that is wanted for the payments of an order (`shop:order`) now."""
    shop, known = settings.shops.get(subject.partition(":")[0]), state.get(ORDER, subject)
    if shop is None:
        return NOTHING
    entered = state.find(ENTERED, subject).values()
    answered = state.get_many(ANSWER, (each.command_id for each in entered))
    asked = [each for each in entered if each.command_id not in answered]
    if shop.flows.payments == "off" or known is None:
        return Decision(announce=answer_entries(asked, shop, None, state.now))
    payments = load_payments(known, _is_void(known, shop, state), shop.orders, shop.payments, state)
    case = ReceiptContext(payments, shop, settings.balance, state)
    decision = _wanted(case)
    looked_at = tuple(plan for each in asked if each.dry_run for plan in _look(case, each))
    return replace(
        decision, announce=(*decision.announce, *looked_at, *answer_entries(asked, shop, payments, state.now))
    )


def _is_void(known: KnownOrder, shop: ShopSettings, state: State) -> bool:
    """Whether the shop's own word about a payment counts for nothing: of an order given up, or of one whose payment
    belongs to its parent."""
    if known.removed or is_void(known.order):
        return True
    sold = state.get(SALE, known.order.key) is not None
    return not sold and not is_own_purchase(known.order, shop.orders)


def _wanted(case: ReceiptContext) -> Decision:
    payments, rules = case.payments, case.shop.payments
    found, refused = [*payments.from_people(), *payments.repayments(rules)], tuple[Refusal, ...]()
    try:
        found += payments.from_shop(rules)
    except Unbookable as error:
        refused = (_refusal(case, error),)
    return replace(_open(case, [each for each in found if each.name not in payments.receipts]), refuse=refused)


def _open(case: ReceiptContext, found: Sequence[Payment]) -> Decision:
    """Payments without a receipt: those whose day has come get one, the others when it comes."""
    due = [each for each in found if each.is_due(case.state.now)]
    later = min((each.due_at for each in found if each not in due), default=None)
    if case.shop.flows.payments == "live":
        return Decision(deliveries=tuple(_delivery(case, each) for each in due), again_at=later)
    return Decision(announce=tuple(plan for each in due for plan in _plan(case, each)), again_at=later)


def _delivery(case: ReceiptContext, payment: Payment) -> Delivery:
    id_ = receipt_id(case.key, payment.name)
    task = case.task(payment) if case.payments.is_sold else None
    if task is not None:
        return Delivery(id_, "receipt", RECEIPT_LANE, case.key, task.model_dump(mode="json"))
    return Delivery(id_, "receipt", RECEIPT_LANE, case.key, {"order": case.key}, _blocked(case))


def _blocked(case: ReceiptContext) -> Blocked:
    order = case.payments.order
    return Blocked(
        on=sale_id(case.key),
        reason=Reason.PAYMENT_SALE_MISSING,
        detail=f"order {order.number} of shop {order.shop} was paid and has no Sale in Balance yet, to which its "
        "receipt belongs: settle first what holds the Sale up",
    )


def _plan(case: ReceiptContext, payment: Payment) -> tuple[PaymentPlanned, ...]:
    task = case.task(payment)
    known = case.state.get(RECEIPT_PLAN, f"{case.key}:{payment.name}")
    if task is None or (known is not None and known.sent == task.document):
        return ()
    return (receipt_planned(task, case.state.now),)


def _look(case: ReceiptContext, command: PaymentReceived) -> tuple[PaymentPlanned, ...]:
    """The plan that a dry run of an entry asks for; what cannot be planned is told in its answer."""
    try:
        return _plan(case, entered_payment(command, case.payments.order))
    except Unbookable:
        return ()


def _refusal(case: ReceiptContext, error: Unbookable) -> Refusal:
    delivery = Delivery(receipt_id(case.key), "receipt", RECEIPT_LANE, case.key, {"order": case.key})
    return Refusal(delivery, error.reason, error.detail)


# What a person is told who has entered a payment.

Verdict = tuple[Literal["done", "refused"], str]


def answer_entries(
    asked: Sequence[PaymentReceived], shop: ShopSettings, payments: Payments | None, now: datetime
) -> tuple[CommandSettled, ...]:
    """The answers to these entries. `payments` is None where the order is not known, or the flow is off."""
    return tuple(_answer(each, _verdict(each, shop, payments, now), now) for each in asked)


def _verdict(command: PaymentReceived, shop: ShopSettings, payments: Payments | None, now: datetime) -> Verdict:
    if shop.flows.payments == "off":
        return "refused", f'shops.{command.shop}.flows.payments is "off": no receipt is made'
    if payments is None:
        return (
            "refused",
            f"the order is not known here: davtari push order {command.order_id} --shop {command.shop} reads it",
        )
    if problem := _problem(command, shop, payments):
        return "refused", problem
    return "done", _how_it_goes_on(command, shop, payments, now)


def _problem(command: PaymentReceived, shop: ShopSettings, payments: Payments) -> str:
    """Why there can be no receipt; empty when there can."""
    payment = entered_payment(command, payments.order)
    try:
        method_rules(payment.method, payments.order, shop.payments)
    except Unbookable as error:
        return error.detail
    others = sum((each.amount for each in payments.from_people() if each.name != payment.name), Decimal(0))
    stated = sum((each.amount for name, each in payments.receipts.items() if name == "order"), Decimal(0))
    left = payments.total - others - stated
    fits = payment.name in payments.receipts or payment.amount <= left
    return "" if fits else f"the order comes to {payments.total}, of which {max(left, Decimal(0))} is left to be paid"


def _how_it_goes_on(command: PaymentReceived, shop: ShopSettings, payments: Payments, now: datetime) -> str:
    if entered_payment(command, payments.order).name in payments.receipts:
        return "this payment has its receipt already"
    if command.dry_run or shop.flows.payments == "dry-run":
        return "planned; nothing is written to Balance" if payments.sale else "cannot be planned before its Sale is"
    if not payments.is_sold:
        return "waits: its order has no Sale in Balance yet"
    return "on its way to Balance" if command.date <= local_date(now) else f"its receipt goes on {command.date}"


def _answer(command: PaymentReceived, verdict: Verdict, now: datetime) -> CommandSettled:
    what = f"payment of {command.amount} for order {command.order_id} of shop {command.shop}"
    return CommandSettled(
        command_id=command.command_id,
        service=SERVICE,
        outcome=verdict[0],
        detail=f"{what}: {verdict[1]}",
        settled_at=now,
    )
