"""What lies where: stock readings by warehouse, and what orders were promised of it since."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from contracts.balance import ItemChanged, StockChanged
from contracts.envelope import Envelope
from contracts.model import Event, Instant, Part, Quantity, Uid
from contracts.placement import Pieces, WarehouseChosen
from services.engine.outbox.handlers import Remember
from services.engine.state.records import Kind, State
from services.order_exporter.content import is_void
from services.order_exporter.projection import ORDER, SALE

ZERO = Decimal(0)


class Free(Part):
    """What a reading of an item found free in each warehouse: on hand less reserve, lots added up."""

    warehouses: dict[Uid, Quantity]
    observed_at: Instant


class Warehouse(Part):
    """A warehouse that a stock reading has named."""

    uid: Uid


class Service(Part):
    """An item that is no goods: it lies nowhere."""


class Promise(Part):
    """What an order takes of an item from a warehouse."""

    order: str
    warehouse: Uid
    quantity: Quantity


FREE = Kind("stock-free", Free)
"""By item."""
WAREHOUSE = Kind("warehouse", Warehouse)
"""By uid; the name is the reference."""
SERVICE_ITEM = Kind("service-item", Service)
"""By item."""
CHOSEN = Kind("warehouse-chosen", WarehouseChosen)
"""By order."""
PROMISE = Kind("stock-promise", Promise)
"""By order and item; the item is the reference."""


def warehouse_name(name: str) -> str:
    """What an order waits for while nobody knows the warehouse of this name."""
    return f"warehouse:{name}"


def stock_changed(envelope: Envelope[StockChanged], state: State) -> None:
    event = envelope.data
    found: dict[str, Decimal] = defaultdict(Decimal)
    for row in event.rows:
        found[row.warehouse] += row.quantity - max(row.reserve, ZERO)
        if row.warehouse_name and state.get(WAREHOUSE, row.warehouse) is None:
            state.put(WAREHOUSE, row.warehouse, Warehouse(uid=row.warehouse), ref=row.warehouse_name)
            state.release(warehouse_name(row.warehouse_name))
    state.put(FREE, event.item, Free(warehouses=found, observed_at=event.observed_at))
    for key, promise in state.find(PROMISE, event.item).items():
        if _is_kept(promise, event.observed_at, state):
            state.drop(PROMISE, key)


def _is_kept(promise: Promise, read_at: datetime, state: State) -> bool:
    """Whether a reading contains the order's Sale, so that its pieces are out of the figure already."""
    sale = state.get(SALE, promise.order)
    return sale is not None and read_at > sale.recorded_at


def item_kind(envelope: Envelope[ItemChanged], state: State) -> None:
    item = envelope.data
    if item.kind == "service":
        state.put(SERVICE_ITEM, item.item, Service())
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
        promise = Promise(order=chosen.key, warehouse=place, quantity=pieces.quantity)
        state.put(PROMISE, _promise_key(chosen, pieces), promise, ref=pieces.item)


def _promise_key(chosen: WarehouseChosen, pieces: Pieces) -> str:
    return f"{chosen.key}|{pieces.item}|{pieces.warehouse or chosen.warehouse}"


def free_in(item: str, warehouse: str, order: str, state: State) -> Decimal:
    """The pieces of an item that this order may take from a warehouse: free there, less what others were promised."""
    known = state.get(FREE, item)
    promised = (one.quantity for one in state.find(PROMISE, item).values() if _counts(one, warehouse, order, state))
    return (known.warehouses.get(warehouse, ZERO) if known else ZERO) - sum(promised, ZERO)


def _counts(promise: Promise, warehouse: str, order: str, state: State) -> bool:
    if (promise.warehouse, promise.order != order) != (warehouse, True):
        return False
    known = state.get(ORDER, promise.order)
    return known is not None and not known.removed and not is_void(known.order)


RULES: Mapping[type[Event], Remember] = {
    StockChanged: stock_changed,
    ItemChanged: item_kind,
    WarehouseChosen: warehouse_chosen,
}
