"""Which shop is behind a shop's short id: what it was known by when it was first met, and that another one answers."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from contracts.model import Count, Event, Instant, ShopId
from contracts.operations import Command


class _Identity(Event):
    TOPIC: ClassVar[str] = "operations"
    shop: ShopId
    url: str = Field(description="the address that the settings name, without scheme")
    home: str = Field(description="the address that the shop itself reports, without scheme")
    key_mark: str = Field(description="a digest of the REST key; the key cannot be derived from it")
    marker: str | None = Field(default=None, description="our mark in the shop; a copy has it too")
    newest_order: Count = Field(default=0, description="the highest order number there")
    at: Instant

    @property
    def key(self) -> str:
        return f"identity:{self.shop}"


class ShopIdentified(_Identity):
    """This is the shop from now on: met for the first time, marked, or accepted by a person who has looked.

    It is published again, with `why`, when a weak sign has changed (the REST key) and when a block has ended by itself.
    """

    TYPE: ClassVar[str] = "davtari.ShopIdentified.v1"
    how: Literal["first-contact", "marked", "accepted"]
    by: str = ""
    why: str = ""
    command: str = Field(default="", description="the last command that accepted this shop")


class ShopNotRecognized(_Identity):
    """What answers is not the shop that is known: nothing is read from it or written for it until what differs is gone
    or a person has accepted it."""

    TYPE: ClassVar[str] = "davtari.ShopNotRecognized.v1"
    differences: tuple[str, ...]


class AcceptShopRequested(Command):
    """What answers under this shop's address now is the shop: a person has looked. `why` is kept for the audit."""

    TYPE: ClassVar[str] = "davtari.AcceptShopRequested.v2"
    shop: ShopId
    why: str
