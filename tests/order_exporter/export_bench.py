"""What the tests of order-exporter's decisions share: a consumer, an order, a client, and the task of a decision."""

from __future__ import annotations

from typing import Any

from contracts.ledger import ClientRecorded
from contracts.shop import OrderChanged
from services.accounting.documents.ids import client_uid
from services.engine.outbox.decision import Decision
from services.order_exporter.handlers import handlers
from services.order_exporter.tasks import SaleTask
from services.settings.model import Settings
from tests.support.exporting import (
    ORDER,
    PAID,
    PERSONAL_ID,
    SHOP,
    buyer,
    line,
    order,
    settings,
)
from tests.support.memory_state import Consumer

IDENTITY = client_uid(PERSONAL_ID)
CLIENT = "77777777-0000-4000-8000-000000000001"


def consumer(using: Settings | None = None) -> Consumer:
    return Consumer(handlers(using or settings()))


def bought(**fields: Any) -> OrderChanged:
    return order(line(1, "20.00", quantity="2"), **fields)


def person(**fields: Any) -> dict[str, Any]:
    return {"person": buyer(personal_id=PERSONAL_ID), **fields}


def client_recorded(**fields: Any) -> ClientRecorded:
    given = {"shop": SHOP, "order_id": ORDER, "person_ref": "p-1", "client": CLIENT, "identity": IDENTITY}
    return ClientRecorded.model_validate(given | {"how": "found", "recorded_at": PAID} | fields)


def task_of(decision: Decision) -> SaleTask:
    [delivery] = [each for each in decision.deliveries if each.kind == "sale"]
    assert delivery.blocked is None
    return SaleTask.model_validate(delivery.payload)
