"""Readings of a state database: pending deliveries, dead letters, unpublished events, and the age of each feed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Row, and_, case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.engine.outbox.dead_letters import PARKED
from services.engine.outbox.outbox import PENDING
from services.engine.state.database import Database, write_meta
from services.engine.state.tables import deliveries, events, inbox, meta, records
from services.engine.telemetry.families import (
    DEAD_LETTERS_OPEN,
    DEAD_LETTERS_OPENED,
    FRESHNESS,
    OLDEST,
    UNPUBLISHED,
    WAITING,
    WEBHOOKS_WAITING,
    MetricReading,
)

COMPLETION_PREFIX = "complete:"
D = deliveries.c
_STATE = case((D.state == PENDING, PENDING), else_="blocked")
_DEAD_LETTERS = select(
    func.json_extract(records.c.body, "$.event.reason").label("reason"),
    func.count().label("opened"),
    func.count(case((func.json_extract(records.c.body, "$.state") == "open", 1))).label("open"),
).where(records.c.kind == PARKED.name)


async def record_completion(database: Database, feed: str, at: datetime) -> None:
    """Note that a feed (`items`, `orders:main`) was completely read. It is kept over restarts."""
    async with database.write() as connection:
        await write_meta(connection, COMPLETION_PREFIX + feed, at.isoformat())


async def read_completions(database: Database) -> dict[str, datetime]:
    """When each feed was last complete; without feeds that never were."""
    query = select(meta.c.name, meta.c.value).where(meta.c.name.startswith(COMPLETION_PREFIX))
    async with database.read() as connection:
        found = (await connection.execute(query)).all()
    return {name.removeprefix(COMPLETION_PREFIX): datetime.fromisoformat(at) for name, at in found}


async def freshness_readings(database: Database, service: str, now: datetime) -> list[MetricReading]:
    """The age of each feed that was ever complete."""
    return [_age(service, feed, at, now) for feed, at in (await read_completions(database)).items()]


def _age(service: str, feed: str, at: datetime, now: datetime) -> MetricReading:
    return MetricReading(FRESHNESS, (service, feed), max(0.0, (now - at).total_seconds()))


async def state_readings(database: Database, service: str, now: datetime) -> list[MetricReading]:
    """The readings of one state database, in one consistent view."""
    async with database.read() as connection:
        return [
            *await _delivery_readings(connection, service, now.timestamp()),
            *await _dead_letter_readings(connection, service),
            MetricReading(UNPUBLISHED, (service,), await _count(connection, events.c.seq)),
            MetricReading(WEBHOOKS_WAITING, (service,), await _count(connection, inbox.c.seq)),
        ]


async def _count(connection: AsyncConnection, column: object) -> int:
    found: int | None = await connection.scalar(select(func.count(column)))  # type: ignore[arg-type]
    return found or 0


async def _delivery_readings(connection: AsyncConnection, service: str, now: float) -> list[MetricReading]:
    """A delivery that is pending for a later time is not late; one postponed after an unknown outcome may be."""
    early = and_(D.state == PENDING, D.unknowns == 0, D.due > now)
    since = func.min(case((early, None), else_=D.created))
    query = select(D.lane, _STATE.label("state"), func.count(), since).group_by(D.lane, _STATE)
    return [reading for row in await connection.execute(query) for reading in _lane_readings(service, row, now)]


def _lane_readings(service: str, row: Row[str, str, int, float | None], now: float) -> Iterable[MetricReading]:
    lane, state, count, since = row
    yield MetricReading(WAITING, (service, lane, state), count)
    yield MetricReading(OLDEST, (service, lane, state), 0.0 if since is None else max(0.0, now - since))


async def _dead_letter_readings(connection: AsyncConnection, service: str) -> list[MetricReading]:
    found: list[MetricReading] = []
    for reason, opened, still_open in await connection.execute(_DEAD_LETTERS.group_by("reason")):
        found += [
            MetricReading(DEAD_LETTERS_OPENED, (service, reason), opened),
            MetricReading(DEAD_LETTERS_OPEN, (service, reason), still_open),
        ]
    return found
