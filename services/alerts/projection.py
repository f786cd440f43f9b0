"""What the alerts service remembers: the open issues of each cause, paid orders without a Sale, and messages sent."""

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
from services.accounting.documents.trigger import due_at, is_own_purchase, is_triggered
from services.alerts.cause import CLEARED, ISSUE, AlertCause, AlertIssue, IssueCleared
from services.engine.outbox.dead_letters import order_key_of, shop_of
from services.engine.outbox.handlers import Remember
from services.engine.state.records import Kind, State
from services.settings.model import Settings


class AwaitedSale(Part):
    """A paid order without a Sale; `due` is when its trigger fired."""

    due: Instant


class RecordedSale(Part):
    """An order that has its Sale."""


class DeadLetteredOrder(Part):
    """An order with an open dead letter: that one is reported, and the delay is not."""

    shop: str


AWAITED_SALE = Kind("awaited", AwaitedSale)
"""By order; the shop is the `ref`."""
RECORDED_SALE = Kind("booked", RecordedSale)
"""By order."""
DEAD_LETTERED_ORDER = Kind("order-dead-letter", DeadLetteredOrder)
"""By dead letter; the order is the `ref`."""
LAST_ALERT = Kind("last-alert", AlertSent)
"""The last message of a cause to a recipient, by the event's subject."""


def projection_rules(settings: Settings) -> Mapping[type[Event], Remember]:
    """Return the rules, by event."""
    shops = frozenset(settings.shops)
    return {
        DeadLettered: partial(_on_dead_lettered, shops),
        DeadLetterSettled: _on_dead_letter_settled,
        FeedStateChanged: _on_feed_state_changed,
        ServiceStateChanged: _on_service_state_changed,
        ShopNotRecognized: _on_shop_not_recognized,
        ShopIdentified: lambda envelope, state: _clear(envelope.data.key, envelope, state),
        OrderChanged: partial(_on_order_changed, settings),
        OrderRemoved: _on_order_removed,
        SaleRecorded: _on_sale_recorded,
        AlertSent: _on_alert_sent,
    }


def _on_dead_lettered(shops: Collection[str], envelope: Envelope[DeadLettered], state: State) -> None:
    dead_letter = envelope.data
    shop, order = shop_of(dead_letter) or "", order_key_of(dead_letter)
    cause = AlertCause(dead_letter.reason, shop if shop in shops else "")
    _clear(dead_letter.dead_letter, envelope, state)
    issue = AlertIssue(cause=cause.name, about=dead_letter.about, since=dead_letter.at)
    _open(dead_letter.dead_letter, issue, state)
    if shop in shops and order:
        state.put(DEAD_LETTERED_ORDER, dead_letter.dead_letter, DeadLetteredOrder(shop=shop), ref=order)
        state.touch(overdue_cause(shop).name)


def _on_dead_letter_settled(envelope: Envelope[DeadLetterSettled], state: State) -> None:
    if (order := state.get(DEAD_LETTERED_ORDER, envelope.data.dead_letter)) is not None:
        state.drop(DEAD_LETTERED_ORDER, envelope.data.dead_letter)
        state.touch(overdue_cause(order.shop).name)
    _clear(envelope.data.dead_letter, envelope, state)


def _on_feed_state_changed(envelope: Envelope[FeedStateChanged], state: State) -> None:
    feed = envelope.data
    cause = AlertCause(Reason.FEED_STALE, feed.feed.partition(":")[2]).name
    _clear(feed.key, envelope, state)
    if feed.freshness == "stale":
        _open(feed.key, AlertIssue(cause=cause, about=feed.key, since=feed.at), state)


def _on_service_state_changed(envelope: Envelope[ServiceStateChanged], state: State) -> None:
    service = envelope.data
    issue_id = f"{service.key}:{service.reason}"
    _clear(issue_id, envelope, state)
    if service.condition == "troubled":
        about = f"{service.service}: {service.why}"
        _open(issue_id, AlertIssue(cause=AlertCause(service.reason).name, about=about, since=service.at), state)


