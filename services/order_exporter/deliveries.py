"""The effects of the lanes for documents: writing Sales, sales orders and payment receipts to Balance."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any, Protocol

from contracts.ledger import PaymentRecorded, RecordedLine, SaleRecorded
from contracts.placement import SalePostponed
from contracts.reasons import Reason
from services.accounting.documents.booking import (
    BookedDocument,
    DocumentRegister,
    DocumentWrite,
    merge_lines,
    select_part,
    sum_totals,
    sum_vat,
    to_recorded_parts,
    write_document,
    write_documents,
)
from services.accounting.documents.comparison import DocumentIntent
from services.connectors.balance.documents import StoredDocument
from services.engine.offload import LINE, run_by_size
from services.engine.outbox.lane import Deliver, Row, deliver_each
from services.engine.outbox.outcome import Done, Outcome, Refused
from services.engine.outbox.upstream_errors import UpstreamError, outcome_of
from services.order_exporter.announcements import sale_content
from services.order_exporter.client_delivery import Clients, deliver_clients
from services.order_exporter.handlers import CLIENT_LANE, SALE_LANE
from services.order_exporter.receipt_document import payment_content
from services.order_exporter.receipt_handlers import RECEIPT_LANE
from services.order_exporter.sales_order_delivery import SalesOrders, deliver_sales_order, sales_order_register
from services.order_exporter.sales_orders import SALES_ORDER
from services.order_exporter.tasks import ReceiptTask, SaleTask
from services.settings.balance import Dialect


class Receipts(Protocol):
    """The receipts of a Balance company; `resource` is the name of their kind."""

    async def receipt(self, resource: str, uid: str) -> Mapping[str, Any] | None:
        """The receipt with this uid, or None."""

    async def put_receipt(self, resource: str, document: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Create or replace a receipt; returns the echo, if there is one."""


def deliver_receipts(balance: Receipts, dialect: Dialect, clock: Callable[[], datetime]) -> Deliver:
    """The effect of the lane `balance.receipts`."""

    async def deliver(rows: Sequence[Row]) -> Sequence[Outcome]:
        return await asyncio.gather(*(_deliver_receipt(row, balance, dialect, clock) for row in rows))

    return deliver


async def _deliver_receipt(row: Row, balance: Receipts, dialect: Dialect, clock: Callable[[], datetime]) -> Outcome:
    task = ReceiptTask.model_validate(row.payload)
    read, write = partial(balance.receipt, task.resource), partial(balance.put_receipt, task.resource)
    outcome = await write_document(_receipt_document(task), row, DocumentRegister(read, write, task.resource, dialect))
    return Done((_receipt_recorded(task, outcome, row, clock()),)) if isinstance(outcome, BookedDocument) else outcome


def _receipt_document(task: ReceiptTask) -> DocumentWrite:
    intent = DocumentIntent(task.client, None, task.amount, Decimal(0), lines=(), quantities=(), base=task.sale)
    title = f"the receipt over {task.amount} {task.currency} of order {task.order_id} of shop {task.shop}"
    return DocumentWrite(task.receipt, title, task.document, intent, Reason.PAYMENT_NOT_AS_MEANT)


def _receipt_recorded(task: ReceiptTask, booked: BookedDocument, row: Row, now: datetime) -> PaymentRecorded:
    found = {
        "receipt": booked.stored.uid,
        "amount": booked.stored.total,
        "number": booked.stored.number,
        "how": booked.how,
        "differences": booked.differences,
    }
    return PaymentRecorded(**payment_content(task) | found, recorded_at=now, attempts=row.attempts)


