"""Sales that Balance could not post for lack of stock: they wait for a receipt, and then go by themselves (S3.39)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from contracts.balance import StockChanged
from contracts.envelope import Envelope
from contracts.model import Event, Part
from contracts.placement import SalePostponed
from contracts.reasons import Reason
from contracts.shop import OrderChanged
from services.accounting.documents.push import Push
from services.engine.outbox.handlers import Remember
from services.engine.outbox.outcome import Blocked
from services.engine.state.records import Kind, State
from services.order_exporter.content import books_digest
from services.order_exporter.warehouses.stock import free_stock


class ShortItem(Part):
    """An order that waits for an item."""

    order: str


POSTPONED = Kind("sale-postponed", SalePostponed)
"""By order."""
SHORT_ITEM = Kind("short-item", ShortItem)
"""By order and item; the item is the reference."""


def receipt_name(order: str) -> str:
    """What a postponed Sale waits for."""
    return f"stock:{order}"


def sale_postponed(envelope: Envelope[SalePostponed], state: State) -> None:
    event = envelope.data
    state.put(POSTPONED, event.key, event)
    for pieces in event.pieces:
        state.put(SHORT_ITEM, f"{event.key}|{pieces.item}", ShortItem(order=event.key), ref=pieces.item)
    state.touch(event.key)


def stock_changed(envelope: Envelope[StockChanged], state: State) -> None:
    for waiting in state.find(SHORT_ITEM, envelope.data.item).values():
        state.release(receipt_name(waiting.order))
        state.touch(waiting.order)


def postponed(order: OrderChanged, state: State) -> SalePostponed | None:
    """What Balance said about the Sale of this content of the order, if it lacked the goods."""
    known = state.get(POSTPONED, order.key)
    return known if known and known.content_digest == books_digest(order) else None


def waits_for_receipt(order: OrderChanged, pushes: Iterable[Push], state: State) -> Blocked | None:
    """What a postponed Sale is blocked on. It goes when a newer reading shows all its goods, or a person pushes it."""
    known = postponed(order, state)
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


RULES: Mapping[type[Event], Remember] = {SalePostponed: sale_postponed, StockChanged: stock_changed}