def _on_shop_not_recognized(envelope: Envelope[ShopNotRecognized], state: State) -> None:
    shop = envelope.data
    cause = AlertCause(Reason.SHOP_NOT_RECOGNIZED, shop.shop).name
    about = f"shop {shop.shop}: {'; '.join(shop.differences)}"
    _open(shop.key, AlertIssue(cause=cause, about=about, since=shop.at), state)


def _on_alert_sent(envelope: Envelope[AlertSent], state: State) -> None:
    state.put(LAST_ALERT, envelope.subject, envelope.data)
    state.touch(envelope.data.cause)


def _open(issue_id: str, issue: AlertIssue, state: State) -> None:
    state.put(ISSUE, issue_id, issue, ref=issue.cause)
    state.touch(issue.cause)


def _clear(issue_id: str, envelope: Envelope[Any], state: State) -> None:
    """Close an issue, if it is open."""
    if (issue := state.get(ISSUE, issue_id)) is not None:
        state.drop(ISSUE, issue_id)
        state.put(CLEARED, issue.cause, IssueCleared(at=envelope.time))
        state.touch(issue.cause)


def overdue_cause(shop: str) -> AlertCause:
    """Return the cause of all late orders of a shop."""
    return AlertCause(Reason.SALE_OVERDUE, shop)


def _on_order_changed(settings: Settings, envelope: Envelope[OrderChanged], state: State) -> None:
    """Await the Sale of an order from its trigger on, where orders are live; of a sub-order only if sold on its own."""
    order = envelope.data
    shop = settings.shops.get(order.shop)
    live = shop is not None and shop.flows.orders == "live"
    due = shop is not None and is_triggered(order, shop.orders) and is_own_purchase(order, shop.orders)
    if shop and live and due and state.get(RECORDED_SALE, order.key) is None:
        state.put(AWAITED_SALE, order.key, AwaitedSale(due=due_at(order, shop.orders)), ref=order.shop)
        state.touch(overdue_cause(order.shop).name)
    else:
        _stop_awaiting(order.shop, order.key, envelope.time, state)


def _on_order_removed(envelope: Envelope[OrderRemoved], state: State) -> None:
    _stop_awaiting(envelope.data.shop, envelope.data.key, envelope.time, state)


def _on_sale_recorded(envelope: Envelope[SaleRecorded], state: State) -> None:
    state.put(RECORDED_SALE, envelope.data.key, RecordedSale())
    _stop_awaiting(envelope.data.shop, envelope.data.key, envelope.time, state)


def _stop_awaiting(shop: str, order: str, at: datetime, state: State) -> None:
    if state.get(AWAITED_SALE, order) is not None:
        state.drop(AWAITED_SALE, order)
        state.put(CLEARED, overdue_cause(shop).name, IssueCleared(at=at))
        state.touch(overdue_cause(shop).name)


def find_late_orders(shop: str, limit: float, state: State) -> Iterator[AlertIssue]:
    """Yield the orders of a shop whose Sale is later than `limit` seconds and that have no dead letter."""
    awaited = state.find(AWAITED_SALE, shop).items()
    overdue_since = {order: sale.due + timedelta(seconds=limit) for order, sale in awaited}
    late = {order: since for order, since in overdue_since.items() if since <= state.now}
    dead_letters = state.find_many(DEAD_LETTERED_ORDER, late)
    for order, since in late.items():
        if not dead_letters[order]:
            yield AlertIssue(cause=overdue_cause(shop).name, about=sale_id(order), since=since)


def next_late_at(shop: str, limit: float, state: State) -> datetime | None:
    """Return when the next order of a shop becomes late; None if none will."""
    times = (awaited.due + timedelta(seconds=limit) for awaited in state.find(AWAITED_SALE, shop).values())
    return min((late_at for late_at in times if late_at > state.now), default=None)
