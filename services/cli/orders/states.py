"""The state of each order and refund, and what it waits for; nothing waits without a named reason (claim S4.27)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal

from contracts.delivery_ids import client_id, credit_note_id, refund_key, sale_id
from contracts.envelope import Envelope
from contracts.model import Event
from contracts.operations import DeadLettered
from contracts.order_statuses import is_paid, is_void
from contracts.shop import OrderChanged, RefundIssued
from services.accounting.documents.trigger import DEFAULT, is_triggered, role_of
from services.cli.day_close.causes import DifferenceCause, unread_cause
from services.cli.day_close.facts import OrderFacts, OrderHistory, collect_facts
from services.cli.rule_explanation import find_hold
from services.settings.orders import OrderSettings
from services.settings.shop import ShopSettings

StateName = Literal[
    "in the books", "needs a person", "not readable", "to be approved", "reserved", "held", "due", "waits for its Sale",
    "watching", "booked by hand", "part of another order", "nothing to credit", "given up", "removed",
]  # fmt: skip
Waits = Mapping[str, str]
"""What each delivery waits for, by its id."""
NO_WAITS: Waits = {}
FINAL_STATES = frozenset({"in the books", "part of another order", "nothing to credit", "given up", "removed"})
"""Nothing follows after these states."""
IDLE_STATES = FINAL_STATES | {"watching", "booked by hand"}
"""No document of Davtari is awaited in these states."""


def discard_reason(history: OrderHistory, about: tuple[str, ...]) -> str:
    """Who discarded the newest dead letter of these deliveries, and why; empty if it was not discarded."""
    own = [
        one for one in history.dead_letters.values() if one.service.endswith("exporter") and one.about.startswith(about)
    ]
    settled = history.settled.get(own[-1].dead_letter) if own else None
    return f"discarded by {settled.by}: {settled.why}" if settled and settled.how == "discarded" else ""


def open_dead_letter(history: OrderHistory, about: tuple[str, ...]) -> DifferenceCause | None:
    """The first open dead letter of an exporter about these deliveries, with its reason and the command to show it."""
    still_open = (one for one in history.dead_letters.values() if one.dead_letter not in history.settled)
    found = next((one for one in still_open if _is_about(one, about)), None)
    if found is None:
        return None
    return DifferenceCause(f"{found.reason}: davtari dead-letters show {found.dead_letter[:8]}", found.reason)


def _is_about(event: DeadLettered, deliveries: tuple[str, ...]) -> bool:
    return event.service.endswith("exporter") and event.about.startswith(deliveries)


OF_THE_SALE = ("sale:", "client:", "sales-order:", "decide:", "record ")
"""Deliveries whose dead letters prevent the Sale of an order."""
StateAndReason = tuple[StateName, str]


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
                yield _refund_state(order, history, refund_id, rules, waits)


def _order(key: str, history: OrderHistory, rules: ShopSettings, now: datetime, waits: Waits) -> ExportState | None:
    """The state of an order; None if nothing is known about it."""
    if history.order is not None:
        return _order_state(history.order, *judge_order(history.order, history, rules, now, waits))
    cause = unread_cause(history) or open_dead_letter(history, OF_THE_SALE)
    if cause is None:
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
        state="not readable",
        why=cause.text,
    )


def _order_state(order: OrderChanged, state: StateName, why: str) -> ExportState:
    return ExportState(
        shop=order.shop,
        order_id=order.order_id,
        number=order.number,
        status=order.status,
        total=order.total,
        currency=order.currency,
        at=order.created_at,
        state=state,
        why=why,
    )


def _refund_state(
    order: ExportState, history: OrderHistory, refund_id: int, rules: ShopSettings, waits: Waits
) -> ExportState:
    refund: RefundIssued | None = history.refunds.get(refund_id)
    state, why = judge_refund(order.state, history, refund_id, rules, waits)
    return ExportState(
        shop=order.shop,
        order_id=order.order_id,
        number=order.number,
        status="",
        total=refund.amount if refund else None,
        currency=order.currency,
        at=refund.created_at if refund else None,
        state=state,
        why=why,
        refund_id=refund_id,
    )


def judge_order(
    order: OrderChanged, history: OrderHistory, rules: ShopSettings, now: datetime, waits: Waits = NO_WAITS
) -> StateAndReason:
    """The state of an order and the reason: first its document, then what prevents it, then its trigger."""
    if (sale := history.sale) is not None:
        return "in the books", f"Sale {sale.number or sale.sale}"
    if history.removed:
        return "removed", "it no longer exists in the shop"
    if (cause := open_dead_letter(history, OF_THE_SALE)) is not None:
        return "needs a person", cause.text
    if (cause := unread_cause(history)) is not None:
        return "not readable", cause.text
    if is_void(order):
        return "given up", f"{order.status}: no document is made"
    if why := discard_reason(history, ("sale:",)):
        return "given up", why
    return _judge_by_parent(order, rules) or _judge_pending(order, history, rules, now, waits)


def _judge_by_parent(order: OrderChanged, rules: ShopSettings) -> StateAndReason | None:
    role = role_of(order, rules.orders)
    if role == "part-of-parent":
        return "part of another order", f"it is in the Sale of order {order.parent_id}"
    if role == "undecided" and is_triggered(order, rules.orders):
        made = order.created_via or "default"
        return "needs a person", f'child of {order.parent_id}: set in orders.sub-orders how to treat orders of "{made}"'
    return None


def _judge_pending(
    order: OrderChanged, history: OrderHistory, rules: ShopSettings, now: datetime, waits: Waits
) -> StateAndReason:
    hold = None if history.pushed or rules.flows.orders == "off" else find_hold(order, rules.orders, now)
    if hold is not None:
        return "held", hold.describe(now)
    if history.sales_order is not None:
        return "reserved", f"sales order {history.sales_order.number or history.sales_order.sales_order}"
    if is_triggered(order, rules.orders):
        return _judge_triggered(order, history, rules, waits)
    return "watching", describe_trigger(order, rules.orders)


def _judge_triggered(order: OrderChanged, history: OrderHistory, rules: ShopSettings, waits: Waits) -> StateAndReason:
    if history.approval_requests.get(sale_id(order.key)) is not None:
        return "to be approved", "davtari approvals list"
    if why := waits.get(sale_id(order.key)) or waits.get(client_id(order.key)):
        return "due", why
    reasons = {
        "live": "its Sale is being exported",
        "dry-run": "dry run: planned, not written",
        "off": "the flow is off",
    }
    return "due", reasons[rules.flows.orders]


def describe_trigger(order: OrderChanged, rules: OrderSettings) -> str:
    """What would cause the Sale of an order that is not due yet."""
    own = rules.trigger.get(order.payment_method)
    statuses = " or ".join(own if own is not None else rules.trigger.get(DEFAULT, ())) or "no status"
    if own is None and order.status in rules.trigger.get(DEFAULT, ()) and not is_paid(order):
        return f"{order.status}, not paid yet"
    return f"{order.status}; exported at {statuses}"


NO_SALE_EVER = {
    "given up": "the order was cancelled and has no Sale",
    "removed": "the order was removed and has no Sale",
    "part of another order": "the order is in the Sale of its parent",
}
"""States of orders that get no Sale, with the reason."""


def judge_refund(
    order: StateName, history: OrderHistory, refund_id: int, rules: ShopSettings, waits: Waits
) -> tuple[StateName, str]:
    """The state of a refund and the reason; `order` is the state of its order."""
    name = credit_note_id(refund_key(_key(history), refund_id))
    if (cause := open_dead_letter(history, (name,))) is not None:
        return "needs a person", cause.text
    if refund_id in history.unread_refunds and (cause := unread_cause(history, refund_id)) is not None:
        return "not readable", cause.text
    if (nothing := history.nothing_to_credit.get(refund_id)) is not None and history.sale is None:
        return "nothing to credit", nothing.why
    if why := discard_reason(history, (name,)):
        return "given up", why
    if order != "in the books":
        return _without_sale(order)
    if name in history.approval_requests:
        return "to be approved", "davtari approvals list"
    if rules.refunds.policy == "manual":
        return "booked by hand", 'refunds.policy is "manual": enter its credit note in Balance'
    reasons = {"live": "its credit note is being exported", "dry-run": "dry run: planned", "off": "the flow is off"}
    return "due", waits.get(name) or reasons[rules.flows.refunds]


def _without_sale(order: StateName) -> tuple[StateName, str]:
    if why := NO_SALE_EVER.get(order):
        return "nothing to credit", why
    return "waits for its Sale", f"its order has no Sale yet ({order})"


def _key(history: OrderHistory) -> str:
    return history.order.key if history.order else ""
