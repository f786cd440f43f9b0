"""What is known of an item for a shop: its stock in Balance, and what the orders of all shops on its pool hold of it.

The settings name the warehouses that a shop sells from, by uid or by exact name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from contracts.balance import StockRow
from contracts.catalog import FigureLine
from contracts.delivery_ids import order_key
from contracts.model import Part, Uid
from services.accounting.documents.trigger import is_own_purchase
from services.engine.state.records import Kind, State
from services.settings.model import Settings
from services.settings.shop import ShopSettings
from services.settings.stock import StockSettings
from services.stock_publisher.claims import HeldPieces, StockReading, claims_on_item, held_by_orders
from services.stock_publisher.records import LINK, RESERVED, SALE, STOCK, Claim


class ShopWarehouse(Part):
    """A warehouse that occurred in a stock reading."""

    uid: Uid
    name: str | None = None


WAREHOUSE = Kind("warehouse", ShopWarehouse)


class UnknownWarehouse(Exception):
    """The settings name a warehouse that occurred in no stock reading, or whose name two warehouses share."""

    def __init__(self, entry: str, detail: str) -> None:
        super().__init__(detail)
        self.entry, self.detail = entry, detail


def remember_warehouses(rows: Iterable[StockRow], state: State) -> Iterator[str]:
    """Store the warehouses of a stock reading. Yields the names that were not known before."""
    named = {row.warehouse: row.warehouse_name for row in rows if row.warehouse_name}
    known = state.get_many(WAREHOUSE, named)
    for uid, name in named.items():
        warehouse = ShopWarehouse(uid=uid, name=name)
        if known.get(uid) != warehouse:
            state.put(WAREHOUSE, uid, warehouse, ref=name)
            yield name


def select_warehouses(entries: Iterable[str], state: State) -> tuple[ShopWarehouse, ...]:
    """Return the warehouses of `shops.<shop>.stock.warehouses`, each once. Raises `UnknownWarehouse`.

    A uid is always accepted, since an empty warehouse is in no reading; a name must have occurred in one.
    """
    warehouses = [_by_uid(entry, state) or _by_name(entry, state) for entry in entries]
    return tuple({warehouse.uid: warehouse for warehouse in warehouses}.values())


def warehouse_pool(entries: Iterable[str], state: State) -> frozenset[str]:
    """Return the uids of the entries that are known. Two shops whose pools overlap sell the same pieces."""
    uids = set()
    for entry in entries:
        by_uid = _by_uid(entry, state)
        uids |= {by_uid.uid} if by_uid else set(state.find(WAREHOUSE, entry))
    return frozenset(uids)


def _by_uid(entry: str, state: State) -> ShopWarehouse | None:
    try:
        uid = str(UUID(entry))
    except ValueError:
        return None
    return state.get(WAREHOUSE, uid) or ShopWarehouse(uid=uid)


def _by_name(entry: str, state: State) -> ShopWarehouse:
    match list(state.find(WAREHOUSE, entry).values()):
        case [warehouse]:
            return warehouse
        case []:
            raise UnknownWarehouse(
                entry,
                f"no stock reading contains a warehouse {entry!r}; write its exact name or its uid in stock.warehouses "
                "(for an empty warehouse the uid: Balance lists no rows for it)",
            )
        case several:
            uids = ", ".join(warehouse.uid for warehouse in several)
            raise UnknownWarehouse(entry, f"{len(several)} warehouses are named {entry!r}: {uids}; write the uid")


ZERO = Decimal(0)


def on_hand_lines(
    rows: Sequence[StockRow], warehouses: Sequence[ShopWarehouse], rules: StockSettings, now: datetime
) -> Iterator[FigureLine]:
    """Yield on hand − reserved − expiring, warehouse by warehouse (claims S0.7, S0.8, S4.22)."""
    for warehouse in warehouses:
        here = [row for row in rows if row.warehouse == warehouse.uid]
        source = f"Balance, warehouse {warehouse.name or warehouse.uid}"
        yield FigureLine(label="on hand", quantity=sum((row.quantity for row in here), ZERO), source=source)
        if rules.subtract_reserve and (reserve := sum(map(_reserve, here), ZERO)):
            yield FigureLine(label="reserved", quantity=-reserve, source=source)
        yield from _expiring(here, rules, now, source)


def _reserve(row: StockRow) -> Decimal:
    """Balance's reserve; a negative one would increase the figure and counts as none."""
    return max(row.reserve, ZERO)


def _expiring(rows: Sequence[StockRow], rules: StockSettings, now: datetime, source: str) -> Iterator[FigureLine]:
    """Lots that expire too soon to be sold (claim I13), without what is reserved of them."""
    if rules.expiring_days is None:
        return
    soon = [row for row in rows if row.valid_until and row.valid_until <= now + timedelta(days=rules.expiring_days)]
    held_back = sum((max(_unreserved(row, rules), ZERO) for row in soon), ZERO)
    if held_back:
        within = f"lots that expire within {rules.expiring_days} days"
        yield FigureLine(label="expiring", quantity=-held_back, source=f"{source}: {within}")


