"""What web orders hold of the stock that Balance's figure still contains.

An order holds its lines from the moment that the shop accepts it until Balance's figure has them out:

- It leaves when its Sale is recorded **and** a stock reading of the item was begun after that: such a reading contains
  the Sale. One reading alone proves nothing, the Sale alone neither: between the two the pieces would be sold twice.
  What an order was raised by after its Sale stays in flight.
- A sales order reserves the pieces in Balance. While it stands, a reading that was begun after it contains them as
  reserve, where the shop subtracts that: they are not subtracted again. From its end on they are in flight as before,
  until the Sale has them out, so that they count once at any time.
- An order whose Sale never comes (entered in Balance by hand, or older than Davtari) would be subtracted for ever.
  It therefore holds for `stock.in_flight_days` (14 by default) from its acceptance; from then on Balance's figure
  is believed. Too long a time shows too little stock, too short a time can sell twice.
- A part of a purchase that a marketplace splits holds nothing: its parent holds the whole (claim K26).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from contracts.ledger import SaleRecorded
from contracts.model import Instant, Part, Quantity, Uid
from contracts.sales_orders import SalesOrderRecorded
from services.stock_publisher.shop_order import ShopOrder

ZERO = Decimal(0)


class Claim(Part):
    """What one order holds of one product; `parent_id` and `created_via` tell whether it is a purchase of its own."""

    order_id: int
    number: str
    status: str
    product: int
    sku: str = ""
    quantity: Quantity
    accepted_at: Instant
    parent_id: int = 0
    created_via: str = ""


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


def claims(order: ShopOrder) -> dict[str, Claim]:
    """What an order holds, by the names of its products."""
    if order.accepted_at is None:
        return {}
    known = {name: getattr(order, name) for name in ("order_id", "number", "status", "parent_id", "created_via")}
    return {
        name: Claim(product=one.product, sku=one.sku, quantity=one.quantity, accepted_at=order.accepted_at, **known)
        for name, one in order.holding.items()
    }


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


def all_held(claims_of: Iterable[Claim], contained: Mapping[int, Sequence[Sold]], reading: Reading) -> tuple[Held, ...]:
    """Everything that orders hold of an item beyond a reading, from their claims on all its products.

    `contained`: by order what Balance knows of it, the Sale and the sales order that reserves.
    """
    by_order: dict[int, list[Claim]] = defaultdict(list)
    for claim in claims_of:
        by_order[claim.order_id].append(claim)
    each = (held(found, contained[order_id], reading) for order_id, found in sorted(by_order.items()))
    return tuple(one for one in each if one)


def held(of_order: Sequence[Claim], contained: Sequence[Sold], reading: Reading) -> Held | None:
    """What of an order's claims on an item the reading does not contain yet; None when there is nothing."""
    first = of_order[0]
    until = first.accepted_at + timedelta(days=reading.days)
    pieces = sum((claim.quantity for claim in of_order), ZERO)
    left = pieces - max((_contained(one, reading) for one in contained), default=ZERO)
    if left <= 0 or reading.now >= until:
        return None
    return Held(first.order_id, first.number, first.status, left, until)


def _contained(known: Sold, reading: Reading) -> Decimal:
    return ZERO if reading.seen_at <= known.recorded_at else known.quantities.get(reading.item, ZERO)
