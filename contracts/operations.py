"""Commands of people, their results, and dead letters."""

from __future__ import annotations

from base64 import b64decode
from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from contracts.catalog import GroupRule
from contracts.ledger import Attempt
from contracts.model import Content, Count, Event, Instant, Money, Part, Sealed, ShopId, Uid, Whole


def _is_base64(text: str) -> str:
    b64decode(text, validate=True)
    return text


def _is_day(text: str) -> str:
    date.fromisoformat(text)
    return text


Base64 = Annotated[str, AfterValidator(_is_base64)]
"""Bytes as text. Checked when the event is read, so that whoever decodes them later cannot fail."""
Day = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$"), AfterValidator(_is_day)]

COMMANDS = "commands"
"""The topic of what people ask and decide: every record has a signature in the header `ce_commandsignature`."""


class Command(Event):
    """What a person asks the services to do, or decides. It takes effect only with a valid signature."""

    TOPIC: ClassVar[str] = COMMANDS
    command_id: str
    asked_by: str
    asked_at: Instant

    @property
    def key(self) -> str:
        return self.command_id


class ImportRequested(Command):
    """Read this Balance resource now; in a dry run say what would be stated and state nothing.

    `accept_loss`: believe this snapshot although it loses many records (a person has looked). `discounts`: the prices
    are read for the sake of Balance's discounts; refused where the settings do not take them.
    """

    TYPE: ClassVar[str] = "davtari.ImportRequested.v2"
    resource: Literal["items", "prices", "stock"]
    dry_run: bool = False
    accept_loss: bool = False
    discounts: bool = False


class PushRequested(Command):
    """Export this order or refund now, without waiting for its trigger; in a dry run only plan the document."""

    TYPE: ClassVar[str] = "davtari.PushRequested.v2"
    document: Literal["order", "refund"]
    shop: ShopId
    order_id: Whole
    refund_id: Whole | None = None
    dry_run: bool = False


class ReadRequested(Command):
    """Read these orders of a shop with their refunds, and state what they are, also where that was stated before.

    The topics lack them or hold another state, a person has found: `davtari backfill orders`.
    """

    TYPE: ClassVar[str] = "davtari.ReadRequested.v2"
    shop: ShopId
    order_ids: tuple[Whole, ...] = Field(min_length=1, max_length=1000)


class PaymentReceived(Command):
    """Money for an order has arrived, a person says: a courier's remittance, a bank transfer, cash.

    `date` is its day in Tbilisi, `amount` in the order's currency; `method` replaces the order's own. The same
    payment entered twice is one payment: another of the same day and amount needs a `reference` of its own.
    """

    TYPE: ClassVar[str] = "davtari.PaymentReceived.v2"
    shop: ShopId
    order_id: Whole
    date: Day
    amount: Money = Field(gt=0)
    method: str = ""
    reference: str = ""
    dry_run: bool = False


class ReplayRequested(Command):
    """Try this dead letter again, at the consumer that failed."""

    TYPE: ClassVar[str] = "davtari.ReplayRequested.v2"
    dead_letter: str


class DiscardRequested(Command):
    """Give this dead letter up; `why` is kept for the audit."""

    TYPE: ClassVar[str] = "davtari.DiscardRequested.v2"
    dead_letter: str
    why: str


class EditRequested(Command):
    """Put this dead letter right and try it again under a new id; `why` and the changed places are kept for the audit.

    A delivery leaves with `payload` (and `person`) in place of what was refused, under the id `replacement`. A record
    has been published again, corrected, to its topic: `replacement` is the id of that event, `payload` stays empty.
    `changed` are JSON pointers.
    """

    TYPE: ClassVar[str] = "davtari.EditRequested.v2"
    dead_letter: str
    replacement: str
    changed: tuple[str, ...]
    why: str
    payload: Content = Field(default_factory=dict)
    person_ref: str | None = None
    person: Content | None = None
    sealed: Sealed = None


class PlannedChange(Part):
    """The planned change of an item, by its digest."""

    item: Uid
    digest: str


class ApplyRequested(Command):
    """Carry out these changes of a plan: one that is not the planned one any more is left out.

    A large plan comes in several of these under one `plan`.
    """

    TYPE: ClassVar[str] = "davtari.ApplyRequested.v2"
    shop: ShopId
    plan: str
    changes: tuple[PlannedChange, ...] = Field(max_length=1000)


class MappingRequested(Command):
    """From now on this is the category of a group of Balance in a shop; null: that of the settings."""

    TYPE: ClassVar[str] = "davtari.MappingRequested.v2"
    shop: ShopId
    group: Uid
    rule: GroupRule | None


class CommandSettled(Event):
    """The result of a command at one service. `already_closed`: refused because its dead letter was closed before."""

    TYPE: ClassVar[str] = "davtari.CommandSettled.v1"
    TOPIC: ClassVar[str] = "operations"
    command_id: str
    service: str
    outcome: Literal["done", "refused"]
    detail: str
    figures: dict[str, Whole] = Field(default_factory=dict)
    already_closed: bool = False
    settled_at: Instant

    @property
    def key(self) -> str:
        return self.command_id

    @property
    def subject(self) -> str:
        return f"{self.command_id}:{self.service}"


class FailedRecord(Part):
    """A Kafka record that could not be handled, byte for byte (base64), with its position."""

    topic: str
    partition: Whole
    offset: Whole
    timestamp: Whole
    key: Base64 | None
    value: Base64 | None
    headers: tuple[tuple[str, Base64 | None], ...]


class FailedDelivery(Part):
    """A delivery that was refused: its effect, its payload and its attempts.

    `blocked_on`: it waited for this named thing until its deadline; it goes by itself when the thing appears.
    """

    delivery_id: str
    subject: str
    kind: str
    lane: str
    payload: Content
    attempts: tuple[Attempt, ...] = ()
    blocked_on: str | None = None


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
    """Something that only a person can settle: a record or a delivery, its reason code and the fix.

    `replays`: how often it was replayed in a row and failed again with the same reason. `returns`: how often its cause
    was gone and came back. `replayof`: the dead letter whose correction this is.
    """

    TYPE: ClassVar[str] = "davtari.DeadLettered.v1"
    reason: str
    detail: str
    about: str
    shop: str | None = None
    record: FailedRecord | None = None
    delivery: FailedDelivery | None = None
    person_ref: str | None = None
    person: Content | None = None
    sealed: Sealed = None
    digest: str
    replays: Whole = 0
    returns: Count = 0
    replayof: str | None = None
    at: Instant


class DeadLetterSettled(_DeadLetterEvent):
    """A dead letter that is open no more: replayed, edited, discarded, or overtaken by a newer state.

    An edited one names its `replacement`: the delivery or event that was tried instead. `command`: what a person asked;
    null where no person closed it, and in records from before commands were signed.
    """

    TYPE: ClassVar[str] = "davtari.DeadLetterSettled.v1"
    how: Literal["replayed", "edited", "discarded", "overtaken"]
    by: str
    why: str = ""
    replacement: str | None = None
    command: str | None = None
    at: Instant
