"""What the alerts service remembers: what stands under each cause, and what was told to whom."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from contracts.alerts import AlertSent, FeedStateChanged, ServiceStateChanged
from contracts.delivery_ids import sale_id
from contracts.envelope import Envelope
from contracts.identity import ShopIdentified, ShopNotRecognized
from contracts.ledger import SaleRecorded
from contracts.model import Event, Instant, Part
from contracts.operations import DeadLettered, DeadLetterSettled
from contracts.reasons import Reason
from contracts.shop import OrderChanged, OrderRemoved
from services.accounting.documents.relations import is_own_purchase
from services.accounting.documents.trigger import due_at, is_triggered
from services.alerts.cause import CLEARED, ISSUE, AlertCause, AlertIssue, IssueCleared
from services.engine.outbox.dead_letters import order_key_of, shop_of
from services.engine.outbox.handlers import Remember
from services.engine.state.records import Kind, State
from services.settings.model import Settings

# Paid orders that wait for their Sale, as the topics tell it: due by the shop's trigger, and not in the books yet.


class AwaitedSale(Part):
    """An order that is due for a Sale since a moment."""

    due: Instant


class RecordedSale(Part):
    """An order that has its Sale."""


class DeadLetteredOrder(Part):
    """A dead letter says why an order has no Sale: that one is told of, not the delay as well."""

    shop: str


AWAITED_SALE = Kind("awaited", AwaitedSale)
RECORDED_SALE = Kind("booked", RecordedSale)
DEAD_LETTERED_ORDER = Kind("lettered", DeadLetteredOrder)
"""By dead letter; the order is the `ref`."""


def overdue_cause(shop: str) -> AlertCause:
    """The cause of all late orders of a shop."""
    return AlertCause(Reason.SALE_OVERDUE, shop)


def await_sale(settings: Settings, envelope: Envelope[OrderChanged], state: State) -> None:
    """An order is awaited from its trigger on, where orders are live; one with a parent if it is sold on its own."""
    order = envelope.data
    shop = settings.shops.get(order.shop)
    live = shop is not None and shop.flows.orders == "live"
    due = shop is not None and is_triggered(order, shop.orders) and is_own_purchase(order, shop.orders)
    if shop and live and due and state.get(RECORDED_SALE, order.key) is None:
        state.put(AWAITED_SALE, order.key, AwaitedSale(due=due_at(order, shop.orders)), ref=order.shop)
        state.touch(overdue_cause(order.shop).name)
    else:
        _stop_awaiting(order.shop, order.key, envelope.time, state)


def stop_awaiting_removed(envelope: Envelope[OrderRemoved], state: State) -> None:
    _stop_awaiting(envelope.data.shop, envelope.data.key, envelope.time, state)


def stop_awaiting_recorded(envelope: Envelope[SaleRecorded], state: State) -> None:
    state.put(RECORDED_SALE, envelope.data.key, RecordedSale())
    _stop_awaiting(envelope.data.shop, envelope.data.key, envelope.time, state)


def _stop_awaiting(shop: str, order: str, at: datetime, state: State) -> None:
    if state.get(AWAITED_SALE, order) is not None:
        state.drop(AWAITED_SALE, order)
        state.put(CLEARED, overdue_cause(shop).name, IssueCleared(at=at))
        state.touch(overdue_cause(shop).name)


def find_late_orders(shop: str, limit: float, state: State) -> Iterator[AlertIssue]:
    """The orders of a shop that are late now, and have no dead letter."""
    patience = timedelta(seconds=limit)
    due = {order: awaited.due + patience for order, awaited in state.find(AWAITED_SALE, shop).items()}
    late_since = {order: since for order, since in due.items() if since <= state.now}
    dead_letters = state.find_many(DEAD_LETTERED_ORDER, late_since)
    for order, since in late_since.items():
        if not dead_letters[order]:
            yield AlertIssue(cause=overdue_cause(shop).name, about=sale_id(order), since=since)


def next_late_at(shop: str, limit: float, state: State) -> datetime | None:
    """When the next order of a shop will be late."""
    moments = (awaited.due + timedelta(seconds=limit) for awaited in state.find(AWAITED_SALE, shop).values())
    return min((moment for moment in moments if moment > state.now), default=None)


LAST_ALERT = Kind("told", AlertSent)
"""The last message of a cause to a recipient, by the event's subject."""


