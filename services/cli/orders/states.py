"""Lists orders and refunds with their states, as the command line names the reasons."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from contracts.envelope import Envelope
from contracts.model import Event
from contracts.shop import OrderChanged, RefundIssued
from services.cli.rule_explanation import format_wait
from services.console.model.history import OrderFacts, OrderHistory, collect_facts
from services.console.model.order_states import (
    NO_WAITS,
    ItemState,
    StateName,
    Waits,
    judge_order,
    judge_refund,
    judge_unknown_order,
)
from services.settings.shop import ShopSettings


@dataclass(frozen=True, slots=True)
class ExportState:
    """The state of an order, or of a refund of it (`refund_id`), and what it waits for.

    `at` is the time of the order or refund. Unreadable values are None or empty.
    """

    shop: str
    order_id: int
    number: str
    status: str
    total: Decimal | None
    currency: str
    at: datetime | None
    state: StateName
    why: str
    refund_id: int | None = None


def list_order_states(
    facts: OrderFacts, shops: Mapping[str, ShopSettings], now: datetime, waits: Waits = NO_WAITS
) -> list[ExportState]:
    """List every known order of these shops, and its refunds that are not in the books."""
    found = [
        one
        for name, rules in shops.items()
        for key, history in facts.of_shop(name).items()
        for one in _states_of(key, history, rules, now, waits)
    ]
    return sorted(found, key=lambda one: (one.shop, one.order_id, one.refund_id or 0))


def describe_order_state(
    key: str,
    envelopes: Iterable[Envelope[Event]],
    shops: Mapping[str, ShopSettings],
    at: datetime | None = None,
    waits: Waits = NO_WAITS,
) -> str:
    """Describe the state of an order (`shop:order`) and its open refunds, now or at a time; empty if unknown."""
    facts, rules = collect_facts(envelopes), shops.get(key.partition(":")[0])
    if rules is None or key not in facts.histories:
        return ""
    found = _states_of(key, facts.histories[key], rules, at or datetime.now(UTC), waits)
    return "; ".join(f"refund {one.refund_id} {_text(one)}" if one.refund_id else _text(one) for one in found)


def _text(one: ExportState) -> str:
    return f"{one.state}: {one.why}"


def _states_of(
    key: str, history: OrderHistory, rules: ShopSettings, now: datetime, waits: Waits
) -> Iterator[ExportState]:
    order = _order(key, history, rules, now, waits)
    if order is not None:
        yield order
        for refund_id in sorted(history.refunds.keys() | history.unread_refunds.keys()):
            if refund_id not in history.notes:
                found = judge_refund(key, order.state, history, refund_id, rules, waits)
                yield _refund_state(order, history.refunds.get(refund_id), refund_id, found, now)


def _order(key: str, history: OrderHistory, rules: ShopSettings, now: datetime, waits: Waits) -> ExportState | None:
    """The state of an order; None if nothing is known about it."""
    if history.order is not None:
        return _order_state(history.order, judge_order(history.order, history, rules, now, waits), now)
    if (found := judge_unknown_order(history)) is None:
        return None
    shop, _, number = key.partition(":")
    unread = history.unread
    return ExportState(
        shop=shop,
        order_id=int(number),
        number=(unread.number if unread else "") or number,
        status=unread.status if unread else "",
        total=None,
        currency="",
        at=unread.created_at if unread else None,
        state=found.state,
        why=describe_reason(shop, int(number), found, now),
    )


def describe_reason(shop: str, order_id: int, found: ItemState, now: datetime) -> str:
    """Why an order or refund is in its state, with the command that helps."""
    if found.state == "to be approved":
        return "davtari approvals list"
    if found.state == "needs a person" and found.dead_letter:
        return f"{found.reason}: davtari dead-letters show {found.dead_letter[:8]}"
    if found.state == "not readable":
        how = f"dead-letters show {found.dead_letter[:8]}" if found.dead_letter else f"explain {found.reason}"
        return f"{found.why} (davtari {how})"
    if found.state == "held" and found.until:
        return f"exported in {format_wait(found.until - now)} ({found.held_by})"
    if found.state == "held":
        return f"on hold by {found.held_by}; to export it: davtari push order {order_id} --shop {shop}"
    return str(found.why)


def _order_state(order: OrderChanged, found: ItemState, now: datetime) -> ExportState:
    return ExportState(
        shop=order.shop,
        order_id=order.order_id,
        number=order.number,
        status=order.status,
        total=order.total,
        currency=order.currency,
        at=order.created_at,
        state=found.state,
        why=describe_reason(order.shop, order.order_id, found, now),
    )


def _refund_state(
    order: ExportState, refund: RefundIssued | None, refund_id: int, found: ItemState, now: datetime
) -> ExportState:
    return ExportState(
        shop=order.shop,
        order_id=order.order_id,
        number=order.number,
        status="",
        total=refund.amount if refund else None,
        currency=order.currency,
        at=refund.created_at if refund else None,
        state=found.state,
        why=describe_reason(order.shop, order.order_id, found, now),
        refund_id=refund_id,
    )
