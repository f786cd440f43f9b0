"""The models of the services' payloads: what an edited delivery must fit before it is sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from contracts.validation import problem
from services.catalog_importer.payload import PLAN, WRITE, ProductPayload
from services.cli.command import InvalidArgument
from services.order_exporter.receipts.tasks import ReceiptTask
from services.order_exporter.sales_orders.reserving import KIND as SALES_ORDER
from services.order_exporter.tasks import ClientTask, ContactTask, SalesOrderTask, SaleTask
from services.order_notifier.tasks import NoteTask, StatusTask
from services.refund_exporter.tasks import CreditNoteTask
from services.stock_publisher.decide import KIND as STOCK_WRITE
from services.stock_publisher.stock_write import StockWrite
from services.store_feed.handlers import READ
from services.store_feed.looks import Wanted

MODELS: Mapping[str, type[BaseModel]] = {
    "sale": SaleTask,
    "client": ClientTask,
    "contacts": ContactTask,
    "credit-note": CreditNoteTask,
    "receipt": ReceiptTask,
    SALES_ORDER: SalesOrderTask,
    "note": NoteTask,
    "status": StatusTask,
    WRITE: ProductPayload,
    PLAN: ProductPayload,
    STOCK_WRITE: StockWrite,
    READ: Wanted,
}
"""By the kind of the delivery."""


def validated(kind: str, payload: dict[str, Any]) -> dict[str, Any]:
    """The payload as its model understands it. Raises `WrongUse` with every fault."""
    model = MODELS.get(kind)
    if model is None:
        raise InvalidArgument(f"deliveries of the kind {kind!r} cannot be edited with this version")
    try:
        return model.model_validate(payload).model_dump(mode="json")
    except ValidationError as error:
        raise InvalidArgument(f"the payload does not fit: {'; '.join(faults(error))}") from None


def faults(error: ValidationError) -> list[str]:
    """Each fault with the place where it stands, without the value: it may name somebody."""
    return [f"/{'/'.join(map(str, one['loc']))} {problem(one)}" for one in error.errors()]
