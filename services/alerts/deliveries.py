"""Sending messages through Apprise: by e-mail, Telegram, a webhook, or any other service it supports."""

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
from services.engine.outbox.lane import Row
from services.engine.outbox.outcome import Done, Outcome, Retry
from services.settings.alerts import AlertSettings
from services.settings.base import SecretMissing

if TYPE_CHECKING:
    from apprise import NotifyBase

log = logging.getLogger(__name__)
ID_HEADER = "X-Davtari-Alert"
"""Sent where the service has headers (e-mail, webhooks): a message that arrives twice carries the same id."""
DISK_CHECK_INTERVAL = 5.0
"""Seconds between two checks of the service's own disk."""
DISK_CAUSE = AlertCause(Reason.SERVICE_DISK)


class RecipientAddress:
    """The address of one recipient. Raises `SecretMissing` if Apprise does not know the URL."""

    def __init__(self, recipient: str, url: SecretStr) -> None:
        from apprise import Apprise  # imported only where messages are sent: it costs 17 MB of memory

        plugin = Apprise.instantiate(url.get_secret_value(), suppress_exceptions=True)
        if plugin is None:
            key = f"alerts.recipients.{recipient}.url-file"
            raise SecretMissing(
                f"{key}: the file contains no Apprise URL, such as mailtos://USER:PASSWORD@HOST?to=RECIPIENT"
            )
        self._plugin: NotifyBase = plugin

    async def send(self, message: Message, id_: str, *, resolved: bool = False) -> bool:
        """Send a message. Returns whether the address accepted it.

        The body is declared as plain text, so Apprise escapes it where the address takes HTML or Markdown.
        """
        if isinstance(headers := getattr(self._plugin, "headers", None), dict):
            headers[ID_HEADER] = id_
        kind = "success" if resolved else "warning"
        sent = self._plugin.async_notify(message.body, message.title, notify_type=kind, body_format="text")
        return bool(await sent)


class NoticeDeliveries:
    """The effect of a recipient's lane. `address` is None in a dry run: messages are only logged and recorded."""

    def __init__(self, address: RecipientAddress | None, clock: Clock) -> None:
        self._address, self._clock = address, clock

    async def deliver(self, rows: Sequence[Row]) -> Sequence[Outcome]:
        """Send each message. A message that is not accepted is retried: an unreachable address loses nothing."""
        return [await self._deliver(Notice.model_validate(row.payload), row.id) for row in rows]

    async def _deliver(self, notice: Notice, id_: str) -> Outcome:
        fields = {"recipient": notice.recipient, "about": notice.cause, "outcome": notice.what}
        if self._address is None:
            log.info("alert not sent (dry run)", extra=fields)
        elif not await self._address.send(Message(notice.title, notice.body), id_, resolved=notice.what == "resolved"):
            return Retry(f"the address of {notice.recipient} does not accept messages (alerts.recipients)")
        else:
            log.info("alert sent", extra=fields)
        return Done((notice.sent(self._clock(), dry_run=self._address is None),))


class OwnDiskWatch:
    """Reports, without the outbox, that the alerts service cannot write to its own state database.

    A full disk usually affects every service. Their recovery needs no message from here: each service publishes it.
    """

    def __init__(self, settings: AlertSettings, addresses: Mapping[str, RecipientAddress]) -> None:
        """`addresses` by recipient; without any (a dry run) nothing is sent."""
        self._settings, self._addresses = settings, addresses
        self._notified: set[str] = set()

    async def run(self, engine: Engine) -> None:
        """Check until cancelled."""
        while True:
            await self.check(engine)
            await asyncio.sleep(DISK_CHECK_INTERVAL)

    async def check(self, engine: Engine) -> None:
        """Notify recipients that were not notified yet. After recovery, the next failure is reported again."""
        why = engine.database.failure
        if not why:
            self._notified.clear()
            return
        issue = AlertIssue(cause=DISK_CAUSE.name, about=f"{SERVICE}: {why}", since=engine.clock())
        for name, recipient in select_recipients(DISK_CAUSE, self._settings.recipients).items():
            if name in self._addresses and name not in self._notified:
                message = compose_open(DISK_CAUSE, [issue], "opened", recipient.language)
                if await self._send(name, message):
                    self._notified.add(name)

    async def _send(self, name: str, message: Message) -> bool:
        accepted = await self._addresses[name].send(message, f"{DISK_CAUSE.name}|{name}")
        if accepted:
            log.info("alert sent without the outbox", extra={"recipient": name})
        else:
            log.warning("alert not accepted", extra={"recipient": name})
        return accepted
