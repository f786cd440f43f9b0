"""What the tests of receipts share: settings, a sold order, a payment that a person enters, the task of a decision."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from contracts.ledger import PaymentRecorded
from contracts.operations import PaymentReceived
from contracts.shop import OrderChanged
from services.engine.outbox.decision import Decision, Delivery
from services.order_exporter.receipt_document import payment_content
from services.order_exporter.tasks import ReceiptTask
from services.settings.model import Settings
from tests.order_exporter.export_bench import bought, consumer
from tests.support.exporting import ORDER, PAID, SHOP, link, recorded_sale, settings
from tests.support.memory_state import Consumer

BANK = {"type": "card", "account": "1210"}
BY_BANK = {"since": "2026-03-01", "methods": {"bog": BANK}}
USING = settings(receipts=BY_BANK)
NIGHT = "2026-03-02"
"""The day of the payment in Tbilisi: it was paid half past one at night."""


def using(**payments: Any) -> Settings:
    """Receipts by bank, and other settings of payments."""
    return settings(receipts=BY_BANK | payments)


def by(**method: Any) -> Settings:
    """Receipts of one method with these rules."""
    return using(methods={"bog": BANK | method})


def sold(order: OrderChanged | None = None, rules: Settings = USING, at: datetime | None = None) -> Consumer:
    """The exporter after an order whose Sale is recorded."""
    order = order or bought()
    service = consumer(rules)
    service.state.now = at or service.state.now
    service.take(link(311), order)
    service.take(recorded_sale(order, rules))
    return service


def entered(amount: str = "20.00", **fields: Any) -> PaymentReceived:
    """A payment that a person enters."""
    given = {
        "command_id": "pay-1",
        "asked_by": "accountant",
        "asked_at": PAID,
        "shop": SHOP,
        "order_id": ORDER,
        "date": NIGHT,
        "amount": Decimal(amount),
    }
    return PaymentReceived.model_validate(given | fields)


def receipts(decision: Decision) -> list[Delivery]:
    """The deliveries of receipts."""
    return [each for each in decision.deliveries if each.kind == "receipt"]


def receipt(decision: Decision) -> ReceiptTask:
    """The only receipt, which waits for nothing."""
    [delivery] = receipts(decision)
    assert delivery.blocked is None
    return ReceiptTask.model_validate(delivery.payload)


def recorded(task: ReceiptTask) -> PaymentRecorded:
    """The receipt in Balance after it was written."""
    return PaymentRecorded(**payment_content(task), how="written", number="0000003", recorded_at=PAID)
