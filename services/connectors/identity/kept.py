"""How the shops' identities stand by what a service has kept."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from services.connectors.identity.standing import KNOWN, STRANGE, Standing
from services.engine.state.database import Database
from services.engine.state.session import Session
from services.engine.state.store import load


async def standing(database: Database, shop: str) -> Standing:
    """How a shop's identity stands by a service's state database."""
    return (await standings(database, [shop]))[shop]


async def standings(database: Database, shops: Iterable[str]) -> dict[str, Standing]:
    """The same for several shops."""
    wanted, session = list(shops), Session(datetime.min.replace(tzinfo=UTC))
    slots = [(kind.name, shop) for kind in (KNOWN, STRANGE) for shop in wanted]
    async with database.read() as connection:
        await load(connection, session, slots, by_ref=False)
    return {shop: Standing(session.get(KNOWN, shop), session.get(STRANGE, shop)) for shop in wanted}
