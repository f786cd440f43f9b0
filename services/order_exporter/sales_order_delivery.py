"""Writing a sales order to Balance, and removing its reserve."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

from contracts.placement import Pieces
from contracts.reasons import Reason
from contracts.sales_orders import SalesOrderEnded, SalesOrderRecorded
from services.accounting.documents.booking import BookedDocument, DocumentRegister, DocumentWrite, write_document
from services.accounting.documents.comparison import DocumentIntent
from services.connectors.balance.documents import StoredDocument
from services.connectors.balance.fields import RowInvalid
from services.engine.outbox.lane import Row
from services.engine.outbox.outcome import Done, Outcome, Refused
from services.engine.outbox.upstream_errors import UpstreamError, outcome_of
from services.order_exporter.sales_orders import event_content
from services.order_exporter.tasks import SalesOrderTask
from services.settings.balance import Dialect


class SalesOrders(Protocol):
    """The sales orders of a Balance company."""

    async def sales_order(self, uid: str) -> Mapping[str, Any] | None:
        """The sales order with this uid, or None."""

    async def put_sales_order(self, document: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Create or replace a sales order; returns the echo, if there is one."""


def sales_order_register(balance: SalesOrders, dialect: Dialect) -> DocumentRegister:
    """How sales orders are read and written."""
    return DocumentRegister(balance.sales_order, balance.put_sales_order, dialect.sales_order_resource, dialect)


async def deliver_sales_order(row: Row, register: DocumentRegister, clock: Callable[[], datetime]) -> Outcome:
    """Write the sales order, or remove its reserve. It is read first: without a reserve it is not written again."""
    task = SalesOrderTask.model_validate(row.payload)
    if task.ends is not None:
        return await _remove_reserve(task, row, register, clock)
    outcome = await write_document(_document(task), row, register)
    return (
        Done((_sales_order_recorded(task, outcome, row, clock()),)) if isinstance(outcome, BookedDocument) else outcome
    )


def _document(task: SalesOrderTask) -> DocumentWrite:
    intent = DocumentIntent(
        client=task.client,
        warehouse=task.document["Warehouse"],
        total=task.total,
        vat=task.vat,
        lines=task.lines,
        quantities=tuple(line.quantity for line in task.lines),
    )
    title = f"the sales order of order {task.order_id} of shop {task.shop}"
    return DocumentWrite(
        task.sales_order, title, task.document, intent, Reason.SALE_NOT_AS_MEANT, replaces=True, again=True
    )


def _sales_order_recorded(task: SalesOrderTask, booked: BookedDocument, row: Row, now: datetime) -> SalesOrderRecorded:
    reserved = reserved_in(booked.stored)
    return SalesOrderRecorded(
        **event_content(task) | {"sales_order": booked.stored.uid},
        how=booked.how,
        number=booked.stored.number,
        reserved=tuple(Pieces(item=item, quantity=quantity) for item, quantity in reserved.items()),
        differences=(*booked.differences, *_unreserved(task, reserved)),
        recorded_at=now,
        attempts=row.attempts,
    )


def reserved_in(stored: StoredDocument) -> dict[str, Decimal]:
    """The pieces by item that a sales order reserves according to Balance."""
    found: dict[str, Decimal] = defaultdict(Decimal)
    for line in stored.lines:
        if line.item and line.reserve:
            found[line.item] += line.reserve
    return dict(found)


def _unreserved(task: SalesOrderTask, reserved: Mapping[str, Decimal]) -> tuple[str, ...]:
    goods: dict[str, Decimal] = defaultdict(Decimal)
    for line in task.lines:
        if line.kind == "product":
            goods[line.item.lower()] += line.quantity
    asked = any("Reserve" in row for row in task.document["Items"]) or "AutomaticReservation" in task.document
    return tuple(
        f"reserve of {item}: {reserved.get(item, Decimal(0))} instead of {quantity}"
        for item, quantity in goods.items()
        if asked and reserved.get(item) != quantity
    )


async def _remove_reserve(
    task: SalesOrderTask, row: Row, register: DocumentRegister, clock: Callable[[], datetime]
) -> Outcome:
    try:
        stored = await register.stored(task.sales_order)
        if stored is not None and not stored.deleted and any(line.reserve != 0 for line in stored.lines):
            await register.put(task.document)
            stored = await register.stored(task.sales_order)
    except UpstreamError as error:
        return outcome_of(error)
    except RowInvalid as error:
        return Refused(error.reason, error.detail)
    if stored is not None and not stored.deleted and reserved_in(stored):
        return Refused(Reason.SALE_NOT_AS_MEANT, _still_reserving(task, stored))
    return Done((_sales_order_ended(task, row, clock()),))


def _still_reserving(task: SalesOrderTask, stored: StoredDocument) -> str:
    return (
        f"the sales order {stored.number or stored.uid} of order {task.order_id} of shop {task.shop} still reserves "
        "its goods in Balance: remove its reserve there, then replay this"
    )


def _sales_order_ended(task: SalesOrderTask, row: Row, now: datetime) -> SalesOrderEnded:
    why = task.ends or "given-up"
    return SalesOrderEnded(
        shop=task.shop,
        order_id=task.order_id,
        sales_order=task.sales_order,
        why=why,
        ended_at=now,
        attempts=row.attempts,
    )
