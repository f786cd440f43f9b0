"""Work that outlasts a full disk or a lock: it rests while nothing can be written, and begins again when it can."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from services.engine.state.database import Database
from services.engine.state.trouble import passing


async def lasting(database: Database, work: Callable[[], Awaitable[None]]) -> None:
    """Run `work`; begin it anew each time the database's passing trouble has ended it. Raises whatever else ends it.

    For work that may be broken off at any point and begun again, as all of ours may: that is what a kill does.
    """
    while True:
        try:
            return await work()
        except Exception as error:
            if passing(error) is None:
                raise
            await database.writable()
