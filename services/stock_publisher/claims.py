"""Which items the lines of orders mean, and what orders hold of the stock that Balance still counts.

A line means the item that its product is linked to, otherwise the one item with its SKU. An order holds its lines from
the moment that the shop accepts it until Balance's stock no longer contains them:

- A claim ends when the Sale is recorded **and** a stock reading of the item began after that. A reading alone proves
  nothing, and neither does the Sale: between the two, the pieces could be sold twice. Pieces added to the order after
  its Sale stay in flight.
- A sales order reserves the pieces in Balance. While it is open, a reading that began after it contains them as
  reserve; where the shop subtracts it, they are not subtracted again. Once the sales order ends, they are in flight
  again until the Sale is recorded, so that they count exactly once at any time.
- An order whose Sale never comes (it was entered in Balance by hand, or is older than Davtari) would be subtracted for
  ever. A claim therefore lasts at most `stock.in_flight_days` (14 by default) from the acceptance. A longer
  time shows too little stock, a shorter one can sell pieces twice.
- A part of a purchase that a marketplace splits holds nothing: its parent holds the whole (claim K26).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from contracts.catalog import ProductLinked
from contracts.ledger import SaleRecorded
from contracts.model import Part, Uid
from contracts.sales_orders import SalesOrderRecorded
from services.accounting.documents.lines import SKU_LINK, items_by_sku, normalize_sku, sku_ref, store_skus
from services.engine.state.records import Kind, State
from services.stock_publisher.records import (
    CLAIM,
    LINK,
    MOVES,
    SKU_CLAIM,
    SKU_MOVES,
    BookedPieces,
    Claim,
    SkuMoves,
    StockMoves,
)
from services.stock_publisher.shop_order import OrderedPieces, ShopOrder

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class HeldPieces:
    """The pieces that an order holds of one item until a given time; `shop` is set for an order of another shop."""

    order_id: int
    number: str
    status: str
    quantity: Decimal
    until: datetime
    shop: str = ""


@dataclass(frozen=True, slots=True)
class StockReading:
    """The stock reading of an item that claims are compared with: it began at `seen_at` and is evaluated at `now`.

    `days` is the setting `stock.in_flight_days`.
    """

    item: Uid
    seen_at: datetime
    now: datetime
    days: int


def claims_of_order(order: ShopOrder) -> dict[str, Claim]:
    """Return what an order holds, by the names of its products."""
    if order.accepted_at is None:
        return {}
    known = {name: getattr(order, name) for name in ("order_id", "number", "status", "parent_id", "created_via")}
    return {
        name: Claim(product=one.product, sku=one.sku, quantity=one.quantity, accepted_at=order.accepted_at, **known)
        for name, one in order.holding.items()
    }


def sold_pieces(event: SaleRecorded) -> BookedPieces:
    """Return what a recorded Sale took from Balance's stock; nothing while it is not posted there."""
    quantities: dict[str, Decimal] = defaultdict(Decimal)
    for line in event.lines:
        if line.kind == "product" and event.posted:
            quantities[line.item] += line.quantity
    return BookedPieces(recorded_at=event.recorded_at, quantities=dict(quantities))


def reserved_pieces(event: SalesOrderRecorded) -> BookedPieces:
    """Return what a sales order reserves, as read back from Balance."""
    quantities: dict[str, Decimal] = defaultdict(Decimal)
    for pieces in event.reserved:
        quantities[pieces.item] += pieces.quantity
    return BookedPieces(recorded_at=event.recorded_at, quantities=dict(quantities))


def held_by_orders(
    claims_of: Iterable[Claim], contained: Mapping[int, Sequence[BookedPieces]], reading: StockReading
) -> tuple[HeldPieces, ...]:
    """Return what orders hold of an item that a reading does not contain, from their claims on all its products.

    `contained`: the Sale and the reserving sales order of each order, as far as they are recorded.
    """
    by_order: dict[int, list[Claim]] = defaultdict(list)
    for claim in claims_of:
        by_order[claim.order_id].append(claim)
    each = (held_by_order(found, contained[order_id], reading) for order_id, found in sorted(by_order.items()))
    return tuple(one for one in each if one)


def held_by_order(
    of_order: Sequence[Claim], contained: Sequence[BookedPieces], reading: StockReading
) -> HeldPieces | None:
    """Return what a reading does not contain yet of an order's claims on an item; None if it contains all."""
    first = of_order[0]
    until = first.accepted_at + timedelta(days=reading.days)
    pieces = sum((claim.quantity for claim in of_order), ZERO)
    left = pieces - max((_contained(one, reading) for one in contained), default=ZERO)
    if left <= 0 or reading.now >= until:
        return None
    return HeldPieces(first.order_id, first.number, first.status, left, until)


def _contained(known: BookedPieces, reading: StockReading) -> Decimal:
    return ZERO if reading.seen_at <= known.recorded_at else known.quantities.get(reading.item, ZERO)


Kits = Mapping[str, Mapping[str, Decimal]]


class LinkedProduct(Part):
    """A product that is linked to an item: its own, or a further one (a translation)."""

    item: Uid


