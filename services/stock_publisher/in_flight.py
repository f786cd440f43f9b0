"""Web orders that hold stock which Balance's figure still contains.

An order holds its lines from the moment that the shop accepts it until Balance's figure has them out:

- WooCommerce takes stock off at `processing`, `on-hold` and `completed`, not at `pending`, and gives it back at
  `cancelled`, `refunded` and `failed` (API fact: reference section 6). A status that a plugin made (`packed`) says
  nothing about stock: the order goes on as it was, and a paid one that was never seen before holds.
- It leaves when its Sale is recorded **and** a stock reading of the item was begun after that: such a reading contains
  the Sale. One reading alone proves nothing, the Sale alone neither: between the two the pieces would be sold twice.
  What an order was raised by after its Sale stays in flight.
- A sales order reserves the pieces in Balance. While it stands, a reading that was begun after it contains them as
  reserve, where the shop subtracts that: they are not subtracted again. From its end on they are in flight as before,
  until the Sale has them out, so that they count once at any time.
- An order whose Sale never comes (entered in Balance by hand, or older than Davtari) would be subtracted for ever.
  It therefore holds for `stock.in_flight_days` (14 by default) from its acceptance; from then on Balance's figure
  is believed. Too long a time shows too little stock, too short a time can sell twice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from contracts.ledger import SaleRecorded
from contracts.model import Instant, Part, Quantity, Uid
from contracts.sales_orders import SalesOrderRecorded
from contracts.shop import OrderChanged, OrderUnreadable

ACCEPTED = frozenset({"processing", "on-hold", "completed"})
NOT_ACCEPTED = frozenset(
    {"pending", "cancelled", "refunded", "failed", "trash", "draft", "auto-draft", "checkout-draft"}
)
ZERO = Decimal(0)


class ShopOrder(Part):
    """What an order asks for: pieces by product (or variation) id, and since when the shop has accepted it."""

    shop: str
    order_id: int
    number: str
    status: str
    asked: dict[int, Quantity]
    refund_ids: tuple[int, ...] = ()
    accepted_at: Instant | None = None

    @property
    def key(self) -> str:
        return f"{self.shop}:{self.order_id}"

    @property
    def holding(self) -> dict[int, Decimal]:
        """The pieces that the shop has taken off its stock for this order."""
        return self.asked if self.accepted_at else {}


class Claim(Part):
    """One order's hold on one product."""

    order_id: int
    number: str
    status: str
    quantity: Quantity
    accepted_at: Instant


class Sold(Part):
    """A recorded Sale: when, and how many pieces of each item."""

    recorded_at: Instant
    quantities: dict[Uid, Quantity]


@dataclass(frozen=True, slots=True)
class Held:
    """What an order holds of one item, in pieces, and until when at most; `shop` only for an order of another shop."""

    order_id: int
    number: str
    status: str
    quantity: Decimal
    until: datetime
    shop: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """The stock reading of an item that claims are held against: begun at `seen_at`, looked at `now`."""

    item: Uid
    seen_at: datetime
    now: datetime
    days: int


def order(event: OrderChanged, before: ShopOrder | None) -> ShopOrder:
    """The order as it now holds stock, knowing how it stood before."""
    return ShopOrder(
        shop=event.shop,
        order_id=event.order_id,
        number=event.number,
        status=event.status,
        asked=_asked(event),
        refund_ids=tuple(sorted(event.refund_ids)),
        accepted_at=_accepted_at(event, before),
    )


def unreadable(event: OrderUnreadable, before: ShopOrder | None) -> ShopOrder:
    """The order as it holds stock while it cannot be read: never less than before, unless its status gives it back.

    Of each product the larger of both quantities counts: what cannot be read may still ask for what was known.
    """
    asked = _readable(event)
    known = before.asked if before else {}
    return ShopOrder(
        shop=event.shop,
        order_id=event.order_id,
        number=event.number or (before.number if before else str(event.order_id)),
        status=event.status or (before.status if before else ""),
        asked={id_: max(asked.get(id_, ZERO), known.get(id_, ZERO)) for id_ in asked.keys() | known.keys()},
        refund_ids=before.refund_ids if before else (),
        accepted_at=_still_accepted_at(event, before),
    )


def _readable(event: OrderUnreadable) -> dict[int, Decimal]:
    asked: dict[int, Decimal] = defaultdict(Decimal)
    for line in event.lines:
        product = line.variation_id or line.product_id
        if product and line.quantity > 0:
            asked[product] += line.quantity
    return dict(asked)


