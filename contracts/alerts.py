"""Messages that Davtari sent about an open or resolved cause, and feeds that are stale."""

from __future__ import annotations

from typing import ClassVar, Literal

from contracts.model import Count, Event, Instant, Whole


class AlertSent(Event):
    """A message to a recipient: the cause is open (`opened`), still open (`reminded`) or gone (`resolved`).

    `cause` is a reason code, with `@shop` where it concerns one shop. `episode` counts how often the cause was open,
    `returns` how often in a row it came back soon after it was gone.
    """

    TYPE: ClassVar[str] = "davtari.AlertSent.v1"
    TOPIC: ClassVar[str] = "operations"
    cause: str
    recipient: str
    what: Literal["opened", "reminded", "resolved"]
    episode: Whole
    reminders: Whole = 0
    returns: Count = 0
    standing: Whole
    """How many dead letters, orders or feeds it was about."""
    opened_at: Instant
    sent_at: Instant
    dry_run: bool = False

    @property
    def key(self) -> str:
        return self.cause

    @property
    def subject(self) -> str:
        return f"{self.cause}|{self.recipient}"


class FeedStateChanged(Event):
    """A feed (`items`, `orders:main`) has not been complete for longer than its limit, or is complete again."""

    TYPE: ClassVar[str] = "davtari.FeedStateChanged.v1"
    TOPIC: ClassVar[str] = "operations"
    feed: str
    service: str
    freshness: Literal["stale", "fresh"]
    complete_at: Instant | None
    """When it was last complete, if it ever was."""
    at: Instant

    @property
    def key(self) -> str:
        return f"feed:{self.feed}"


class ServiceStateChanged(Event):
    """A service cannot work as it should for a reason of its machine, or can again: its disk, its clock.

    `reason` is a reason code. It is sent without the service's state database, which may be what is wrong; so each of
    these events has a subject of its own, and the last one of a service and reason counts.
    """

    TYPE: ClassVar[str] = "davtari.ServiceStateChanged.v1"
    TOPIC: ClassVar[str] = "operations"
    service: str
    reason: str
    condition: Literal["troubled", "well"]
    why: str = ""
    at: Instant

    @property
    def key(self) -> str:
        return f"service:{self.service}"

    @property
    def subject(self) -> str:
        return f"{self.key}:{self.reason}:{self.at.isoformat()}"
