"""A message to a recipient as it stands in the outbox: all that its delivery and its record need."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from contracts.alerts import AlertSent
from contracts.model import Instant, Part
from services.alerts.message import Message

What = Literal["opened", "reminded", "resolved"]


class Notice(Part):
    """One message. It is the same message while its `id` is, whatever is added to its cause before it leaves."""

    cause: str
    recipient: str
    what: What
    episode: int
    reminders: int
    standing: int
    opened_at: Instant
    title: str
    body: str

    @classmethod
    def of(cls, told: AlertSent, what: What, message: Message) -> Notice:
        """What follows on a message that was sent."""
        return cls(
            cause=told.cause,
            recipient=told.recipient,
            what=what,
            episode=told.episode,
            reminders=told.reminders,
            standing=told.standing,
            opened_at=told.opened_at,
            title=message.title,
            body=message.body,
        )

    @property
    def id(self) -> str:
        """The id of the delivery."""
        return f"alert:{self.cause}|{self.recipient}:{self.episode}:{self.what}:{self.reminders}"

    def sent(self, at: datetime, *, dry_run: bool) -> AlertSent:
        """The record that it was sent."""
        told = self.model_dump(exclude={"title", "body"})
        return AlertSent(**told, sent_at=at, dry_run=dry_run)
