"""Documents that wait for the accountant, by shape, with the approvals given so far."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.approvals import ApprovalAsked, ApprovalGiven
from services.console.model.approvals import APPROVAL_GIVEN, ApprovalRow, approvals
from services.console.model.timeline import shape_ref
from services.console.queries.page import LIMIT, ResultPage, cursor_of, make_page, sort_newest_first
from services.engine.state.tables import records

C = approvals.c


@dataclass(frozen=True, slots=True)
class ShapeApprovals:
    """A shape of documents of a shop: those that wait, and the approvals given so far."""

    shop: str
    shape: str
    waiting: tuple[ApprovalAsked, ...]
    given: tuple[ApprovalGiven, ...]


async def list_approvals(connection: AsyncConnection, shop: str = "") -> list[ShapeApprovals]:
    """The shapes with a document that waits, the one that has waited longest first."""
    query = select(C.ref, C.body).where(C.state == "waiting").order_by(C.asked_at, C.key)
    if shop:
        query = query.where(C.shop == shop)
    waiting: dict[str, list[ApprovalAsked]] = {}
    for ref, body in await connection.execute(query):
        waiting.setdefault(ref, []).append(ApprovalRow.model_validate_json(body).asked)
    given = await _read_given(connection, list(waiting))
    return [
        ShapeApprovals(asked[0].shop, asked[0].shape, tuple(asked), tuple(given.get(ref, ())))
        for ref, asked in waiting.items()
    ]


async def _read_given(connection: AsyncConnection, refs: list[str]) -> dict[str, list[ApprovalGiven]]:
    query = select(records.c.body).where(records.c.kind == APPROVAL_GIVEN.name, records.c.ref.in_(refs))
    found: dict[str, list[ApprovalGiven]] = {}
    for body in await connection.scalars(query):
        given = ApprovalGiven.model_validate_json(body)
        found.setdefault(shape_ref(given.shop, given.shape), []).append(given)
    return {ref: sorted(each, key=lambda one: one.asked_at) for ref, each in found.items()}


async def list_approval_history(
    connection: AsyncConnection, after: str | None = None, limit: int = LIMIT
) -> ResultPage[ApprovalRow]:
    """A page of all documents that were to be approved, newest first. Raises `InvalidCursor`."""
    query = select(C.key, C.asked_at, C.body)
    rows = (await connection.execute(sort_newest_first(query, C.asked_at, C.key, after, limit))).all()
    return make_page(
        rows,
        limit,
        lambda row: ApprovalRow.model_validate_json(row.body),
        lambda row: cursor_of(row.asked_at, row.key),
    )
