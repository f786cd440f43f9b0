"""The close of a day: what a shop sold and refunded compared with the books, confirmed by a person's command."""

from __future__ import annotations

from typing import ClassVar, Literal

from contracts.model import Event, Instant, Money, Part, ShopId, Whole
from contracts.operations import COMMANDS, Command

Kind = Literal["order", "refund", "payment"]


class DayTotal(Part):
    """All documents of one kind in one currency: how many the shop has, and what both sides come to (positive)."""

    kind: Kind
    currency: str
    count: Whole
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


class DayPlaced(Part):
    """The orders placed on the day in one status and currency: what the shop lists, and what the topics hold.

    `part_of_parent`: they belong to another order, whose Sale holds them.
    """

    status: str
    currency: str
    part_of_parent: bool = False
    shop_count: Whole
    shop: Money
    topics_count: Whole
    topics: Money


class Acceptance(Part):
    """Who accepted a difference, and why."""

    by: str
    why: str
    at: Instant


class DayDifference(Part):
    """An order, refund or payment that the books do not hold as the shop says. `amount`: shop less books, always.

    `reason` is the code of its dead letter where there is one; `cause` says why, and what to do. `figures` identifies
    all that both sides say: `accepted` holds for these figures alone.
    """

    kind: Kind
    order_id: Whole
    number: str
    refund_id: Whole | None = None
    amount: Money
    currency: str
    payment: str | None = None
    reason: str | None = None
    cause: str
    figures: str = ""
    accepted: Acceptance | None = None

    @property
    def name(self) -> str:
        """How a person names it: `order:1042`, `refund:1042:1051`, `payment:1042:order`."""
        part = self.payment or self.refund_id
        return f"{self.kind}:{self.order_id}" + ("" if part is None else f":{part}")


class DifferenceAccepted(Command):
    """A person accepts differences of an order, refund or payment on this day, with these figures on both sides."""

    TYPE: ClassVar[str] = "davtari.DifferenceAccepted.v2"
    shop: ShopId
    date: str
    difference: str
    figures: tuple[str, ...]
    why: str

    @property
    def key(self) -> str:
        return f"accepted:{self.shop}:{self.date}:{self.difference}"

    @property
    def subject(self) -> str:
        return self.command_id


class DayClosed(Event):
    """A day of a shop (in Tbilisi) was tied to the books: green when the shop was asked and no difference is left open.

    `digest` identifies all documents of both sides: closing the day again gives the same one unless something changed.
    """

    TYPE: ClassVar[str] = "davtari.DayClosed.v2"
    TOPIC: ClassVar[str] = COMMANDS
    shop: ShopId
    date: str
    green: bool
    totals: tuple[DayTotal, ...]
    vat: tuple[DayVat, ...]
    differences: tuple[DayDifference, ...] = ()
    read_back: bool = False
    """Whether every document was read from Balance once more."""
    shop_asked: bool = False
    """Whether the shop was asked what it holds now. A day that was closed without that is not green."""
    placed: tuple[DayPlaced, ...] = ()
    digest: str
    closed_by: str
    closed_at: Instant

    @property
    def key(self) -> str:
        return f"day:{self.shop}:{self.date}"
