"""What order-exporter decides about the payments of an order: receipts, their plans, and answers to people."""

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
from services.accounting.documents.payments import Payment, Payments, entered_payment, method_rules
from services.accounting.documents.push import ANSWER
from services.accounting.documents.trigger import is_own_purchase
from services.accounting.documents.unbookable import Unbookable
from services.engine.clock import local_date
from services.engine.outbox.decision import NOTHING, Decision, Delivery, Refusal
from services.engine.outbox.outcome import Blocked
from services.engine.state.records import State
from services.order_exporter.payments import ENTERED, RECEIPT_PLAN, load_payments
from services.order_exporter.projection import ORDER, SALE, SERVICE, KnownOrder
from services.order_exporter.receipt_document import receipt_planned, receipt_task
from services.order_exporter.tasks import ReceiptTask
from services.settings import Settings
from services.settings.balance import BalanceSettings
from services.settings.shop import ShopSettings

RECEIPT_LANE = "balance.receipts"


@dataclass(frozen=True, slots=True)
class ReceiptContext:
    """The payments of one order, and the settings that apply to them."""

    payments: Payments
    shop: ShopSettings
    balance: BalanceSettings
    state: State

    @property
    def key(self) -> str:
        """The order."""
        return self.payments.order.key

    def task(self, payment: Payment) -> ReceiptTask | None:
        """The receipt of a payment; None while there is no Sale. Raises `Unbookable` for a method without a mapping."""
        method = method_rules(payment.method, self.payments.order, self.shop.payments)
        sale = self.payments.sale
        return receipt_task(payment, self.payments.order, sale, method, self.balance) if sale else None


def decide(settings: Settings, subject: str, state: State) -> Decision:
    """Everything the payments of an order (`shop:order`) need now."""
    shop, known = settings.shops.get(subject.partition(":")[0]), state.get(ORDER, subject)
    if shop is None:
        return NOTHING
    entered = state.find(ENTERED, subject).values()
    answered = state.get_many(ANSWER, (each.command_id for each in entered))
    unanswered = [each for each in entered if each.command_id not in answered]
    if shop.flows.payments == "off" or known is None:
        return Decision(announce=answer_entries(unanswered, shop, None, state.now))
    payments = load_payments(known, _is_void(known, shop, state), shop.orders, shop.payments, state)
    context = ReceiptContext(payments, shop, settings.balance, state)
    decision = _decide_receipts(context)
    plans = tuple(plan for each in unanswered if each.dry_run for plan in _plan_entry(context, each))
    return replace(
        decision, announce=(*decision.announce, *plans, *answer_entries(unanswered, shop, payments, state.now))
    )


def _is_void(known: KnownOrder, shop: ShopSettings, state: State) -> bool:
    """Whether the payment that the shop states is ignored: the order was given up, or its parent's Sale is paid."""
    if known.removed or is_void(known.order):
        return True
    sold = state.get(SALE, known.order.key) is not None
    return not sold and not is_own_purchase(known.order, shop.orders)


def _decide_receipts(context: ReceiptContext) -> Decision:
    payments, rules = context.payments, context.shop.payments
    found, refusals = [*payments.from_people(), *payments.repayments(rules)], tuple[Refusal, ...]()
    try:
        found += payments.from_shop(rules)
    except Unbookable as error:
        refusals = (_refusal(context, error),)
    return replace(
        _decide_open(context, [each for each in found if each.name not in payments.receipts]), refuse=refusals
    )


def _decide_open(context: ReceiptContext, found: Sequence[Payment]) -> Decision:
    """Payments without a receipt get one on their day."""
    due = [each for each in found if each.is_due(context.state.now)]
    later = min((each.due_at for each in found if each not in due), default=None)
    if context.shop.flows.payments == "live":
        return Decision(deliveries=tuple(_delivery(context, each) for each in due), again_at=later)
    return Decision(announce=tuple(plan for each in due for plan in _plan(context, each)), again_at=later)