class Sales(Protocol):
    """The Sales of a Balance company."""

    async def sale(self, uid: str) -> Mapping[str, Any] | None:
        """The Sale with this uid, or None."""

    async def put_sale(self, document: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Create or replace a Sale; returns the echo, if there is one."""


def sales_of(balance: Sales, dialect: Dialect) -> DocumentRegister:
    """How Sales are read and written."""
    return DocumentRegister(balance.sale, balance.put_sale, dialect.sale_resource, dialect)


async def deliver_sale(row: Row, register: DocumentRegister, clock: Callable[[], datetime]) -> Outcome:
    """The effect of a row: one document per PUT (Balance fact 8)."""
    size = len(row.payload.get("lines", ())) * LINE
    task = await run_by_size(partial(SaleTask.model_validate, row.payload), size)
    outcome = await write_documents(_sale_documents(task), row, register)
    if isinstance(outcome, list):
        return Done((await run_by_size(partial(_sale_recorded, task, outcome, row, clock()), size),))
    if isinstance(outcome, Refused) and outcome.reason == Reason.BALANCE_STOCK_SHORT:
        return await _postpone(task, outcome.detail, row, register, clock)
    return outcome


async def _postpone(
    task: SaleTask, detail: str, row: Row, register: DocumentRegister, clock: Callable[[], datetime]
) -> Outcome:
    """Balance lacks the goods: apply the shop's policy (claim S3.39)."""
    if task.short_stock == "park":
        return Refused(Reason.BALANCE_STOCK_SHORT, detail)
    unposted = task.short_stock == "unposted"
    try:
        for json in [part.sent for part in task.parts] or [task.document] if unposted else []:
            await register.put(_with_person(task, json) | {str(register.dialect.posted_field): False})
    except UpstreamError as error:
        return outcome_of(error)
    return Done((_sale_postponed(task, detail, unposted, row, clock()),))


def _sale_postponed(task: SaleTask, detail: str, unposted: bool, row: Row, now: datetime) -> SalePostponed:
    return SalePostponed(
        shop=task.shop,
        order_id=task.order_id,
        warehouse=task.document["Warehouse"],
        pieces=task.pieces,
        content_digest=task.content_digest,
        sale=task.sale,
        detail=detail,
        unposted=unposted,
        postponed_at=now,
        attempts=row.attempts,
    )


def _with_person(task: SaleTask, json: dict[str, Any]) -> dict[str, Any]:
    """A document as it is sent, with the fields that contain personal data."""
    return json | (task.person or {})


def _sale_documents(task: SaleTask) -> list[DocumentWrite]:
    """One document, or one for each warehouse."""
    title = f"the Sale of order {task.document['PrimaryDocument']} of shop {task.shop}"
    if not task.parts:
        return [_sale_document(task, title, task.document, task.lines)]
    return [
        _sale_document(task, f"{title} ({number} of {len(task.parts)})", part.sent, select_part(part, task.lines))
        for number, part in enumerate(task.parts, start=1)
    ]


def _sale_document(task: SaleTask, title: str, json: dict[str, Any], lines: tuple[RecordedLine, ...]) -> DocumentWrite:
    intent = DocumentIntent(
        client=task.client,
        warehouse=json["Warehouse"],
        total=sum((line.amount for line in lines), Decimal(0)),
        vat=sum((line.vat for line in lines), Decimal(0)),
        lines=lines,
        quantities=tuple(line.quantity for line in lines),
    )
    mismatch, whole = Reason.SALE_NOT_AS_MEANT, _with_person(task, json)
    return DocumentWrite(json["uid"], title, whole, intent, mismatch, again=task.again, strict=bool(task.parts))


def _sale_recorded(task: SaleTask, booked: Sequence[BookedDocument], row: Row, now: datetime) -> SaleRecorded:
    first, vat = booked[0].stored, sum_vat(booked)
    found = {
        "sale": first.uid,
        "client": first.client or task.client,
        "total": sum_totals(booked),
        "vat": task.vat if vat is None else vat,
        "lines": merge_lines(task.parts, booked, task.lines) if task.parts else booked[0].comparison.lines,
        "parts": to_recorded_parts(task.parts, booked) if task.parts else (),
        "number": first.number,
        "waybill": next((one.stored.waybill for one in booked if one.stored.waybill), None),
        "how": booked[0].how,
        "posted": task.posted and all(one.stored.posted is not False for one in booked),
        "differences": (*task.notes, *_differences(booked), *_uid_difference(task, first)),
        **_rate(task, first),
    }
    return SaleRecorded(**sale_content(task) | found, recorded_at=now, attempts=row.attempts)


def _rate(task: SaleTask, stored: StoredDocument) -> dict[str, Any]:
    """The exchange rate in Balance, and who stated it (claim K23)."""
    if "Currency" not in task.document or stored.rate is None:
        return {}
    return {"currency_rate": stored.rate, "rate_source": "setting" if stored.rate == task.currency_rate else "balance"}


def _differences(booked: Sequence[BookedDocument]) -> tuple[str, ...]:
    return tuple(difference for one in booked for difference in one.differences)


def _uid_difference(task: SaleTask, stored: StoredDocument) -> tuple[str, ...]:
    """Balance may assign its own uid (Balance fact 48)."""
    return () if stored.uid == task.sale else (f"uid: Balance assigned {stored.uid} instead of {task.sale}",)


class ExporterBalance(Clients, Sales, SalesOrders, Receipts, Protocol):
    """What order-exporter needs from Balance."""


def deliveries(balance: ExporterBalance, dialect: Dialect, clock: Callable[[], datetime]) -> Mapping[str, Deliver]:
    """The effect of each lane, by its name."""
    return {
        CLIENT_LANE: deliver_clients(balance, clock),
        SALE_LANE: _deliver_documents(balance, dialect, clock),
        RECEIPT_LANE: deliver_receipts(balance, dialect, clock),
    }


def _deliver_documents(balance: ExporterBalance, dialect: Dialect, clock: Callable[[], datetime]) -> Deliver:
    """Sales and sales orders share a lane, so that those of an order are written in sequence."""
    sales, register = sales_of(balance, dialect), sales_order_register(balance, dialect)

    async def deliver(row: Row) -> Outcome:
        if row.kind == SALES_ORDER:
            return await deliver_sales_order(row, register, clock)
        return await deliver_sale(row, sales, clock)

    return deliver_each(deliver)
