"""Paid orders that wait for their Sale, as the topics tell it: due by the shop's trigger, and not in the books yet."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from contracts.delivery_ids import sale_id
from contracts.envelope import Envelope
from contracts.ledger import SaleRecorded
from contracts.model import Instant, Part
from contracts.reasons import Reason
from contracts.shop import OrderChanged, OrderRemoved
from services.accounting.documents.relations import is_own_purchase
from services.accounting.documents.trigger import due_at, is_triggered
from services.alerts.cause import CLEARED, Cause, Cleared, Standing
from services.engine.state.records import Kind, State
from services.settings.model import Settings


class Awaited(Part):
    """An order that is due for a Sale since a moment."""

    due: Instant


class Booked(Part):
    """An order that has its Sale."""


class Lettered(Part):
    """A dead letter says why an order has no Sale: that one is told of, not the delay as well."""

    shop: str


AWAITED = Kind("awaited", Awaited)
BOOKED = Kind("booked", Booked)
LETTERED = Kind("lettered", Lettered)
"""By dead letter; the order is the `ref`."""


def overdue(shop: str) -> Cause:
    """The cause of all late orders of a shop."""
    return Cause(Reason.SALE_OVERDUE, shop)


def order_changed(settings: Settings, envelope: Envelope[OrderChanged], state: State) -> None:
    """An order is awaited from its trigger on, where orders are live; one with a parent if it is sold on its own."""
    order = envelope.data
    shop = settings.shops.get(order.shop)
    live = shop is not None and shop.flows.orders == "live"
    due = shop is not None and is_triggered(order, shop.orders) and is_own_purchase(order, shop.orders)
    if shop and live and due and state.get(BOOKED, order.key) is None:
        state.put(AWAITED, order.key, Awaited(due=due_at(order, shop.orders)), ref=order.shop)
        state.touch(overdue(order.shop).name)
    else:
        _awaited_no_more(order.shop, order.key, envelope.time, state)


def order_removed(envelope: Envelope[OrderRemoved], state: State) -> None:
    _awaited_no_more(envelope.data.shop, envelope.data.key, envelope.time, state)


def sale_recorded(envelope: Envelope[SaleRecorded], state: State) -> None:
    state.put(BOOKED, envelope.data.key, Booked())
    _awaited_no_more(envelope.data.shop, envelope.data.key, envelope.time, state)


def _awaited_no_more(shop: str, order: str, at: datetime, state: State) -> None:
    if state.get(AWAITED, order) is not None:
        state.drop(AWAITED, order)
        state.put(CLEARED, overdue(shop).name, Cleared(at=at))
        state.touch(overdue(shop).name)


def late(shop: str, limit: float, state: State) -> Iterator[Standing]:
    """The orders of a shop that are late now, and have no dead letter."""
    patience = timedelta(seconds=limit)
    due = {order: awaited.due + patience for order, awaited in state.find(AWAITED, shop).items()}
    late_since = {order: since for order, since in due.items() if since <= state.now}
    dead_letters = state.find_many(LETTERED, late_since)
    for order, since in late_since.items():
        if not dead_letters[order]:
            yield Standing(cause=overdue(shop).name, about=sale_id(order), since=since)


def next_late(shop: str, limit: float, state: State) -> datetime | None:
    """When the next order of a shop will be late."""
    moments = (awaited.due + timedelta(seconds=limit) for awaited in state.find(AWAITED, shop).values())
    return min((moment for moment in moments if moment > state.now), default=None)
