"""What store-feed remembers: which orders to read, and what it published last.

A subject is `shop:order`, `customer shop:id`, or one without a colon for a fault.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from functools import partial

from contracts.delivery_ids import order_key, read_id
from contracts.envelope import Envelope
from contracts.identity import AcceptShopRequested
from contracts.operations import PushRequested, ReadRequested
from contracts.reasons import Reason
from contracts.returns import ReturnRequested
from contracts.shop import OrderChanged, OrderRemoved, RefundIssued, RefundRemoved
from services.connectors.identity.status import KNOWN
from services.engine.outbox.decision import NOTHING, Decision, Delivery
from services.engine.outbox.faults import decide_fault
from services.engine.outbox.handlers import Handlers
from services.engine.state.records import State
from services.store_feed import customers, unreadable
from services.store_feed.identity import SUBJECT, decide_acceptance, on_accept_requested
from services.store_feed.news import NEWS, on_read_requested
from services.store_feed.order_reader import OrderReadPayload
from services.store_feed.records import (
    CUSTOMERS,
    HINT,
    LAST_READ,
    ORDER,
    ORDERS,
    REFUND,
    UNREADABLE_ORDER,
    UNREADABLE_REFUND,
    OrderState,
    newest_state,
    pending_hint,
    request_refresh,
    state_of_order,
)
from services.store_feed.unreadable import unreadable_records, unreadable_since


def build_read_payload(shop: str, order_id: int, state: State) -> OrderReadPayload:
    """Return the next read of an order: it serves the pending hint, or repeats the last read."""
    subject = order_key(shop, order_id)
    hint, last = pending_hint(subject, ORDERS, state), state.get(LAST_READ, subject)
    unreadable = unreadable_records(subject, state)
    refunds = state.find(UNREADABLE_REFUND, subject).values()
    missing = {one.refund_id: one.observed_at for one in refunds if one.reason == Reason.SHOP_REFUND_MISSING}
    order_missing = (one.observed_at for one in unreadable if one.reason == Reason.SHOP_ORDER_MISSING)
    return OrderReadPayload(
        shop=shop,
        order=order_id,
        asked=hint.asked if hint else last.served if last else 0,
        known=newest_state(_shown(subject, state), _accepted_at(shop, state), state.now),
        refunds=tuple(sorted({*_refunds(subject, state)})),
        since=unreadable_since(unreadable),
        missing_since=next(order_missing, None),
        refunds_missing=missing,
    )


def _shown(order: str, state: State) -> Iterator[OrderState]:
    """The states that the shop has shown in hints, in the last fact and in the last unreadable answer."""
    hint, fact, last = state.get(HINT, order), state.get(ORDER, order), state.get(LAST_READ, order)
    unreadable = state.get(UNREADABLE_ORDER, order)
    if hint and hint.shown:
        yield hint.shown
    if fact:
        yield state_of_order(fact, last.at if last else None)
    if unreadable and unreadable.seen_modified_at:
        yield OrderState(modified_at=unreadable.seen_modified_at, seen_at=unreadable.observed_at)


def _refunds(order: str, state: State) -> Iterator[int]:
    """The refunds that were published, those that could not be read, and those that a pending hint has shown."""
    yield from (refund.refund_id for refund in state.find(REFUND, order).values())
    yield from (unreadable.refund_id for unreadable in state.find(UNREADABLE_REFUND, order).values())
    hint = pending_hint(order, ORDERS, state)
    if hint and hint.shown:
        yield from hint.shown.refund_ids


def _accepted_at(shop: str, state: State) -> datetime | None:
    """When a person accepted the shop, which may be restored from a backup: earlier states do not count."""
    known = state.get(KNOWN, shop)
    return known.at if known and known.how == "accepted" else None


READ = "order.read"


def order_lane_name(shop: str) -> str:
    """Return the lane that reads a shop's orders."""
    return f"shop.orders:{shop}"


def handlers(shops: Collection[str]) -> Handlers:
    """Return the rules of store-feed for these shops."""
    return Handlers(
        topics=("shop.orders", "shop.refunds", "shop.customers", "operations"),
        remember={
            OrderChanged: _on_order_changed,
            OrderRemoved: _on_order_removed,
            RefundIssued: _on_refund_issued,
            RefundRemoved: _on_refund_removed,
            PushRequested: _on_export_requested,
            ReturnRequested: _on_export_requested,
            ReadRequested: on_read_requested,
            AcceptShopRequested: on_accept_requested,
            **unreadable.REMEMBER,
            **customers.REMEMBER,
        },
        decide=partial(_decide, frozenset(shops)),
        news={**NEWS, **customers.NEWS},
    )


def _on_order_changed(envelope: Envelope[OrderChanged], state: State) -> None:
    order = envelope.data
    customers.check_dropped_account(state.get(ORDER, order.key), order, state)
    state.put(ORDER, order.key, order, customers.account_key(order))
    state.drop(UNREADABLE_ORDER, order.key)


def _on_order_removed(envelope: Envelope[OrderRemoved], state: State) -> None:
    """Forget an order that no longer exists, and what could not be read of it."""
    order = envelope.data.key
    state.drop(ORDER, order)
    state.drop(UNREADABLE_ORDER, order)
    for refund in state.find(UNREADABLE_REFUND, order):
        state.drop(UNREADABLE_REFUND, refund)
    state.touch(order)


def _on_refund_issued(envelope: Envelope[RefundIssued], state: State) -> None:
    state.put(REFUND, envelope.data.subject, envelope.data, envelope.data.key)
    state.drop(UNREADABLE_REFUND, envelope.data.subject)


def _on_refund_removed(envelope: Envelope[RefundRemoved], state: State) -> None:
    state.drop(REFUND, envelope.data.subject)
    state.drop(UNREADABLE_REFUND, envelope.data.subject)


def _on_export_requested(envelope: Envelope[PushRequested | ReturnRequested], state: State) -> None:
    """A person requests the export of an order: it is read again first, so that its current state is exported."""
    request_refresh([order_key(envelope.data.shop, envelope.data.order_id)], ORDERS, state)


def _decide(shops: Collection[str], subject: str, state: State) -> Decision:
    if subject.startswith(SUBJECT):
        return decide_acceptance(subject, state)
    if subject.startswith(CUSTOMERS.subject):
        return customers.decide_customer(shops, subject.removeprefix(CUSTOMERS.subject), state)
    shop, colon, order_id = subject.partition(":")
    if not colon:
        return decide_fault(subject, state)
    return _decide_read(shop, int(order_id), state) if shop in shops else NOTHING


def _decide_read(shop: str, order_id: int, state: State) -> Decision:
    """Read the order while a hint is pending, or while the last answer could not be used."""
    subject = order_key(shop, order_id)
    hint, looked = pending_hint(subject, ORDERS, state), state.get(LAST_READ, subject)
    if hint is None and not unreadable.unreadable_records(subject, state):
        return NOTHING
    payload = build_read_payload(shop, order_id, state).model_dump(mode="json")
    not_before = looked.again_at if looked and hint is None else None
    read = Delivery(read_id(subject), READ, order_lane_name(shop), subject, payload, not_before=not_before)
    return Decision(deliveries=(read,), refuse=tuple(unreadable.find_dead_letters(subject, hint is not None, state)))
