"""How much of the log is read, and up to which time what is shown is true."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.console.model.progress import READ_UP_TO
from services.engine.state.store import Partition, load_positions
from services.engine.state.tables import records


@dataclass(frozen=True, slots=True)
class Freshness:
    """What an answer reflects. `position`: the number of records read; it only grows.

    `as_of`: the time of the newest event read. `behind`: records that are not read yet; None while that is unknown.
    """

    position: int
    as_of: datetime | None
    times: Mapping[str, datetime]
    behind: int | None

    @property
    def share(self) -> float | None:
        """The share of the log that is read, from 0 to 1; None while that is unknown."""
        if self.behind is None:
            return None
        return self.position / (self.position + self.behind) if self.position + self.behind else 1.0


async def read_freshness(connection: AsyncConnection, ends: Mapping[Partition, int]) -> Freshness:
    """How far the query database has read. `ends`: where each partition ends now; empty while that is unknown."""
    reached = {partition: found.next_offset for partition, found in (await load_positions(connection)).items()}
    query = select(records.c.key, records.c.body).where(records.c.kind == READ_UP_TO.name)
    times = {key: READ_UP_TO.model.model_validate_json(body).at for key, body in await connection.execute(query)}
    behind = sum(max(0, end - reached.get(partition, 0)) for partition, end in ends.items()) if ends else None
    return Freshness(sum(reached.values()), max(times.values(), default=None), times, behind)
