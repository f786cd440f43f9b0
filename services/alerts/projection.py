"""What the alerts service remembers: what stands under each cause, and what was told to whom."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial
from typing import Any

from contracts.alerts import AlertSent, FeedStateChanged, ServiceStateChanged
from contracts.envelope import Envelope
from contracts.identity import ShopIdentified, ShopNotRecognized
from contracts.ledger import SaleRecorded
from contracts.model import Event
from contracts.operations import DeadLettered, DeadLetterSettled
from contracts.reasons import Reason
from contracts.shop import OrderChanged, OrderRemoved
from services.alerts.cause import CLEARED, STANDING, Cause, Cleared, Standing
from services.alerts.late_orders import LETTERED, Lettered, order_changed, order_removed, overdue, sale_recorded
from services.engine.outbox.handlers import Remember
from services.engine.outbox.letter_about import order_key_of, shop_of
from services.engine.state.records import Kind, State
from services.settings.model import Settings

TOLD = Kind("told", AlertSent)
"""The last message of a cause to a recipient, by the event's subject."""


def remember(settings: Settings) -> Mapping[type[Event], Remember]:
    """The rules, by event."""
    shops = frozenset(settings.shops)
    return {
        DeadLettered: partial(_lettered, shops),
        DeadLetterSettled: _settled,
        FeedStateChanged: _feed,
        ServiceStateChanged: _service,
        ShopNotRecognized: _not_recognized,
        ShopIdentified: lambda envelope, state: _clear(envelope.data.key, envelope, state),
        OrderChanged: partial(order_changed, settings),
        OrderRemoved: order_removed,
        SaleRecorded: sale_recorded,
        AlertSent: _told,
    }


def _lettered(shops: Collection[str], envelope: Envelope[DeadLettered], state: State) -> None:
    letter = envelope.data
    shop, order = shop_of(letter) or "", order_key_of(letter)
    cause = Cause(letter.reason, shop if shop in shops else "")
    _clear(letter.dead_letter, envelope, state)
    state.put(
        STANDING, letter.dead_letter, Standing(cause=cause.name, about=letter.about, since=letter.at), ref=cause.name
    )
    state.touch(cause.name)
    if shop in shops and order:
        state.put(LETTERED, letter.dead_letter, Lettered(shop=shop), ref=order)
        state.touch(overdue(shop).name)


def _settled(envelope: Envelope[DeadLetterSettled], state: State) -> None:
    if (lettered := state.get(LETTERED, envelope.data.dead_letter)) is not None:
        state.drop(LETTERED, envelope.data.dead_letter)
        state.touch(overdue(lettered.shop).name)
    _clear(envelope.data.dead_letter, envelope, state)


def _feed(envelope: Envelope[FeedStateChanged], state: State) -> None:
    feed = envelope.data
    cause = Cause(Reason.FEED_STALE, feed.feed.partition(":")[2]).name
    _clear(feed.key, envelope, state)
    if feed.freshness == "stale":
        state.put(STANDING, feed.key, Standing(cause=cause, about=feed.key, since=feed.at), ref=cause)
        state.touch(cause)


def _service(envelope: Envelope[ServiceStateChanged], state: State) -> None:
    said = envelope.data
    cause, thing = Cause(said.reason).name, f"{said.key}:{said.reason}"
    _clear(thing, envelope, state)
    if said.condition == "troubled":
        about = f"{said.service}: {said.why}"
        state.put(STANDING, thing, Standing(cause=cause, about=about, since=said.at), ref=cause)
        state.touch(cause)


def _not_recognized(envelope: Envelope[ShopNotRecognized], state: State) -> None:
    shop = envelope.data
    cause = Cause(Reason.SHOP_NOT_RECOGNIZED, shop.shop).name
    told = f"shop {shop.shop}: {'; '.join(shop.differences)}"
    state.put(STANDING, shop.key, Standing(cause=cause, about=told, since=shop.at), ref=cause)
    state.touch(cause)


def _clear(thing: str, envelope: Envelope[Any], state: State) -> None:
    """A thing stands no more under the cause under which it stood."""
    if (standing := state.get(STANDING, thing)) is not None:
        state.drop(STANDING, thing)
        state.put(CLEARED, standing.cause, Cleared(at=envelope.time))
        state.touch(standing.cause)


def _told(envelope: Envelope[AlertSent], state: State) -> None:
    state.put(TOLD, envelope.subject, envelope.data)
    state.touch(envelope.data.cause)
