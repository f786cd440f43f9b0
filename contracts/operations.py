"""Commands of people and schedules, what became of them, and dead letters."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from contracts.ledger import Attempt
from contracts.model import Event, Instant, Part, ShopId


class _Command(Event):
    TOPIC: ClassVar[str] = "operations"
    command_id: str
    asked_by: str
    asked_at: Instant

    @property
    def key(self) -> str:
        return self.command_id


class ImportRequested(_Command):
    """Read this Balance resource now; in a dry run say what would be stated and state nothing.

    `accept_loss`: believe this snapshot although it loses many records (a person has looked).
    """

    TYPE: ClassVar[str] = "davtari.ImportRequested.v1"
    resource: Literal["items", "prices", "stock"]
    dry_run: bool = False
    accept_loss: bool = False


class PushRequested(_Command):
    """Export this order or refund now, without waiting for its trigger; in a dry run only plan the document."""

    TYPE: ClassVar[str] = "davtari.PushRequested.v1"
    document: Literal["order", "refund"]
    shop: ShopId
    order_id: int
    refund_id: int | None = None
    dry_run: bool = False


class ReplayRequested(_Command):
    """Try this dead letter again, at the consumer that failed."""

    TYPE: ClassVar[str] = "davtari.ReplayRequested.v1"
    dead_letter: str


class DiscardRequested(_Command):
    """Give this dead letter up; `why` is kept for the audit."""

    TYPE: ClassVar[str] = "davtari.DiscardRequested.v1"
    dead_letter: str
    why: str


class CommandSettled(Event):
    """What became of a command at one service."""

    TYPE: ClassVar[str] = "davtari.CommandSettled.v1"
    TOPIC: ClassVar[str] = "operations"
    command_id: str
    service: str
    outcome: Literal["done", "refused"]
    detail: str
    figures: dict[str, int] = Field(default_factory=dict)
    settled_at: Instant

    @property
    def key(self) -> str:
        return self.command_id

    @property
    def subject(self) -> str:
        return f"{self.command_id}:{self.service}"


class FailedRecord(Part):
    """A Kafka record that could not be handled, byte for byte (base64), with where it stood."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: str | None
    value: str | None
    headers: tuple[tuple[str, str | None], ...]


class FailedDelivery(Part):
    """A delivery that was refused: its effect, its payload and its attempts."""

    delivery_id: str
    subject: str
    kind: str
    lane: str
    payload: dict[str, Any]
    attempts: tuple[Attempt, ...] = ()


class _DeadLetterEvent(Event):
    TOPIC: ClassVar[str] = "dead-letters"
    dead_letter: str
    service: str
    original_key: str

    @property
    def key(self) -> str:
        return self.original_key

    @property
    def subject(self) -> str:
        return self.dead_letter


class DeadLettered(_DeadLetterEvent):
    """Something that only a person can settle: a record or a delivery, its reason code and the fix."""

    TYPE: ClassVar[str] = "davtari.DeadLettered.v1"
    reason: str
    detail: str
    about: str
    shop: str | None = None
    record: FailedRecord | None = None
    delivery: FailedDelivery | None = None
    person_ref: str | None = None
    person: dict[str, Any] | None = None
    digest: str
    at: Instant


class DeadLetterSettled(_DeadLetterEvent):
    """A dead letter that is open no more: replayed, discarded, or overtaken by a newer state."""

    TYPE: ClassVar[str] = "davtari.DeadLetterSettled.v1"
    how: Literal["replayed", "discarded", "overtaken"]
    by: str
    why: str = ""
    at: Instant