LINKED = Kind("linked-product", LinkedProduct)
"""By shop:item:product; found by shop:product."""


def product_ref(shop: str, product: int) -> str:
    """Return the reference of a product or variation of a shop."""
    return f"{shop}:{product}"


def remember_link(link: ProductLinked, state: State) -> set[str]:
    """Store a link. Returns the items whose orders may have changed: those that share its SKU, before or after."""
    affected = forget_link(before, state) if (before := state.get(LINK, link.key)) else set()
    state.put(LINK, link.key, link)
    linked = LinkedProduct(item=link.item)
    for product in link.product_ids:
        state.put(LINKED, f"{link.key}:{product}", linked, ref=product_ref(link.shop, product))
    store_skus(link, state)
    return affected | _items_with_sku(link, state)


def forget_link(link: ProductLinked, state: State) -> set[str]:
    """Drop a link. Returns the items whose orders may have changed."""
    affected = _items_with_sku(link, state)
    for product in link.product_ids:
        state.drop(LINKED, f"{link.key}:{product}")
    state.drop(LINK, link.key)
    state.drop(SKU_LINK, link.key)
    return affected


def _items_with_sku(link: ProductLinked, state: State) -> set[str]:
    """The item of a link, and those whose products have its SKU."""
    return {link.item, *items_by_sku(link.shop, [link.sku], state).get(link.sku, ())}


def items_of_lines(shop: str, lines: Iterable[OrderedPieces | Claim], state: State) -> list[tuple[str, ...]]:
    """Return the items that each line means: those its product is linked to, otherwise the one item with its SKU."""
    lines = list(lines)
    linked = _linked_items(shop, lines, state)
    by_sku = items_by_sku(shop, (line.sku for line in lines if line.product not in linked), state)
    return [linked.get(line.product) or _sole(by_sku.get(line.sku, ())) for line in lines]


def _sole(items: tuple[str, ...]) -> tuple[str, ...]:
    return items if len(items) == 1 else ()


def _linked_items(shop: str, lines: Iterable[OrderedPieces | Claim], state: State) -> dict[int, tuple[str, ...]]:
    """The items that the products of lines are linked to, by product."""
    refs = {line.product: product_ref(shop, line.product) for line in lines if line.product}
    found = state.find_many(LINKED, refs.values())
    return {
        product: tuple(sorted({linked.item for linked in found[ref].values()}))
        for product, ref in refs.items()
        if found[ref]
    }


def claims_on_item(link: ProductLinked, state: State) -> dict[str, Claim]:
    """Return what orders hold of an item, by key: of its products, and of unlinked products with its SKU."""
    by_product = state.find_many(CLAIM, (product_ref(link.shop, product) for product in link.product_ids))
    found = {key: claim for claims in by_product.values() for key, claim in claims.items()}
    by_sku = state.find(SKU_CLAIM, sku_ref(link.shop, link.sku))
    meant = items_of_lines(link.shop, by_sku.values(), state)
    return found | {key: one for (key, one), items in zip(by_sku.items(), meant, strict=True) if items == (link.item,)}


def stock_moves(link: ProductLinked, state: State) -> int:
    """Return how often orders may have made the shop change the stock of an item's products by itself.

    It does not depend on whether orders or links were read first: in a rebuilt database they arrive in any order.
    """
    products = state.get_many(MOVES, (product_ref(link.shop, product) for product in link.product_ids))
    by_sku = state.find(SKU_MOVES, sku_ref(link.shop, link.sku)).values()
    linked = state.find_many(LINKED, (product_ref(link.shop, moves.product) for moves in by_sku if moves.product))
    unlinked = [moves for moves in by_sku if not linked.get(product_ref(link.shop, moves.product))]
    return sum(moves.count for moves in products.values()) + sum(moves.count for moves in unlinked)


def record_moves(shop: str, lines: Iterable[OrderedPieces], state: State) -> None:
    """Count a movement of each line for its product, and for its SKU, which counts while that product is not linked."""
    lines = list(lines)
    products = Counter(product_ref(shop, line.product) for line in lines if line.product)
    known = state.get_many(MOVES, products)
    for ref, count in products.items():
        state.put(MOVES, ref, StockMoves(count=count + (known[ref].count if ref in known else 0)))
    skus = Counter((sku_ref(shop, line.sku), line.product) for line in lines if normalize_sku(line.sku))
    known_skus = state.get_many(SKU_MOVES, (f"{ref}|{product}" for ref, product in skus))
    for (ref, product), count in skus.items():
        before = known_skus.get(f"{ref}|{product}")
        moves = SkuMoves(product=product, count=count + (before.count if before else 0))
        state.put(SKU_MOVES, f"{ref}|{product}", moves, ref=ref)


def kit_family(kits: Kits, item: str) -> frozenset[str]:
    """Return all items whose figures can change with this one's, through kits (claim S3.20)."""
    members, new = {item}, {item}
    while new:
        groups = [{kit, *parts} for kit, parts in kits.items()]
        new = {each for group in groups if group & members for each in group} - members
        members |= new
    return frozenset(members)