def _still_accepted_at(event: OrderUnreadable, before: ShopOrder | None) -> datetime | None:
    unknown = before is None and not event.status  # nobody can tell: rather too little for sale than one piece twice
    if not (unknown or _accepted(event, before)):
        return None
    if before and before.accepted_at:
        return before.accepted_at
    known = (event.paid_at, event.modified_at) if before is None else (event.modified_at,)
    return min((when for when in known if when), default=event.observed_at)


def _asked(event: OrderChanged) -> dict[int, Decimal]:
    asked: dict[int, Decimal] = defaultdict(Decimal)
    for line in event.lines:
        product = line.variation_id or line.product_id
        if line.kind == "product" and product and line.quantity > 0:
            asked[product] += line.quantity
    return dict(asked)


def _accepted_at(event: OrderChanged, before: ShopOrder | None) -> datetime | None:
    """The acceptance that was seen first counts; of an order seen for the first time the earliest known moment."""
    if not _accepted(event, before):
        return None
    if before is None:
        return min(when for when in (event.paid_at, event.completed_at, event.modified_at) if when)
    return before.accepted_at or event.modified_at


def _accepted(event: OrderChanged | OrderUnreadable, before: ShopOrder | None) -> bool:
    if event.status in ACCEPTED or event.status in NOT_ACCEPTED:
        return event.status in ACCEPTED
    return before.accepted_at is not None if before else event.paid_at is not None


def claims(order_: ShopOrder) -> dict[int, Claim]:
    """The order's holds by product id."""
    if order_.accepted_at is None:
        return {}
    known = {"order_id": order_.order_id, "number": order_.number, "status": order_.status}
    return {
        product: Claim(quantity=quantity, accepted_at=order_.accepted_at, **known)
        for product, quantity in order_.holding.items()
    }


def moved(before: ShopOrder | None, after: ShopOrder | None) -> set[int]:
    """The products whose stock the shop itself may have moved between two states of an order.

    A refund may have put pieces back (API fact: restock is the default), so a change of the refunds counts as a move.
    So does an order that is already refunded when it is first seen: it took its pieces, and may have kept them off the
    shelf (API fact: a status set to `refunded` by hand restocks nothing).
    """
    held, holds = before.holding if before else {}, after.holding if after else {}
    if after and after.refund_ids != (before.refund_ids if before else ()):
        return held.keys() | holds.keys() | after.asked.keys()
    return {product for product in held.keys() | holds.keys() if held.get(product) != holds.get(product)}


def sold(event: SaleRecorded) -> Sold:
    """What a recorded Sale took out of Balance's stock; nothing yet where it waits there to be posted."""
    quantities: dict[str, Decimal] = defaultdict(Decimal)
    for line in event.lines:
        if line.kind == "product" and event.posted:
            quantities[line.item] += line.quantity
    return Sold(recorded_at=event.recorded_at, quantities=dict(quantities))


def reserved(event: SalesOrderRecorded) -> Sold:
    """What a sales order keeps in Balance's reserve, as Balance says itself."""
    quantities: dict[str, Decimal] = defaultdict(Decimal)
    for pieces in event.reserved:
        quantities[pieces.item] += pieces.quantity
    return Sold(recorded_at=event.recorded_at, quantities=dict(quantities))


def all_held(
    claims_of: Mapping[str, Claim], contained: Mapping[str, Sequence[Sold]], reading: Reading
) -> tuple[Held, ...]:
    """Everything that orders hold of an item beyond a reading; claims and what Balance knows of them by the same keys:
    the Sale, the sales order that reserves."""
    each = (held(claim, contained[key], reading) for key, claim in claims_of.items())
    return tuple(sorted((one for one in each if one), key=lambda one: one.order_id))


def held(claim: Claim, contained: Sequence[Sold], reading: Reading) -> Held | None:
    """What of a claim the reading does not contain yet; None when there is nothing."""
    until = claim.accepted_at + timedelta(days=reading.days)
    left = claim.quantity - max((_contained(one, reading) for one in contained), default=ZERO)
    if left <= 0 or reading.now >= until:
        return None
    return Held(claim.order_id, claim.number, claim.status, left, until)


def _contained(known: Sold, reading: Reading) -> Decimal:
    return ZERO if reading.seen_at <= known.recorded_at else known.quantities.get(reading.item, ZERO)
