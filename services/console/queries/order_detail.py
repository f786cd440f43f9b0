"""Everything about one order: the shop's figures beside the documents', line by line, and what happened when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.approvals import ApprovalAsked
from contracts.delivery_ids import order_key
from contracts.ledger import ClientRecorded, CreditNoteRecorded, RecordedLine, SaleRecorded, is_reversal
from contracts.shop import OrderChanged, OrderLine, Person
from services.console.model import facts
from services.console.model.message import StoredMessage
from services.console.model.order_states import StateName
from services.console.model.rows import DocumentKind, DocumentRow, OrderRow, RefundRow, documents, orders, refunds
from services.console.model.timeline import account_ref, dead_letter_ref, person_ref, shape_ref
from services.console.queries.dead_letters import DeadLetterSummary, dead_letters_of_order
from services.console.queries.orders import OrderOverview, summarize
from services.console.queries.timeline import HistoryEntry, list_entries, read_timeline
from services.engine.state.records import Kind
from services.engine.state.tables import records

ModelT = TypeVar("ModelT", bound=BaseModel)
Facts = Mapping[str, Mapping[str, Any]]
"""The facts of an order, by the name of their kind and their key."""
_KINDS: Mapping[str, Kind[Any]] = {
    kind.name: kind
    for kind in (
        facts.ORDER, facts.REFUND, facts.SALE, facts.CREDIT_NOTE, facts.RECEIPT, facts.SALES_ORDER, facts.CLIENT,
        facts.APPROVAL_ASKED, *facts.PLANS,
    )
}  # fmt: skip

ORDER_OF_DOCUMENTS: tuple[DocumentKind, ...] = ("sales-order", "sale", "receipt", "credit-note", "return")
"""Of documents that were recorded at the same moment."""


@dataclass(frozen=True, slots=True)
class LineComparison:
    """A line of the order beside what the documents hold of it. `shop` is None for a line that only documents have.

    Amounts are with tax. `booked` is that of the current Sale, `credited` that of the credit notes of refunds.
    """

    name: str
    sku: str
    kind: str
    quantity: Decimal | None
    shop: Decimal | None
    booked: Decimal | None
    booked_quantity: Decimal | None
    credited: Decimal

    @property
    def difference(self) -> Decimal | None:
        """The shop's amount less that of the Sale; None without a Sale."""
        return None if self.booked is None else (self.shop or Decimal(0)) - self.booked


@dataclass(frozen=True, slots=True)
class DocumentDetail:
    """A document or plan with its lines and the JSON that was or would be sent."""

    row: DocumentRow
    lines: tuple[RecordedLine, ...]
    sent: Mapping[str, Any]
    parts: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class RefundDetail:
    """A refund and the state of its credit note."""

    refund_id: int
    amount: Decimal | None
    currency: str
    created_at: datetime | None
    state: StateName
    why: StoredMessage


@dataclass(frozen=True, slots=True)
class OrderDetail:
    """One order. `person` is None unless it was asked for, and after the person was forgotten."""

    summary: OrderOverview
    lines: tuple[LineComparison, ...]
    documents: tuple[DocumentDetail, ...]
    refunds: tuple[RefundDetail, ...]
    timeline: tuple[HistoryEntry, ...]
    dead_letters: tuple[DeadLetterSummary, ...]
    approvals: tuple[ApprovalAsked, ...]
    client: ClientRecorded | None
    person: Person | None


async def read_order(
    connection: AsyncConnection, shop: str, order_id: int, *, people: bool = False, until: datetime | None = None
) -> OrderDetail | None:
    """Everything about an order; None if it is unknown. `until`: its timeline up to that moment."""
    key = order_key(shop, order_id)
    body = await connection.scalar(select(orders.c.body).where(orders.c.key == key))
    if body is None:
        return None
    row, known = OrderRow.model_validate_json(body), await _read_facts(connection, key)
    order: OrderChanged | None = known[facts.ORDER.name].get(key)
    dead_letters = await dead_letters_of_order(connection, key)
    asked = tuple(known[facts.APPROVAL_ASKED.name].values())
    rows = await read_timeline(connection, _timelines(key, order, dead_letters, asked), until)
    mine = {"", *(one.document for one in asked)}
    clients = sorted(known[facts.CLIENT.name].values(), key=lambda client: client.recorded_at)
    return OrderDetail(
        summary=summarize(row, people=people),
        lines=tuple(compare_lines(order, known)),
        documents=tuple(await _read_documents(connection, key, known)),
        refunds=tuple(await _read_refunds(connection, key)),
        timeline=tuple(list_entries(one for one in rows if one.document in mine)),
        dead_letters=tuple(dead_letters),
        approvals=asked,
        client=clients[-1] if clients else None,
        person=order.person if order and people else None,
    )


