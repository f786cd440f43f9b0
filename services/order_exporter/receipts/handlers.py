"""What becomes of the payments of an order: receipts, their plans, or a word about what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from contracts.delivery_ids import receipt_id, sale_id
from contracts.ledger import PaymentPlanned
from contracts.operations import PaymentReceived
from contracts.order_statuses import is_void
from contracts.reasons import Reason
from services.accounting.documents.push import ANSWER
from services.accounting.documents.relations import is_own_purchase
from services.accounting.documents.unbookable import Unbookable
from services.engine.outbox.decision import NOTHING, Decision, Delivery, Refusal
from services.engine.outbox.outcome import Blocked
from services.engine.state.records import State
from services.order_exporter.projection import ORDER, SALE, KnownOrder
from services.order_exporter.receipts.announce import planned
from services.order_exporter.receipts.answers import owed
from services.order_exporter.receipts.document import receipt_task
from services.order_exporter.receipts.ledger import Payments, payments_of
from services.order_exporter.receipts.payment import Payment, entered_by, mapped
from services.order_exporter.receipts.projection import ENTERED, RECEIPT_PLAN
from services.order_exporter.receipts.tasks import ReceiptTask
from services.settings import Settings
from services.settings.balance import BalanceSettings
from services.settings.shop import ShopSettings

RECEIPT_LANE = "balance.receipts"


@dataclass(frozen=True, slots=True)
class Case:
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
        method = mapped(payment.method, self.payments.order, self.shop.payments)
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
        return Decision(announce=owed(asked, shop, None, state.now))
    payments = payments_of(known, _is_void(known, shop, state), shop.orders, shop.payments, state)
    case = Case(payments, shop, settings.balance, state)
    decision = _wanted(case)
    looked_at = tuple(plan for each in asked if each.dry_run for plan in _look(case, each))
    return replace(decision, announce=(*decision.announce, *looked_at, *owed(asked, shop, payments, state.now)))


def _is_void(known: KnownOrder, shop: ShopSettings, state: State) -> bool:
    """Whether the shop's own word about a payment counts for nothing: of an order given up, or of one whose payment
    belongs to its parent."""
    if known.removed or is_void(known.order):
        return True
    sold = state.get(SALE, known.order.key) is not None
    return not sold and not is_own_purchase(known.order, shop.orders)


def _wanted(case: Case) -> Decision:
    payments, rules = case.payments, case.shop.payments
    found, refused = [*payments.of_people(), *payments.given_back(rules)], tuple[Refusal, ...]()
    try:
        found += payments.of_shop(rules)
    except Unbookable as error:
        refused = (_refusal(case, error),)
    return replace(_open(case, [each for each in found if each.name not in payments.receipts]), refuse=refused)


def _open(case: Case, found: Sequence[Payment]) -> Decision:
    """Payments without a receipt: those whose day has come get one, the others when it comes."""
    due = [each for each in found if each.is_due(case.state.now)]
    later = min((each.due_at for each in found if each not in due), default=None)
    if case.shop.flows.payments == "live":
        return Decision(deliveries=tuple(_delivery(case, each) for each in due), again_at=later)
    return Decision(announce=tuple(plan for each in due for plan in _plan(case, each)), again_at=later)


def _delivery(case: Case, payment: Payment) -> Delivery:
    id_ = receipt_id(case.key, payment.name)
    task = case.task(payment) if case.payments.is_sold else None
    if task is not None:
        return Delivery(id_, "receipt", RECEIPT_LANE, case.key, task.model_dump(mode="json"))
    return Delivery(id_, "receipt", RECEIPT_LANE, case.key, {"order": case.key}, _blocked(case))


def _blocked(case: Case) -> Blocked:
    order = case.payments.order
    return Blocked(
        on=sale_id(case.key),
        reason=Reason.PAYMENT_SALE_MISSING,
        detail=f"order {order.number} of shop {order.shop} was paid and has no Sale in Balance yet, to which its "
        "receipt belongs: settle first what holds the Sale up",
    )


def _plan(case: Case, payment: Payment) -> tuple[PaymentPlanned, ...]:
    task = case.task(payment)
    known = case.state.get(RECEIPT_PLAN, f"{case.key}:{payment.name}")
    if task is None or (known is not None and known.sent == task.document):
        return ()
    return (planned(task, case.state.now),)


def _look(case: Case, command: PaymentReceived) -> tuple[PaymentPlanned, ...]:
    """The plan that a dry run of an entry asks for; what cannot be planned is told in its answer."""
    try:
        return _plan(case, entered_by(command, case.payments.order))
    except Unbookable:
        return ()


def _refusal(case: Case, error: Unbookable) -> Refusal:
    delivery = Delivery(receipt_id(case.key), "receipt", RECEIPT_LANE, case.key, {"order": case.key})
    return Refusal(delivery, error.reason, error.detail)
