"""What of the things that a look found is worth saying: what differs from what was said before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
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

# Orders that a person wants stated again: the topics lack what this service believes to have stated.


class RepeatRequest(Part):
    """The hint whose look states the order again, whatever was stated before."""

    asked: int


REPEAT_REQUEST = Kind("state-again", RepeatRequest)
"""By order."""


def on_read_requested(envelope: Envelope[ReadRequested], state: State) -> None:
    """Look at each of these orders."""
    keys = [order_key(envelope.data.shop, order_id) for order_id in envelope.data.order_ids]
    request_refresh(keys, ORDERS, state)
    for key, hint in state.get_many(HINT, keys).items():
        state.put(REPEAT_REQUEST, key, RepeatRequest(asked=hint.asked))


def with_requested_repeats(news: News) -> News:
    """The rule, which also lets an event through that repeats what is known while its order is wanted again."""

    def rule(event: Any, state: State) -> Sequence[Event]:
        said = list(news(event, state))
        repeats = not any(isinstance(one, type(event)) for one in said)
        return [event, *said] if repeats and _is_wanted(event.key, state) else said

    return rule


def _is_wanted(key: str, state: State) -> bool:
    again, looked = state.get(REPEAT_REQUEST, key), state.get(LAST_READ, key)
    return again is not None and (looked is None or looked.served < again.asked)


Fact = OrderChanged | RefundIssued
Doubt = OrderUnreadable | RefundUnreadable
VARYING = frozenset({Reason.SHOP_ORDER_OUTDATED, Reason.SHOP_RECORD_UNREADABLE})


def _order_news(event: OrderChanged, state: State) -> Sequence[Event]:
    return _changed(event, state.get(ORDER, event.key), state.get(UNREADABLE_ORDER, event.key))


def _refund_news(event: RefundIssued, state: State) -> Sequence[Event]:
    return _changed(event, state.get(REFUND, event.subject), state.get(UNREADABLE_REFUND, event.subject))


def _changed(event: Fact, known: Fact | None, doubt: Doubt | None) -> list[Event]:
    """News if anything but the modification time differs, or if it ends a doubt."""
    new, old = _content(event), _content(known) if known is not None else {}
    fields = tuple(sorted(name for name in new if new[name] != old.get(name)))
    return [event.model_copy(update={"changed": fields})] if fields or doubt else []


def _content(event: Fact) -> dict[str, Any]:
    content = event.model_dump(exclude={"changed", "modified_at"})
    return content | {"lines": [_line(line) for line in content["lines"]]}


def _line(line: dict[str, Any]) -> dict[str, Any]:
    """A line whose tax has one rate, with that tax as the line states it.

    Of its own accord it comes with more decimals in some versions of WooCommerce than in others (WooCommerce fact 71).
    """
    if len(line["taxes"]) != 1:
        return line
    (tax,) = line["taxes"]
    return line | {"taxes": ({**tax, "total": _as_fine(tax["total"], line["total_tax"])},)}


def _as_fine(amount: Decimal, as_: Decimal) -> Decimal:
    return amount.quantize(as_, ROUND_HALF_UP)


def _removal_news(event: OrderRemoved, state: State) -> Sequence[Event]:
    known = state.get(ORDER, event.key), state.get(UNREADABLE_ORDER, event.key)
    return [event] if any(known) else []


def _refund_removal_news(event: RefundRemoved, state: State) -> Sequence[Event]:
    known = state.get(REFUND, event.subject), state.get(UNREADABLE_REFUND, event.subject)
    return [event] if any(known) else []


def _order_doubt_news(event: OrderUnreadable, state: State) -> Sequence[Event]:
    """An order that was never known is not missed."""
    doubt, known = state.get(UNREADABLE_ORDER, event.key), state.get(ORDER, event.key)
    missed = event.reason != Reason.SHOP_ORDER_MISSING or known or doubt
    return [event] if missed and not _is_said(event, doubt) else []


def _refund_doubt_news(event: RefundUnreadable, state: State) -> Sequence[Event]:
    return [] if _is_said(event, state.get(UNREADABLE_REFUND, event.subject)) else [event]


def _is_said(event: Doubt, known: Doubt | None) -> bool:
    """Whether it was said already; what caches and failing shops say of themselves changes each time."""
    hidden = {"observed_at", *(("detail",) if event.reason in VARYING else ())}
    return known is not None and event.model_dump(exclude=hidden) == known.model_dump(exclude=hidden)


RULES: Mapping[type[Event], News] = {
    OrderChanged: _order_news,
    OrderUnreadable: _order_doubt_news,
    OrderRemoved: _removal_news,
    RefundIssued: _refund_news,
    RefundUnreadable: _refund_doubt_news,
    RefundRemoved: _refund_removal_news,
}
NEWS: Mapping[type[Event], News] = {event: with_requested_repeats(rule) for event, rule in RULES.items()}