def projection_rules(settings: Settings) -> Mapping[type[Event], Remember]:
    """The rules, by event."""
    shops = frozenset(settings.shops)
    return {
        DeadLettered: partial(_lettered, shops),
        DeadLetterSettled: _settled,
        FeedStateChanged: _feed,
        ServiceStateChanged: _service,
        ShopNotRecognized: _not_recognized,
        ShopIdentified: lambda envelope, state: _clear(envelope.data.key, envelope, state),
        OrderChanged: partial(await_sale, settings),
        OrderRemoved: stop_awaiting_removed,
        SaleRecorded: stop_awaiting_recorded,
        AlertSent: _told,
    }


def _lettered(shops: Collection[str], envelope: Envelope[DeadLettered], state: State) -> None:
    letter = envelope.data
    shop, order = shop_of(letter) or "", order_key_of(letter)
    cause = AlertCause(letter.reason, shop if shop in shops else "")
    _clear(letter.dead_letter, envelope, state)
    state.put(
        ISSUE, letter.dead_letter, AlertIssue(cause=cause.name, about=letter.about, since=letter.at), ref=cause.name
    )
    state.touch(cause.name)
    if shop in shops and order:
        state.put(DEAD_LETTERED_ORDER, letter.dead_letter, DeadLetteredOrder(shop=shop), ref=order)
        state.touch(overdue_cause(shop).name)


def _settled(envelope: Envelope[DeadLetterSettled], state: State) -> None:
    if (lettered := state.get(DEAD_LETTERED_ORDER, envelope.data.dead_letter)) is not None:
        state.drop(DEAD_LETTERED_ORDER, envelope.data.dead_letter)
        state.touch(overdue_cause(lettered.shop).name)
    _clear(envelope.data.dead_letter, envelope, state)


def _feed(envelope: Envelope[FeedStateChanged], state: State) -> None:
    feed = envelope.data
    cause = AlertCause(Reason.FEED_STALE, feed.feed.partition(":")[2]).name
    _clear(feed.key, envelope, state)
    if feed.freshness == "stale":
        state.put(ISSUE, feed.key, AlertIssue(cause=cause, about=feed.key, since=feed.at), ref=cause)
        state.touch(cause)


def _service(envelope: Envelope[ServiceStateChanged], state: State) -> None:
    said = envelope.data
    cause, thing = AlertCause(said.reason).name, f"{said.key}:{said.reason}"
    _clear(thing, envelope, state)
    if said.condition == "troubled":
        about = f"{said.service}: {said.why}"
        state.put(ISSUE, thing, AlertIssue(cause=cause, about=about, since=said.at), ref=cause)
        state.touch(cause)


def _not_recognized(envelope: Envelope[ShopNotRecognized], state: State) -> None:
    shop = envelope.data
    cause = AlertCause(Reason.SHOP_NOT_RECOGNIZED, shop.shop).name
    told = f"shop {shop.shop}: {'; '.join(shop.differences)}"
    state.put(ISSUE, shop.key, AlertIssue(cause=cause, about=told, since=shop.at), ref=cause)
    state.touch(cause)


def _clear(thing: str, envelope: Envelope[Any], state: State) -> None:
    """A thing stands no more under the cause under which it stood."""
    if (standing := state.get(ISSUE, thing)) is not None:
        state.drop(ISSUE, thing)
        state.put(CLEARED, standing.cause, IssueCleared(at=envelope.time))
        state.touch(standing.cause)


def _told(envelope: Envelope[AlertSent], state: State) -> None:
    state.put(LAST_ALERT, envelope.subject, envelope.data)
    state.touch(envelope.data.cause)
