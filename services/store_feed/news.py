"""Which events of a read are published: those that differ from what was published before.

Orders that a person requests are published even without a difference: the topics lack what was published before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP
from typing import Any

from contracts.delivery_ids import order_key
from contracts.envelope import Envelope
from contracts.model import Event, Part
from contracts.operations import ReadRequested
from contracts.reasons import Reason
from contracts.shop import OrderChanged, OrderRemoved, OrderUnreadable, RefundIssued, RefundRemoved, RefundUnreadable
from services.engine.outbox.handlers import News
from services.engine.state.records import Kind, State
from services.store_feed.records import (
    HINT,
    LAST_READ,
    ORDER,
    ORDERS,
    REFUND,
    UNREADABLE_ORDER,
    UNREADABLE_REFUND,
    request_refresh,
)


class RepeatRequest(Part):
    """The hint whose read publishes the order even if it was published before."""

    asked: int


REPEAT_REQUEST = Kind("state-again", RepeatRequest)
"""By order."""


def on_read_requested(envelope: Envelope[ReadRequested], state: State) -> None:
    """A person requests orders to be read and published."""
    keys = [order_key(envelope.data.shop, order_id) for order_id in envelope.data.order_ids]
    request_refresh(keys, ORDERS, state)
    for key, hint in state.get_many(HINT, keys).items():
        state.put(REPEAT_REQUEST, key, RepeatRequest(asked=hint.asked))


def with_requested_repeats(news: News) -> News:
    """Return a rule that also publishes an event without a difference while its order is requested."""

    def rule(event: Any, state: State) -> Sequence[Event]:
        events = list(news(event, state))
        repeats = not any(isinstance(one, type(event)) for one in events)
        return [event, *events] if repeats and _is_requested(event.key, state) else events

    return rule


def _is_requested(key: str, state: State) -> bool:
    again, looked = state.get(REPEAT_REQUEST, key), state.get(LAST_READ, key)
    return again is not None and (looked is None or looked.served < again.asked)


Fact = OrderChanged | RefundIssued
Unreadable = OrderUnreadable | RefundUnreadable
VARYING = frozenset({Reason.SHOP_ORDER_OUTDATED, Reason.SHOP_RECORD_UNREADABLE})


def _order_news(event: OrderChanged, state: State) -> Sequence[Event]:
    return _changed(event, state.get(ORDER, event.key), state.get(UNREADABLE_ORDER, event.key))


def _refund_news(event: RefundIssued, state: State) -> Sequence[Event]:
    return _changed(event, state.get(REFUND, event.subject), state.get(UNREADABLE_REFUND, event.subject))


def _changed(event: Fact, known: Fact | None, unreadable: Unreadable | None) -> list[Event]:
    """Publish if anything but the modification time differs, or if it could not be read before."""
    new, old = _content(event), _content(known) if known is not None else {}
    fields = tuple(sorted(name for name in new if new[name] != old.get(name)))
    return [event.model_copy(update={"changed": fields})] if fields or unreadable else []


def _content(event: Fact) -> dict[str, Any]:
    content = event.model_dump(exclude={"changed", "modified_at"})
    return content | {"lines": [_line(line) for line in content["lines"]]}


def _line(line: dict[str, Any]) -> dict[str, Any]:
    """A line whose tax has one rate, with that tax rounded like the tax of the line.

    Its number of decimals depends on the version of WooCommerce (WooCommerce fact 71).
    """
    if len(line["taxes"]) != 1:
        return line
    (tax,) = line["taxes"]
    return line | {"taxes": ({**tax, "total": tax["total"].quantize(line["total_tax"], ROUND_HALF_UP)},)}


def _removal_news(event: OrderRemoved, state: State) -> Sequence[Event]:
    known = state.get(ORDER, event.key), state.get(UNREADABLE_ORDER, event.key)
    return [event] if any(known) else []


def _refund_removal_news(event: RefundRemoved, state: State) -> Sequence[Event]:
    known = state.get(REFUND, event.subject), state.get(UNREADABLE_REFUND, event.subject)
    return [event] if any(known) else []


def _unreadable_order_news(event: OrderUnreadable, state: State) -> Sequence[Event]:
    """An order that was never known cannot be missing."""
    unreadable, known = state.get(UNREADABLE_ORDER, event.key), state.get(ORDER, event.key)
    relevant = event.reason != Reason.SHOP_ORDER_MISSING or known or unreadable
    return [event] if relevant and not _is_published(event, unreadable) else []


def _unreadable_refund_news(event: RefundUnreadable, state: State) -> Sequence[Event]:
    return [] if _is_published(event, state.get(UNREADABLE_REFUND, event.subject)) else [event]


def _is_published(event: Unreadable, known: Unreadable | None) -> bool:
    """Whether it was published already; the details of caches and failing shops vary each time and do not count."""
    hidden = {"observed_at", *(("detail",) if event.reason in VARYING else ())}
    return known is not None and event.model_dump(exclude=hidden) == known.model_dump(exclude=hidden)


RULES: Mapping[type[Event], News] = {
    OrderChanged: _order_news,
    OrderUnreadable: _unreadable_order_news,
    OrderRemoved: _removal_news,
    RefundIssued: _refund_news,
    RefundUnreadable: _unreadable_refund_news,
    RefundRemoved: _refund_removal_news,
}
NEWS: Mapping[type[Event], News] = {event: with_requested_repeats(rule) for event, rule in RULES.items()}
