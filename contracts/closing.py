"""The close of a day: what a shop sold and gave back against what stands in the books, tied by a person's command."""

from __future__ import annotations

from typing import ClassVar, Literal

from contracts.model import Event, Instant, Money, Part, ShopId

Kind = Literal["order", "refund"]


class DayTotal(Part):
    """All documents of one kind in one currency: how many the shop has, and what both sides come to (positive)."""

    kind: Kind
    currency: str
    count: int
    shop: Money
    books: Money


class DayVat(Part):
    """Sales less refunds at one VAT rate, gross and the VAT inside, on both sides.

    `rate` is a percentage, `none` for what is untaxed, `?` where the shop states no rate.
    """

    currency: str
    rate: str
    shop_gross: Money
    shop_vat: Money
    books_gross: Money
    books_vat: Money


class DayDifference(Part):
    """An order or refund that the books do not hold as the shop says. `amount`: shop less books, for refunds too.

    `reason` is the code of its dead letter where there is one; `cause` says why, and what to do.
    """

    kind: Kind
    order_id: int
    number: str
    refund_id: int | None = None
    amount: Money
    currency: str
    reason: str | None = None
    cause: str


class DayClosed(Event):
    """A day of a shop (in Tbilisi) was tied to the books: green, or with every difference and its cause.

    `digest` stands for all documents of both sides: closing the day again gives the same one unless something changed.
    """

    TYPE: ClassVar[str] = "davtari.DayClosed.v1"
    TOPIC: ClassVar[str] = "operations"
    shop: ShopId
    date: str
    green: bool
    totals: tuple[DayTotal, ...]
    vat: tuple[DayVat, ...]
    differences: tuple[DayDifference, ...] = ()
    read_back: bool = False
    """Whether every document was read from Balance once more."""
    digest: str
    closed_by: str
    closed_at: Instant

    @property
    def key(self) -> str:
        return f"day:{self.shop}:{self.date}"