async def _read_facts(connection: AsyncConnection, key: str) -> Facts:
    """Two queries, each with an index of its own: databases scan the whole kind for one condition or the other."""
    query = select(records.c.kind, records.c.key, records.c.body).where(records.c.kind.in_(_KINDS))
    found: defaultdict[str, dict[str, Any]] = defaultdict(dict)
    for mine in (records.c.ref == key, records.c.key == key):
        for kind, name, body in await connection.execute(query.where(mine)):
            found[kind][name] = _KINDS[kind].model.model_validate_json(body)
    return found


def _timelines(
    key: str, order: OrderChanged | None, dead_letters: Iterable[DeadLetterSummary], asked: Iterable[ApprovalAsked]
) -> Iterator[str]:
    """The timelines that concern the order: its own, and those of its dead letters, buyer, account and shapes."""
    yield key
    if order is not None:
        yield from (person_ref(order.person_ref), account_ref(order.shop, order.customer_id))
    yield from (dead_letter_ref(one.id) for one in dead_letters)
    yield from (shape_ref(one.shop, one.shape) for one in asked)


def compare_lines(order: OrderChanged | None, known: Facts) -> Iterator[LineComparison]:
    """The lines of the order beside those of its documents; lines that only documents have come last."""
    sale = _current_sale(known)
    booked = _by_order_line(sale.lines if sale else ())
    credited = _by_order_line(line for note in _notes(known) for line in note.lines)
    lines = order.lines if order else ()
    for line in lines:
        recorded, returned = booked.get(line.line_id, ()), credited.get(line.line_id, ())
        yield _compare_line(line, recorded, returned, is_booked=sale is not None)
    shown = {line.line_id for line in lines}
    for line_id, recorded in booked.items():
        if line_id not in shown:
            yield from (_only_booked(one) for one in recorded)


def _current_sale(known: Facts) -> SaleRecorded | None:
    """The last Sale without a reversal."""
    reversed_sales = {note.sale for note in known[facts.CREDIT_NOTE.name].values() if is_reversal(note.refund_id)}
    sales: list[SaleRecorded] = [sale for sale in known[facts.SALE.name].values() if sale.sale not in reversed_sales]
    return max(sales, key=lambda sale: sale.recorded_at, default=None)


def _notes(known: Facts) -> list[CreditNoteRecorded]:
    return [note for note in known[facts.CREDIT_NOTE.name].values() if not is_reversal(note.refund_id)]


def _by_order_line(lines: Iterable[RecordedLine]) -> Mapping[int | None, Sequence[RecordedLine]]:
    found: defaultdict[int | None, list[RecordedLine]] = defaultdict(list)
    for line in lines:
        found[line.order_line_id].append(line)
    return found


def _compare_line(
    line: OrderLine, booked: Sequence[RecordedLine], credited: Sequence[RecordedLine], *, is_booked: bool
) -> LineComparison:
    return LineComparison(
        name=line.name,
        sku=line.sku,
        kind=line.kind,
        quantity=line.quantity,
        shop=line.total + line.total_tax,
        booked=_sum(booked) if is_booked else None,
        booked_quantity=sum((one.quantity for one in booked), Decimal(0)) if is_booked else None,
        credited=_sum(credited),
    )


def _only_booked(line: RecordedLine) -> LineComparison:
    return LineComparison("", "", line.kind, None, None, line.amount, line.quantity, Decimal(0))


def _sum(lines: Iterable[RecordedLine]) -> Decimal:
    return sum((line.amount for line in lines), Decimal(0))


async def _read_documents(connection: AsyncConnection, key: str, known: Facts) -> list[DocumentDetail]:
    bodies = await connection.scalars(select(documents.c.body).where(documents.c.ref == key))
    rows = [DocumentRow.model_validate_json(body) for body in bodies]
    rows.sort(key=lambda row: (row.at, ORDER_OF_DOCUMENTS.index(row.document), row.part, row.uid))
    return [_detail(row, known[row.fact[0]].get(row.fact[1])) for row in rows]


def _detail(row: DocumentRow, fact: Any) -> DocumentDetail:
    """A document whose fact was replaced, such as an ended sales order, has only its row."""
    parts = tuple(part.sent for part in getattr(fact, "parts", ()))
    return DocumentDetail(row, getattr(fact, "lines", ()), getattr(fact, "sent", {}), parts)


async def _read_refunds(connection: AsyncConnection, key: str) -> list[RefundDetail]:
    query = select(refunds.c.body).where(refunds.c.ref == key).order_by(refunds.c.refund_id)
    rows = [RefundRow.model_validate_json(body) for body in await connection.scalars(query)]
    return [
        RefundDetail(row.refund_id, row.amount, row.currency, row.created_at, row.state, row.item_state.why)
        for row in rows
    ]
