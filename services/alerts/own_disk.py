"""When the alerts service itself cannot write: it tells of that past its outbox.

A full disk is most often that of every service. That it is well again is what they say themselves, on the topics.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from contracts.reasons import Reason
from services.alerts.cause import Cause, Standing
from services.alerts.deliveries import Address
from services.alerts.handlers import SERVICE
from services.alerts.message import Message, opened
from services.alerts.routing import recipients
from services.engine.outbox.engine import Engine
from services.settings.alerts import AlertSettings

log = logging.getLogger(__name__)
EVERY = 5.0
"""Seconds between two looks."""
CAUSE = Cause(Reason.SERVICE_DISK)


class OwnDisk:
    """Watches the state database of the alerts service. `addresses` are those of the recipients, by name."""

    def __init__(self, settings: AlertSettings, addresses: Mapping[str, Address]) -> None:
        self._settings, self._addresses = settings, addresses
        self._told: set[str] = set()

    async def run(self, engine: Engine) -> None:
        """Look until cancelled."""
        while True:
            await self.look(engine)
            await asyncio.sleep(EVERY)

    async def look(self, engine: Engine) -> None:
        """Tell whoever has not been told of the trouble; when it is over the next one is told of again."""
        why = engine.database.trouble
        if not why:
            self._told.clear()
            return
        standing = Standing(cause=CAUSE.name, about=f"{SERVICE}: {why}", since=engine.clock())
        for name, one in recipients(CAUSE, self._settings.recipients).items():
            if name in self._addresses and name not in self._told:
                message = opened(CAUSE, [standing], "opened", one.language)
                if await self._sent(name, message):
                    self._told.add(name)

    async def _sent(self, name: str, message: Message) -> bool:
        took = await self._addresses[name].send(message, f"{CAUSE.name}|{name}")
        if took:
            log.info("alert sent past the outbox", extra={"recipient": name})
        else:
            log.warning("alert not taken", extra={"recipient": name})
        return took
