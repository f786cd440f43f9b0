"""What store-feed states about customer accounts: that one was deleted. They contain nothing about its owner.

Balance is never written to because of it: a client and his documents outlive his account.
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from contracts.model import Event, Instant, ShopId, Whole


class _CustomerEvent(Event):
    TOPIC: ClassVar[str] = "shop.customers"
    shop: ShopId
    customer_id: Whole = Field(gt=0)
    person_ref: str = Field(description="the account's own reference: that of its orders while they name the account")
    observed_at: Instant

    @property
    def key(self) -> str:
        return f"{self.shop}:{self.customer_id}"


class CustomerRemoved(_CustomerEvent):
    """An account that orders were placed with and that the shop no longer holds; they are a guest's from then on."""

    TYPE: ClassVar[str] = "davtari.CustomerRemoved.v1"


class CustomerReturned(_CustomerEvent):
    """An account that was gone answers again, e.g. from a backup."""

    TYPE: ClassVar[str] = "davtari.CustomerReturned.v1"
