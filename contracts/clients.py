"""Whose orders go to which client of Balance by a person's word, and what both sides hold of a client's contacts."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from contracts.model import Event, Instant, Part, Sealed, ShopId, Uid, Whole
from contracts.operations import Command

ContactField = Literal["phone", "email", "address"]
Side = Literal["balance", "shop"]


class ClientAssigned(Command):
    """From now on the orders of this identity (or of this person) go to this client of Balance.

    Documents that exist in Balance are not changed. `client` null revokes an earlier assignment.
    """

    TYPE: ClassVar[str] = "davtari.ClientAssigned.v2"
    shop: ShopId
    identity: str | None = Field(default=None, description="opaque: the uid derived from a personal or company number")
    person_ref: str | None = None
    client: Uid | None
    why: str


class Contacts(Part):
    """How one side says that somebody is reached; empty where it says nothing."""

    phone: str = ""
    email: str = ""
    address: str = ""


class ContactsOfBoth(Part):
    """The contacts of one person in the shop and in Balance."""

    person_ref: str
    shop: Contacts = Contacts()
    balance: Contacts = Contacts()


class _ContactsEvent(Event):
    TOPIC: ClassVar[str] = "operations"
    shop: ShopId
    order_id: Whole = Field(gt=0, description="the order that brought the shop's contacts")
    client: Uid
    person_ref: str
    person: ContactsOfBoth | None = None
    sealed: Sealed = None

    @property
    def key(self) -> str:
        return f"contacts:{self.shop}:{self.client}"


class ContactsMerged(_ContactsEvent):
    """The contacts of shop and Balance after they were merged: the base of the next merge.

    `fields` were compared; `unsettled` wait for a person and keep their earlier base. `settled`: commands carried out.
    """

    TYPE: ClassVar[str] = "davtari.ContactsMerged.v1"
    order_at: Instant
    fields: tuple[ContactField, ...]
    to_balance: tuple[ContactField, ...] = ()
    to_shop: tuple[ContactField, ...] = ()
    unsettled: tuple[ContactField, ...] = ()
    settled: tuple[str, ...] = ()
    merged_at: Instant


class ContactConflict(Part):
    """A contact that both sides changed. `taken` is the side that counts, null while a person must say."""

    field: ContactField
    policy: Literal["balance", "shop", "newest", "ask"]
    taken: Side | None = None


class ContactsConflicted(_ContactsEvent):
    """Shop and Balance have both changed the same contacts of a client; both values are in `person`."""

    TYPE: ClassVar[str] = "davtari.ContactsConflicted.v1"
    conflicts: tuple[ContactConflict, ...]
    seen_at: Instant


class ContactSettled(Command):
    """A person's word on which side is right about a contact that waits."""

    TYPE: ClassVar[str] = "davtari.ContactSettled.v2"
    shop: ShopId
    client: Uid
    field: ContactField
    take: Side
    why: str
