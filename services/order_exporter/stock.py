"""Stock by warehouse: readings, pieces promised to orders since, and Sales that wait for goods (claim S3.39)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from contracts.balance import ItemChanged, StockChanged
from contracts.envelope import Envelope
from contracts.model import Event, Instant, Part, Quantity, Uid
from contracts.order_statuses import is_void
from contracts.placement import Pieces, SalePostponed, WarehouseChosen
from contracts.reasons import Reason
from contracts.shop import OrderChanged
from services.accounting.documents.order_edits import books_digest
from services.accounting.documents.push import Push
from services.engine.outbox.handlers import Remember
from services.engine.outbox.outcome import Blocked
from services.engine.state.records import Kind, State
from services.order_exporter.projection import ORDER, SALE

ZERO = Decimal(0)


class FreeStockReading(Part):
    """What a reading of an item found free in each warehouse: on hand less reserve, lots added up."""

    warehouses: dict[Uid, Quantity]
    observed_at: Instant


class KnownWarehouse(Part):
    """A warehouse that a stock reading named."""

    uid: Uid


class ServiceItem(Part):
    """An item without stock."""


class StockPromise(Part):
    """The pieces of an item that an order takes from a warehouse."""

    order: str
    warehouse: Uid
    quantity: Quantity


FREE = Kind("stock-free", FreeStockReading)
"""By item."""
WAREHOUSE = Kind("warehouse", KnownWarehouse)
"""By uid; the name is the reference."""
SERVICE_ITEM = Kind("service-item", ServiceItem)
"""By item."""
CHOSEN = Kind("warehouse-chosen", WarehouseChosen)
"""By order."""
PROMISE = Kind("stock-promise", StockPromise)
"""By order and item; the item is the reference."""


def warehouse_name(name: str) -> str:
    """What an order is blocked on while the warehouse of this name is unknown."""
    return f"warehouse:{name}"


def stock_changed(envelope: Envelope[StockChanged], state: State) -> None:
    event = envelope.data
    found: dict[str, Decimal] = defaultdict(Decimal)
    for row in event.rows:
        found[row.warehouse] += row.quantity - max(row.reserve, ZERO)
    state.put(FREE, event.item, FreeStockReading(warehouses=found, observed_at=event.observed_at))
    _keep_warehouses(event, state)
    _drop_kept_promises(event, state)


def _keep_warehouses(event: StockChanged, state: State) -> None:
    names = {row.warehouse: row.warehouse_name for row in event.rows if row.warehouse_name}
    known = state.get_many(WAREHOUSE, names)
    for uid, name in names.items():
        if uid not in known:
            state.put(WAREHOUSE, uid, KnownWarehouse(uid=uid), ref=name)
            state.release(warehouse_name(name))


def _drop_kept_promises(event: StockChanged, state: State) -> None:
    """Drop promises whose Sale this reading contains: their pieces are out of its figure already."""
    promises = state.find(PROMISE, event.item)
    sales = state.get_many(SALE, {promise.order for promise in promises.values()})
    for key, promise in promises.items():
        if (sale := sales.get(promise.order)) and event.observed_at > sale.recorded_at:
            state.drop(PROMISE, key)


def item_kind(envelope: Envelope[ItemChanged], state: State) -> None:
    item = envelope.data
    if item.kind == "service":
        state.put(SERVICE_ITEM, item.item, ServiceItem())
    elif state.get(SERVICE_ITEM, item.item):
        state.drop(SERVICE_ITEM, item.item)


def warehouse_chosen(envelope: Envelope[WarehouseChosen], state: State) -> None:
    chosen = envelope.data
    before = state.get(CHOSEN, chosen.key)
    for pieces in before.pieces if before else ():
        state.drop(PROMISE, _promise_key(before or chosen, pieces))
    state.put(CHOSEN, chosen.key, chosen)
    for pieces in chosen.pieces:
        place = pieces.warehouse or chosen.warehouse
        promise = StockPromise(order=chosen.key, warehouse=place, quantity=pieces.quantity)
        state.put(PROMISE, _promise_key(chosen, pieces), promise, ref=pieces.item)


def _promise_key(chosen: WarehouseChosen, pieces: Pieces) -> str:
    return f"{chosen.key}|{pieces.item}|{pieces.warehouse or chosen.warehouse}"


@dataclass(frozen=True, slots=True)
class FreeStock:
    """What an order may take of some items: their last readings, and what other orders were promised of them."""

    readings: Mapping[str, FreeStockReading]
    promises: Mapping[str, Sequence[StockPromise]]

    def free_in(self, item: str, warehouse: str) -> Decimal:
        """The pieces of an item that are free in a warehouse, less what other orders were promised there."""
        known = self.readings.get(item)
        promised = (one.quantity for one in self.promises[item] if one.warehouse == warehouse)
        return (known.warehouses.get(warehouse, ZERO) if known else ZERO) - sum(promised, ZERO)


def free_stock(items: Collection[str], order: str, state: State) -> FreeStock:
    """The free stock of these items as an order sees it; promises to void and removed orders do not count."""
    found = state.find_many(PROMISE, items)
    promises = {item: [one for one in found[item].values() if one.order != order] for item in items}
    orders = state.get_many(ORDER, {one.order for some in promises.values() for one in some})
    valid = {key for key, known in orders.items() if not known.removed and not is_void(known.order)}
    counting = {item: [one for one in some if one.order in valid] for item, some in promises.items()}
    return FreeStock(state.get_many(FREE, items), counting)


STOCK_RULES: Mapping[type[Event], Remember] = {
    StockChanged: stock_changed,
    ItemChanged: item_kind,
    WarehouseChosen: warehouse_chosen,
}


class ShortItem(Part):
    """An order that waits for an item."""

    order: str


POSTPONED = Kind("sale-postponed", SalePostponed)
"""By order."""
SHORT_ITEM = Kind("short-item", ShortItem)
"""By order and item; the item is the reference."""


def receipt_name(order: str) -> str:
    """What a postponed Sale is blocked on."""
    return f"stock:{order}"


def sale_postponed(envelope: Envelope[SalePostponed], state: State) -> None:
    event = envelope.data
    state.put(POSTPONED, event.key, event)
    for pieces in event.pieces:
        state.put(SHORT_ITEM, f"{event.key}|{pieces.item}", ShortItem(order=event.key), ref=pieces.item)
    state.touch(event.key)


def release_short_items(envelope: Envelope[StockChanged], state: State) -> None:
    for waiting in state.find(SHORT_ITEM, envelope.data.item).values():
        state.release(receipt_name(waiting.order))
        state.touch(waiting.order)


def postponed_sale(order: OrderChanged, state: State) -> SalePostponed | None:
    """The postponement of the Sale of this content of the order, if Balance lacked the goods."""
    known = state.get(POSTPONED, order.key)
    return known if known and known.content_digest == books_digest(order) else None


def wait_for_goods(order: OrderChanged, pushes: Iterable[Push], state: State) -> Blocked | None:
    """What a postponed Sale is blocked on, until a newer reading shows all its goods, or a person pushes it."""
    known = postponed_sale(order, state)
    if known is None or _pushed_since(known, pushes) or _has_arrived(known, state):
        return None
    return Blocked(on=receipt_name(order.key), reason=Reason.BALANCE_STOCK_SHORT, detail=known.detail)


def _pushed_since(known: SalePostponed, pushes: Iterable[Push]) -> bool:
    return any(not push.command.dry_run and push.command.asked_at > known.postponed_at for push in pushes)


def _has_arrived(known: SalePostponed, state: State) -> bool:
    stock = free_stock({pieces.item for pieces in known.pieces}, known.key, state)
    is_newer = any(reading.observed_at > known.postponed_at for reading in stock.readings.values())
    return is_newer and all(
        stock.free_in(pieces.item, pieces.warehouse or known.warehouse) >= pieces.quantity for pieces in known.pieces
    )


POSTPONED_RULES: Mapping[type[Event], Remember] = {SalePostponed: sale_postponed, StockChanged: release_short_items}
