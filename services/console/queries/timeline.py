"""Timelines: what happened to an order or a dead letter, in order of time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.console.model.message import StoredMessage
from services.console.model.message import message as _
from services.console.model.rows import TimelineRow, timeline


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One line of a timeline. `event` and `type` identify the event; an attempt before it has no event of its own."""

    at: datetime
    source: str
    message: StoredMessage
    event: str
    type: str
    is_attempt: bool = False


async def read_timeline(
    connection: AsyncConnection, refs: Iterable[str], until: datetime | None = None
) -> list[TimelineRow]:
    """The rows of these timelines together, oldest first, up to a moment."""
    query = select(timeline.c.body).where(timeline.c.ref.in_(list(dict.fromkeys(refs))))
    if until is not None:
        query = query.where(timeline.c.at <= until.timestamp())
    rows = await connection.scalars(query.order_by(timeline.c.at, timeline.c.sequence, timeline.c.key))
    return [TimelineRow.model_validate_json(body) for body in rows]


def list_entries(rows: Iterable[TimelineRow]) -> Iterator[HistoryEntry]:
    """The lines of these rows: before an event the attempts that did not simply succeed."""
    for row in rows:
        for attempt in row.attempts:
            outcome = StoredMessage(text=attempt.outcome)
            text = _("{outcome}: {detail}", outcome=outcome, detail=attempt.detail)
            yield HistoryEntry(attempt.at, row.source, text, row.event, row.type, is_attempt=True)
        yield HistoryEntry(row.at, row.source, row.message, row.event, row.type)


OUTCOMES = (_("retry"), _("blocked"), _("refused"), _("unknown"), _("done"))
"""Collected for translation."""
