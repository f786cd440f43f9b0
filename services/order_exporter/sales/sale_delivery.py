"""Writing a Sale to Balance."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

from contracts.ledger import RecordedLine, SaleRecorded
from contracts.placement import SalePostponed
from contracts.reasons import Reason
from services.accounting.documents.booking import Booked, Document, Register, book_all
from services.accounting.documents.parts import held_by, lines_together, recorded_parts, total_of, vat_of
from services.accounting.documents.read_back import Intent
from services.connectors.balance.documents import StoredDocument
from services.engine.outbox.outcome import Done, Outcome, Refused
from services.engine.outbox.row import Row
from services.engine.outbox.upstream_errors import UpstreamError, outcome_of
from services.order_exporter.announce import sale_content
from services.order_exporter.tasks import SaleTask
from services.settings.balance import Dialect


class Sales(Protocol):
    """The Sales of a Balance."""

    async def sale(self, uid: str) -> Mapping[str, Any] | None:
        """The Sale with this uid, or None."""

    async def put_sale(self, document: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Create or replace a Sale; the echo, if there is one."""


def sales_of(balance: Sales, dialect: Dialect) -> Register:
    """The Sales of a Balance as they are read and written."""
    return Register(balance.sale, balance.put_sale, dialect.sale_resource, dialect)


async def deliver_sale(row: Row, register: Register, clock: Callable[[], datetime]) -> Outcome:
    """The effect of a row: one document per PUT (API unknown U13)."""
    task = SaleTask.model_validate(row.payload)
    outcome = await book_all(_documents(task), row, register)
    if isinstance(outcome, list):
        return Done((_recorded(task, outcome, row, clock()),))
    if isinstance(outcome, Refused) and outcome.reason == Reason.BALANCE_STOCK_SHORT:
        return await _postponed(task, outcome.detail, row, register, clock)
    return outcome


async def _postponed(
    task: SaleTask, detail: str, row: Row, register: Register, clock: Callable[[], datetime]
) -> Outcome:
    """Balance lacks the goods: what the shop's policy says (claim S3.39)."""
    if task.short_stock == "park":
        return Refused(Reason.BALANCE_STOCK_SHORT, detail)
    unposted = task.short_stock == "unposted"
    try:
        for json in [part.sent for part in task.parts] or [task.document] if unposted else []:
            await register.put(_whole(task, json) | {str(register.dialect.posted_field): False})
    except UpstreamError as error:
        return outcome_of(error)
    return Done((_short(task, detail, unposted, row, clock()),))


def _short(task: SaleTask, detail: str, unposted: bool, row: Row, now: datetime) -> SalePostponed:
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


def _whole(task: SaleTask, json: dict[str, Any]) -> dict[str, Any]:
    """A document as it is sent: with what names or locates somebody."""
    return json | (task.person or {})


def _documents(task: SaleTask) -> list[Document]:
    """One, or one for each warehouse."""
    title = f"the Sale of order {task.document['PrimaryDocument']} of shop {task.shop}"
    if not task.parts:
        return [_document(task, title, task.document, task.lines)]
    return [
        _document(task, f"{title} ({number} of {len(task.parts)})", part.sent, held_by(part, task.lines))
        for number, part in enumerate(task.parts, start=1)
    ]


def _document(task: SaleTask, title: str, json: dict[str, Any], lines: tuple[RecordedLine, ...]) -> Document:
    intent = Intent(
        client=task.client,
        warehouse=json["Warehouse"],
        total=sum((line.amount for line in lines), Decimal(0)),
        vat=sum((line.vat for line in lines), Decimal(0)),
        lines=lines,
        quantities=tuple(line.quantity for line in lines),
    )
    mismatch, whole = Reason.SALE_NOT_AS_MEANT, _whole(task, json)
    return Document(json["uid"], title, whole, intent, mismatch, again=task.again, strict=bool(task.parts))


def _recorded(task: SaleTask, booked: Sequence[Booked], row: Row, now: datetime) -> SaleRecorded:
    first, vat = booked[0].stored, vat_of(booked)
    found = {
        "sale": first.uid,
        "client": first.client or task.client,
        "total": total_of(booked),
        "vat": task.vat if vat is None else vat,
        "lines": lines_together(task.parts, booked, task.lines) if task.parts else booked[0].comparison.lines,
        "parts": recorded_parts(task.parts, booked) if task.parts else (),
        "number": first.number,
        "waybill": next((one.stored.waybill for one in booked if one.stored.waybill), None),
        "how": booked[0].how,
        "posted": task.posted and all(one.stored.posted is not False for one in booked),
        "differences": (*task.notes, *_differences(booked), *_own_uid(task, first)),
        **_rate(task, first),
    }
    return SaleRecorded(**sale_content(task) | found, recorded_at=now, attempts=row.attempts)


def _rate(task: SaleTask, stored: StoredDocument) -> dict[str, Any]:
    """The rate of another currency as Balance holds it, and whether it is ours (claim K23)."""
    if "Currency" not in task.document or stored.rate is None:
        return {}
    return {"currency_rate": stored.rate, "rate_source": "setting" if stored.rate == task.currency_rate else "balance"}


def _differences(booked: Sequence[Booked]) -> tuple[str, ...]:
    return tuple(difference for one in booked for difference in one.differences)


def _own_uid(task: SaleTask, stored: StoredDocument) -> tuple[str, ...]:
    """API unknown U15: whether Balance keeps the uid that it is given."""
    return () if stored.uid == task.sale else (f"uid: Balance gave its own, {stored.uid}, instead of {task.sale}",)
