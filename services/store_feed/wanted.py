"""From what is remembered of an order to the next look at it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from contracts.delivery_ids import order_key
from contracts.reasons import Reason
from services.connectors.identity.standing import KNOWN
from services.engine.state.records import State
from services.store_feed.doubts import doubts_of, since
from services.store_feed.evidence import Shown, newest, shown
from services.store_feed.hints import HINT, LOOKED, ORDERS, unserved
from services.store_feed.looks import Wanted
from services.store_feed.records import ORDER, ORDER_DOUBT, REFUND, REFUND_DOUBT


def wanted(shop: str, order_id: int, state: State) -> Wanted:
    """The next look at an order: it serves the hint that is open, or repeats the last look."""
    subject = order_key(shop, order_id)
    hint, looked, doubts = unserved(subject, ORDERS, state), state.get(LOOKED, subject), doubts_of(subject, state)
    refunds = state.find(REFUND_DOUBT, subject).values()
    missing = {doubt.refund_id: doubt.observed_at for doubt in refunds if doubt.reason == Reason.SHOP_REFUND_MISSING}
    gone = (doubt.observed_at for doubt in doubts if doubt.reason == Reason.SHOP_ORDER_MISSING)
    return Wanted(
        shop=shop,
        order=order_id,
        asked=hint.asked if hint else looked.served if looked else 0,
        known=newest(_shown(subject, state), _accepted_at(shop, state), state.now),
        refunds=tuple(sorted({*_refunds(subject, state)})),
        since=since(doubts),
        missing_since=next(gone, None),
        refunds_missing=missing,
    )


def _shown(order: str, state: State) -> Iterator[Shown]:
    """The states that hints, the last fact and the last doubt of an order have shown."""
    hint, fact, doubt = state.get(HINT, order), state.get(ORDER, order), state.get(ORDER_DOUBT, order)
    looked = state.get(LOOKED, order)
    if hint and hint.shown:
        yield hint.shown
    if fact:
        yield shown(fact, looked.at if looked else None)
    if doubt and doubt.seen_modified_at:
        yield Shown(modified_at=doubt.seen_modified_at, seen_at=doubt.observed_at)


def _refunds(order: str, state: State) -> Iterator[int]:
    """The refunds that were stated, those that wait, and those that an open hint has shown."""
    yield from (refund.refund_id for refund in state.find(REFUND, order).values())
    yield from (doubt.refund_id for doubt in state.find(REFUND_DOUBT, order).values())
    hint = unserved(order, ORDERS, state)
    if hint and hint.shown:
        yield from hint.shown.refund_ids


def _accepted_at(shop: str, state: State) -> datetime | None:
    """When a person accepted the shop, perhaps restored from a backup: what it had shown before does not count."""
    known = state.get(KNOWN, shop)
    return known.at if known and known.how == "accepted" else None
