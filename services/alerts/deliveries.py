"""Sending messages through Apprise: to e-mail, Telegram, a webhook, or any other of its services."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pydantic import SecretStr

from contracts.reasons import Reason
from services.alerts.cause import AlertCause, AlertIssue, select_recipients
from services.alerts.handlers import SERVICE
from services.alerts.message import Message, Notice, compose_open
from services.engine.clock import Clock
from services.engine.outbox.engine import Engine
from services.engine.outbox.outcome import Done, Outcome, Retry
from services.engine.outbox.row import Row
from services.settings.alerts import AlertSettings
from services.settings.base import SecretMissing

if TYPE_CHECKING:
    from apprise import NotifyBase


log = logging.getLogger(__name__)
ID_HEADER = "X-Davtari-Alert"
"""Where the address has headers (e-mail, webhooks), this one is the same if a message ever comes twice."""


class RecipientAddress:
    """One recipient's address. Raises `SecretMissing` when the URL is none that Apprise knows."""

    def __init__(self, recipient: str, url: SecretStr) -> None:
        from apprise import Apprise  # loaded where messages are sent: it costs every other process 17 MB

        plugin = Apprise.instantiate(url.get_secret_value(), suppress_exceptions=True)
        if plugin is None:
            key = f"alerts.recipients.{recipient}.url-file"
            raise SecretMissing(f"{key}: the file holds no Apprise URL, such as mailtos://USER:PASSWORD@HOST?to=WHOM")
        self._plugin: NotifyBase = plugin

    async def send(self, message: Message, id_: str, *, resolved: bool = False) -> bool:
        """Send a message; whether the address took it."""
        if isinstance(headers := getattr(self._plugin, "headers", None), dict):
            headers[ID_HEADER] = id_
        kind = "success" if resolved else "warning"
        return bool(await self._plugin.async_notify(body=message.body, title=message.title, notify_type=kind))


class NoticeDeliveries:
    """The effect of a recipient's lane. `address` is None in a dry run: messages are logged and recorded only."""

    def __init__(self, address: RecipientAddress | None, clock: Clock) -> None:
        self._address, self._clock = address, clock

    async def deliver(self, rows: Sequence[Row]) -> Sequence[Outcome]:
        """Send each message. One that is not taken waits with its lane: an address that is away loses nothing."""
        return [await self._deliver(Notice.model_validate(row.payload), row.id) for row in rows]

    async def _deliver(self, notice: Notice, id_: str) -> Outcome:
        told = {"recipient": notice.recipient, "about": notice.cause, "outcome": notice.what}
        if self._address is None:
            log.info("alert, dry run: not sent", extra=told)
        elif not await self._address.send(Message(notice.title, notice.body), id_, resolved=notice.what == "resolved"):
            return Retry(f"the address of {notice.recipient} does not take messages (alerts.recipients)")
        else:
            log.info("alert sent", extra=told)
        return Done((notice.sent(self._clock(), dry_run=self._address is None),))


# When the alerts service itself cannot write: it tells of that past its outbox.
#
# A full disk is most often that of every service. That it is well again is what they say themselves, on the topics.

EVERY = 5.0
"""Seconds between two looks."""
CAUSE = AlertCause(Reason.SERVICE_DISK)


class OwnDiskWatch:
    """Watches the state database of the alerts service. `addresses` are those of the recipients, by name."""

    def __init__(self, settings: AlertSettings, addresses: Mapping[str, RecipientAddress]) -> None:
        self._settings, self._addresses = settings, addresses
        self._told: set[str] = set()

    async def run(self, engine: Engine) -> None:
        """Look until cancelled."""
        while True:
            await self.look(engine)
            await asyncio.sleep(EVERY)

    async def look(self, engine: Engine) -> None:
        """Tell whoever has not been told of the trouble; when it is over the next one is told of again."""
        why = engine.database.failure
        if not why:
            self._told.clear()
            return
        standing = AlertIssue(cause=CAUSE.name, about=f"{SERVICE}: {why}", since=engine.clock())
        for name, one in select_recipients(CAUSE, self._settings.recipients).items():
            if name in self._addresses and name not in self._told:
                message = compose_open(CAUSE, [standing], "opened", one.language)
                if await self._sent(name, message):
                    self._told.add(name)

    async def _sent(self, name: str, message: Message) -> bool:
        took = await self._addresses[name].send(message, f"{CAUSE.name}|{name}")
        if took:
            log.info("alert sent past the outbox", extra={"recipient": name})
        else:
            log.warning("alert not taken", extra={"recipient": name})
        return took
