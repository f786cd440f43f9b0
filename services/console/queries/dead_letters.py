"""Dead letters: grouped by reason, listed, and one with its history."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.operations import DeadLettered, DeadLetterSettled
from services.console.model.dead_letters import DeadLetterRow, DeadLetterState, dead_letters
from services.console.model.timeline import dead_letter_ref
from services.console.queries.page import LIMIT, ResultPage, cursor_of, make_page, sort_newest_first
from services.console.queries.timeline import HistoryEntry, list_entries, read_timeline

C = dead_letters.c


@dataclass(frozen=True, slots=True)
class DeadLetterGroup:
    """The open dead letters of one reason in one shop (None: they belong to none)."""

    reason: str
    shop: str | None
    owner: str
    count: int
    oldest: datetime
    newest: datetime


@dataclass(frozen=True, slots=True)
class DeadLetterQuery:
    """Which dead letters; what is left out does not limit."""

    open: bool | None = True
    reason: str = ""
    shop: str | None = None
    service: str = ""
    owner: str = ""
    order_id: int | None = None
    closed_by: str = ""


@dataclass(frozen=True, slots=True)
class DeadLetterSummary:
    """A dead letter as a list shows it. `closed_…`: how, when and why it was closed, and who did it."""

    id: str
    state: DeadLetterState
    reason: str
    owner: str
    detail: str
    about: str
    service: str
    subject: str
    shop: str | None
    order_id: int | None
    since: datetime
    at: datetime
    replays: int
    closed_at: datetime | None
    closed_by: str
    closed_why: str
    replacement: str


@dataclass(frozen=True, slots=True)
class DeadLetterDetail:
    """A dead letter with its whole event, what closed it and its history. `failed` may name a person."""

    summary: DeadLetterSummary
    failed: DeadLettered
    settled: DeadLetterSettled | None
    timeline: tuple[HistoryEntry, ...]


async def list_groups(connection: AsyncConnection, owner: str = "") -> list[DeadLetterGroup]:
    """The groups of open dead letters, the largest first."""
    count, oldest, newest = func.count(), func.min(C.since), func.max(C.since)
    query = select(C.reason, C.shop, C.owner, count, oldest, newest).where(C.state == "open")
    if owner:
        query = query.where(C.owner == owner)
    rows = await connection.execute(query.group_by(C.reason, C.shop, C.owner).order_by(count.desc(), C.reason, C.shop))
    return [_make_group(row) for row in rows]


def _make_group(row: Any) -> DeadLetterGroup:
    reason, shop, owner, count, oldest, newest = row
    return DeadLetterGroup(reason, shop, owner, count, _moment(oldest), _moment(newest))


def _moment(timestamp: float) -> datetime:
    return datetime.fromtimestamp(timestamp, UTC)


async def list_dead_letters(
    connection: AsyncConnection, wanted: DeadLetterQuery, after: str | None = None, limit: int = LIMIT
) -> ResultPage[DeadLetterSummary]:
    """A page of dead letters, newest first: open ones by their first failure, closed ones by when they were closed.

    Raises `InvalidCursor`.
    """
    time = C.closed_at if wanted.open is False else C.since
    query = select(C.key, time.label("time"), C.body).where(*_conditions(wanted))
    rows = (await connection.execute(sort_newest_first(query, time, C.key, after, limit))).all()
    return make_page(
        rows,
        limit,
        lambda row: summarize_dead_letter(DeadLetterRow.model_validate_json(row.body)),
        lambda row: cursor_of(row.time, row.key),
    )


def _conditions(wanted: DeadLetterQuery) -> Iterator[ColumnElement[bool]]:
    if wanted.open is not None:
        yield C.state == "open" if wanted.open else C.closed_at.is_not(None)
    texts = (
        (C.reason, wanted.reason),
        (C.service, wanted.service),
        (C.owner, wanted.owner),
        (C.closed_by, wanted.closed_by),
    )
    yield from (column == text for column, text in texts if text)
    if wanted.shop is not None:
        yield C.shop == wanted.shop if wanted.shop else C.shop.is_(None)
    if wanted.order_id is not None:
        yield C.order_id == wanted.order_id


async def read_dead_letter(connection: AsyncConnection, dead_letter: str) -> DeadLetterDetail | None:
    """A dead letter by its id; None if there is none."""
    body = await connection.scalar(select(C.body).where(C.key == dead_letter))
    if body is None:
        return None
    row = DeadLetterRow.model_validate_json(body)
    entries = list_entries(await read_timeline(connection, [dead_letter_ref(dead_letter)]))
    return DeadLetterDetail(summarize_dead_letter(row), row.failed, row.settled, tuple(entries))


async def dead_letters_of_order(connection: AsyncConnection, order: str) -> list[DeadLetterSummary]:
    """The dead letters of an order (`shop:id`), the oldest first."""
    bodies = await connection.scalars(select(C.body).where(C.ref == order).order_by(C.since, C.key))
    return [summarize_dead_letter(DeadLetterRow.model_validate_json(body)) for body in bodies]


def summarize_dead_letter(row: DeadLetterRow) -> DeadLetterSummary:
    """The summary of a row."""
    failed, settled = row.failed, row.settled
    return DeadLetterSummary(
        id=failed.dead_letter,
        state=row.state,
        reason=failed.reason,
        owner=row.owner,
        detail=failed.detail,
        about=failed.about,
        service=failed.service,
        subject=row.subject,
        shop=row.shop,
        order_id=row.order_id,
        since=row.since,
        at=failed.at,
        replays=failed.replays,
        closed_at=settled.at if settled else None,
        closed_by=settled.by if settled else "",
        closed_why=settled.why if settled else "",
        replacement=(settled.replacement or "") if settled else "",
    )
