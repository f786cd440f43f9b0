"""The accountant's gate: first documents of a new shape wait until a person approves them, who is named."""

from __future__ import annotations

from typing import ClassVar, Literal

from contracts.model import Event, Instant, Money, ShopId, Whole
from contracts.operations import Command


class ApprovalAsked(Event):
    """A document of a shape that is not approved yet is ready, and waits.

    `shape` is a combination of payment method, VAT rates, kind of refund, currency and sort of client, as words;
    `document` is the id of the delivery (`sale:main:17`).
    """

    TYPE: ClassVar[str] = "davtari.ApprovalAsked.v1"
    TOPIC: ClassVar[str] = "operations"
    shop: ShopId
    document: str
    kind: Literal["sale", "credit-note"]
    order_id: Whole
    refund_id: Whole | None = None
    shape: str
    total: Money
    currency: str
    asked_at: Instant

    @property
    def key(self) -> str:
        return f"approval:{self.document}"


class ApprovalGiven(Command):
    """A person approves a document, or with `document` left out its whole shape in this shop: all of it flows then."""

    TYPE: ClassVar[str] = "davtari.ApprovalGiven.v2"
    shop: ShopId
    shape: str
    document: str | None = None
    why: str = ""