def _unreserved(row: StockRow, rules: StockSettings) -> Decimal:
    return row.quantity - (_reserve(row) if rules.subtract_reserve else ZERO)


def next_expiry(rows: Sequence[StockRow], rules: StockSettings, now: datetime) -> datetime | None:
    """Return when the next lot becomes too close to its expiry; None if none does."""
    if rules.expiring_days is None:
        return None
    ahead = timedelta(days=rules.expiring_days)
    return min(
        (row.valid_until - ahead for row in rows if row.valid_until and row.valid_until - ahead > now), default=None
    )


@dataclass(frozen=True, slots=True)
class ItemPosition:
    """One item for one shop: its stock in Balance, the warehouses sold from, and what orders hold that a reading does
    not contain yet. Quantities are in the item's base unit."""

    rows: Sequence[StockRow]
    warehouses: Sequence[ShopWarehouse]
    held: Sequence[HeldPieces]
    now: datetime

    def lines(self, rules: StockSettings) -> list[FigureLine]:
        """Return on hand − reserved − expiring − in flight."""
        return [
            *on_hand_lines(self.rows, self.warehouses, rules, self.now),
            *(_in_flight(order) for order in self.held),
        ]

    def free(self, rules: StockSettings) -> Decimal:
        """Return the sum of the lines; below 0 if orders hold more than there is."""
        return sum_lines(self.lines(rules))


@dataclass(frozen=True, slots=True)
class ShopOutlook:
    """A shop's view of the stock: its settings, and the warehouses that it sells from."""

    settings: Settings
    shop: str
    warehouses: tuple[ShopWarehouse, ...]
    state: State

    @property
    def rules(self) -> ShopSettings:
        """The shop's settings."""
        return self.settings.shops[self.shop]

    def sku_or_uid(self, item: str) -> str:
        """Return an item's SKU in the shop; its uid if the shop does not have it."""
        link = self.state.get(LINK, f"{self.shop}:{item}")
        return (link.sku if link else None) or item

    def position(self, item: str) -> ItemPosition:
        """Return an item as it is known now; an item that was never read has no stock."""
        stock = self.state.get(STOCK, item)
        return ItemPosition(stock.rows if stock else (), self.warehouses, self._held(item), self.state.now)

    def seen_at(self, item: str) -> datetime | None:
        """Return when the item's stock was read; for a kit without own stock, when its oldest component was read."""
        if stock := self.state.get(STOCK, item):
            return stock.observed_at
        parts = self.rules.stock.kits.get(item, ())
        times = [stock.observed_at for stock in self.state.get_many(STOCK, parts).values()]
        return min(times) if times and len(times) == len(parts) else None

    def _held(self, item: str) -> tuple[HeldPieces, ...]:
        if (seen_at := self.seen_at(item)) is None:
            return ()
        return tuple(held for shop in self._sharing() for held in self._held_by(shop, item, seen_at))

    def _sharing(self) -> Iterator[str]:
        """This shop, and every other shop that sells from the same pool (claim K25)."""
        ours = {warehouse.uid for warehouse in self.warehouses}
        for name, other in self.settings.shops.items():
            entries = [*other.stock.sold_from, *filter(None, [other.orders.warehouse]), *other.orders.every_warehouse]
            if name == self.shop or ours & warehouse_pool(entries, self.state):
                yield name

    def _held_by(self, shop: str, item: str, seen_at: datetime) -> tuple[HeldPieces, ...]:
        link = self.state.get(LINK, f"{shop}:{item}")
        if link is None:
            return ()
        rules = self.settings.shops[shop]
        reading = StockReading(item, seen_at, self.state.now, rules.stock.in_flight_days)
        claims = [one for one in claims_on_item(link, self.state).values() if is_own_purchase(one, rules.orders)]
        held = held_by_shop(shop, claims, reading, self.state, reserve=self.rules.stock.subtract_reserve)
        return held if shop == self.shop else tuple(replace(one, shop=shop) for one in held)


def held_by_shop(
    shop: str, claims: Sequence[Claim], reading: StockReading, state: State, *, reserve: bool
) -> tuple[HeldPieces, ...]:
    """Return what the orders of a shop hold of an item beyond a reading; `reserve`: whether that is subtracted."""
    keys = {claim.order_id: order_key(shop, claim.order_id) for claim in claims}
    sold = state.get_many(SALE, keys.values())
    reserved = state.get_many(RESERVED, keys.values()) if reserve else {}
    known = {n: [one for one in (sold.get(key), reserved.get(key)) if one] for n, key in keys.items()}
    return held_by_orders(claims, known, reading)


def sum_lines(lines: Sequence[FigureLine]) -> Decimal:
    """Return the sum of lines."""
    return sum((line.quantity for line in lines), ZERO)


def _in_flight(held: HeldPieces) -> FigureLine:
    of_shop = f" of shop {held.shop}" if held.shop else ""
    return FigureLine(
        label="in flight",
        quantity=-held.quantity,
        source=f"order {held.number}{of_shop}, {held.status}",
        orders=(str(held.order_id),),
    )
