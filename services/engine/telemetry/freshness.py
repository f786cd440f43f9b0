"""When each feed was last complete: kept in the state database, so that a restart does not make old facts look new."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from services.engine.state.database import Database, write_meta
from services.engine.state.tables import meta
from services.engine.telemetry.families import FRESHNESS, Reading

PREFIX = "complete:"


async def completed(database: Database, feed: str, at: datetime) -> None:
    """A feed (`items`, `orders:main`) was read whole at a moment."""
    async with database.write() as connection:
        await write_meta(connection, PREFIX + feed, at.isoformat())


async def completions(database: Database) -> dict[str, datetime]:
    """When each feed was last complete; one that never was is not there."""
    query = select(meta.c.name, meta.c.value).where(meta.c.name.startswith(PREFIX))
    async with database.read() as connection:
        found = (await connection.execute(query)).all()
    return {name.removeprefix(PREFIX): datetime.fromisoformat(at) for name, at in found}


async def freshness(database: Database, service: str, now: datetime) -> list[Reading]:
    """The age of each feed; one that was never complete has none."""
    return [_age(service, feed, at, now) for feed, at in (await completions(database)).items()]


def _age(service: str, feed: str, at: datetime, now: datetime) -> Reading:
    return Reading(FRESHNESS, (service, feed), max(0.0, (now - at).total_seconds()))
