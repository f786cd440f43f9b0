"""What a state database says of its service: what waits, what is parked, what is not published."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Row, and_, case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.engine.outbox.dead_letters import PARKED
from services.engine.outbox.outbox import PENDING
from services.engine.state.database import Database
from services.engine.state.tables import deliveries, events, inbox, records
from services.engine.telemetry.families import (
    LETTERS_OPEN,
    LETTERS_OPENED,
    OLDEST,
    UNPUBLISHED,
    WAITING,
    WEBHOOKS_WAITING,
    Reading,
)

D = deliveries.c
STATE = case((D.state == PENDING, PENDING), else_="blocked")
_LETTERS = select(
    func.json_extract(records.c.body, "$.letter.reason").label("reason"),
    func.count().label("ever"),
    func.count(case((func.json_extract(records.c.body, "$.state") == "open", 1))).label("open"),
).where(records.c.kind == PARKED.name)


async def figures(database: Database, service: str, now: datetime) -> list[Reading]:
    """The readings of one state database, in one consistent view."""
    async with database.read() as connection:
        return [
            *await _waiting(connection, service, now.timestamp()),
            *await _letters(connection, service),
            Reading(UNPUBLISHED, (service,), await _count(connection, events.c.seq)),
            Reading(WEBHOOKS_WAITING, (service,), await _count(connection, inbox.c.seq)),
        ]


async def _count(connection: AsyncConnection, column: object) -> int:
    found: int | None = await connection.scalar(select(func.count(column)))  # type: ignore[arg-type]
    return found or 0


async def _waiting(connection: AsyncConnection, service: str, now: float) -> list[Reading]:
    """A delivery that is pending for a later time is not late; one put off after an unknown outcome may be."""
    early = and_(D.state == PENDING, D.unknowns == 0, D.due > now)
    since = func.min(case((early, None), else_=D.created))
    query = select(D.lane, STATE.label("state"), func.count(), since).group_by(D.lane, STATE)
    return [reading for row in await connection.execute(query) for reading in _lane(service, row, now)]


def _lane(service: str, row: Row[str, str, int, float | None], now: float) -> Iterable[Reading]:
    lane, state, count, since = row
    yield Reading(WAITING, (service, lane, state), count)
    yield Reading(OLDEST, (service, lane, state), 0.0 if since is None else max(0.0, now - since))


async def _letters(connection: AsyncConnection, service: str) -> list[Reading]:
    found: list[Reading] = []
    for reason, ever, still_open in await connection.execute(_LETTERS.group_by("reason")):
        found += [
            Reading(LETTERS_OPENED, (service, reason), ever),
            Reading(LETTERS_OPEN, (service, reason), still_open),
        ]
    return found
