"""What the records of a kind refer to, without reading the records."""

from __future__ import annotations

from sqlalchemy import select

from services.engine.state.database import Database
from services.engine.state.tables import records


async def refs_of(database: Database, kind: str) -> list[str]:
    """Every reference under which records of a kind can be found, sorted; answered from the index alone."""
    query = select(records.c.ref).where(records.c.kind == kind, records.c.ref != "").distinct().order_by(records.c.ref)
    async with database.read() as connection:
        return list((await connection.execute(query)).scalars())