def _delivery(context: ReceiptContext, payment: Payment) -> Delivery:
    id_ = receipt_id(context.key, payment.name)
    task = context.task(payment) if context.payments.is_sold else None
    if task is not None:
        return Delivery(id_, "receipt", RECEIPT_LANE, context.key, task.model_dump(mode="json"))
    return Delivery(id_, "receipt", RECEIPT_LANE, context.key, {"order": context.key}, _blocked(context))


def _blocked(context: ReceiptContext) -> Blocked:
    order = context.payments.order
    return Blocked(
        on=sale_id(context.key),
        reason=Reason.PAYMENT_SALE_MISSING,
        detail=f"order {order.number} of shop {order.shop} was paid but has no Sale in Balance yet, to which its "
        "receipt belongs: resolve first what its Sale waits for",
    )


def _plan(context: ReceiptContext, payment: Payment) -> tuple[PaymentPlanned, ...]:
    task = context.task(payment)
    known = context.state.get(RECEIPT_PLAN, f"{context.key}:{payment.name}")
    if task is None or (known is not None and known.sent == task.document):
        return ()
    return (receipt_planned(task, context.state.now),)


def _plan_entry(context: ReceiptContext, command: PaymentReceived) -> tuple[PaymentPlanned, ...]:
    """The plan for the dry run of an entry; the answer states what cannot be planned."""
    try:
        return _plan(context, entered_payment(command, context.payments.order))
    except Unbookable:
        return ()


def _refusal(context: ReceiptContext, error: Unbookable) -> Refusal:
    delivery = Delivery(receipt_id(context.key), "receipt", RECEIPT_LANE, context.key, {"order": context.key})
    return Refusal(delivery, error.reason, error.detail)


Verdict = tuple[Literal["done", "refused"], str]


def answer_entries(
    entries: Sequence[PaymentReceived], shop: ShopSettings, payments: Payments | None, now: datetime
) -> tuple[CommandSettled, ...]:
    """The answers to entered payments. `payments` is None if the order is not known, or the flow is off."""
    return tuple(_answer(each, _verdict(each, shop, payments, now), now) for each in entries)


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
    return "done", _next_step(command, shop, payments, now)


def _problem(command: PaymentReceived, shop: ShopSettings, payments: Payments) -> str:
    """Why there can be no receipt; empty if there can."""
    payment = entered_payment(command, payments.order)
    try:
        method_rules(payment.method, payments.order, shop.payments)
    except Unbookable as error:
        return error.detail
    others = sum((each.amount for each in payments.from_people() if each.name != payment.name), Decimal(0))
    stated = sum((each.amount for name, each in payments.receipts.items() if name == "order"), Decimal(0))
    left = payments.total - others - stated
    fits = payment.name in payments.receipts or payment.amount <= left
    return "" if fits else f"the order's total is {payments.total}, of which {max(left, Decimal(0))} is left to be paid"


def _next_step(command: PaymentReceived, shop: ShopSettings, payments: Payments, now: datetime) -> str:
    if entered_payment(command, payments.order).name in payments.receipts:
        return "this payment has its receipt already"
    if command.dry_run or shop.flows.payments == "dry-run":
        return "planned; nothing is written to Balance" if payments.sale else "its Sale has to be planned first"
    if not payments.is_sold:
        return "waits: its order has no Sale in Balance yet"
    return (
        "on its way to Balance" if command.date <= local_date(now) else f"its receipt will be written on {command.date}"
    )


def _answer(command: PaymentReceived, verdict: Verdict, now: datetime) -> CommandSettled:
    what = f"payment of {command.amount} for order {command.order_id} of shop {command.shop}"
    return CommandSettled(
        command_id=command.command_id,
        service=SERVICE,
        outcome=verdict[0],
        detail=f"{what}: {verdict[1]}",
        settled_at=now,
    )
