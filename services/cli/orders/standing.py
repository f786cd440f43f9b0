"""How each order and refund stands, and what it waits for: nothing waits without a name (claim S4.27)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from contracts.delivery_ids import client_id, sale_id
from contracts.envelope import Envelope
from contracts.model import Event
from contracts.order_statuses import is_paid, is_void
from contracts.shop import OrderChanged, RefundIssued
from services.accounting.documents.relations import role_of
from services.accounting.documents.trigger import DEFAULT, is_triggered
from services.cli.day_close.causes import unread_cause
from services.cli.day_close.facts import OrderFacts, OrderHistory, collect_facts
from services.cli.orders.refund_standing import judged_refund
from services.cli.orders.states import State, discarded, letter_of
from services.cli.orders.waiting import NO_WAITS, Waits
from services.cli.rules.countdown import held
from services.settings.orders import OrderSettings
from services.settings.shop import ShopSettings

OF_THE_SALE = ("sale:", "client:", "sales-order:", "decide:", "record ")
"""What the dead letters of order-exporter are about that keep an order from its Sale."""
Verdict = tuple[State, str]


@dataclass(frozen=True, slots=True)
class Standing:
    """An order, or (`refund_id`) a refund of it: what the shop says, how it stands, and what it waits for.

    `at` is when it was placed or given back. What could not be read is None or empty.
    """

    shop: str
    order_id: int
    number: str
    status: str
    total: Decimal | None
    currency: str
    at: datetime | None
    state: State
    why: str
    refund_id: int | None = None


def standings(
    facts: OrderFacts, shops: Mapping[str, ShopSettings], now: datetime, waits: Waits = NO_WAITS
) -> list[Standing]:
    """Every order of these shops that was ever seen, each with its refunds that are not in the books."""
    found = [
        one
        for name, rules in shops.items()
        for key, story in facts.of_shop(name).items()
        for one in _of_story(key, story, rules, now, waits)
    ]
    return sorted(found, key=lambda one: (one.shop, one.order_id, one.refund_id or 0))


def standing_of(
    key: str,
    envelopes: Iterable[Envelope[Event]],
    shops: Mapping[str, ShopSettings],
    at: datetime | None = None,
    waits: Waits = NO_WAITS,
) -> str:
    """How one order (`shop:order`) and its open refunds stood at a moment, and why; empty for an unknown one."""
    facts, rules = collect_facts(envelopes), shops.get(key.partition(":")[0])
    if rules is None or key not in facts.stories:
        return ""
    found = _of_story(key, facts.stories[key], rules, at or datetime.now(UTC), waits)
    return "; ".join(f"refund {one.refund_id} {_text(one)}" if one.refund_id else _text(one) for one in found)


def _text(one: Standing) -> str:
    return f"{one.state}: {one.why}"


def _of_story(key: str, story: OrderHistory, rules: ShopSettings, now: datetime, waits: Waits) -> Iterator[Standing]:
    order = _order(key, story, rules, now, waits)
    if order is not None:
        yield order
        for refund_id in sorted(story.refunds.keys() | story.unread_refunds.keys()):
            if refund_id not in story.notes:
                yield _refund(order, story, refund_id, rules, waits)


def _order(key: str, story: OrderHistory, rules: ShopSettings, now: datetime, waits: Waits) -> Standing | None:
    """None where nothing of the shop is known."""
    if story.order is not None:
        return _known(story.order, *judged(story.order, story, rules, now, waits))
    stops = unread_cause(story) or letter_of(story, OF_THE_SALE)
    if stops is None:
        return None
    shop, _, number = key.partition(":")
    said = story.unread
    return Standing(
        shop=shop,
        order_id=int(number),
        number=(said.number if said else "") or number,
        status=said.status if said else "",
        total=None,
        currency="",
        at=said.created_at if said else None,
        state="not readable",
        why=stops.text,
    )


def _known(order: OrderChanged, state: State, why: str) -> Standing:
    return Standing(
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


def _refund(order: Standing, story: OrderHistory, refund_id: int, rules: ShopSettings, waits: Waits) -> Standing:
    refund: RefundIssued | None = story.refunds.get(refund_id)
    state, why = judged_refund(order.state, story, refund_id, rules, waits)
    return Standing(
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


def judged(
    order: OrderChanged, story: OrderHistory, rules: ShopSettings, now: datetime, waits: Waits = NO_WAITS
) -> Verdict:
    """How an order stands and why: what the books hold counts first, then what stops it, then its trigger."""
    if (sale := story.sale) is not None:
        return "in the books", f"Sale {sale.number or sale.sale}"
    if story.removed:
        return "removed", "the shop does not hold it any more"
    if (stops := letter_of(story, OF_THE_SALE)) is not None:
        return "needs a person", stops.text
    if (stops := unread_cause(story)) is not None:
        return "not readable", stops.text
    if is_void(order):
        return "given up", f"{order.status}: no document is made"
    if why := discarded(story, ("sale:",)):
        return "given up", why
    return _by_parent(order, rules) or _on_its_way(order, story, rules, now, waits)


def _by_parent(order: OrderChanged, rules: ShopSettings) -> Verdict | None:
    role = role_of(order, rules.orders)
    if role == "part-of-parent":
        return "part of another order", f"the Sale of order {order.parent_id} holds it"
    if role == "undecided" and is_triggered(order, rules.orders):
        made = order.created_via or "default"
        return "needs a person", f'parent {order.parent_id}: say in orders.sub-orders what orders of "{made}" are'
    return None


def _on_its_way(order: OrderChanged, story: OrderHistory, rules: ShopSettings, now: datetime, waits: Waits) -> Verdict:
    held_by = None if story.pushed or rules.flows.orders == "off" else held(order, rules.orders, now)
    if held_by is not None:
        return "held", held_by.told(now)
    if story.reserved is not None:
        return "reserved", f"sales order {story.reserved.number or story.reserved.sales_order}"
    if is_triggered(order, rules.orders):
        return _triggered(order, story, rules, waits)
    return "watching", awaited(order, rules.orders)


def _triggered(order: OrderChanged, story: OrderHistory, rules: ShopSettings, waits: Waits) -> Verdict:
    if story.asked.get(sale_id(order.key)) is not None:
        return "to be approved", "davtari approvals list"
    if why := waits.get(sale_id(order.key)) or waits.get(client_id(order.key)):
        return "due", why
    told = {"live": "its Sale is on its way", "dry-run": "a dry run: planned, not written", "off": "the flow is off"}
    return "due", told[rules.flows.orders]


def awaited(order: OrderChanged, rules: OrderSettings) -> str:
    """What would make a Sale of an order that is only watched."""
    own = rules.trigger.get(order.payment_method)
    statuses = " or ".join(own if own is not None else rules.trigger.get(DEFAULT, ())) or "no status"
    if own is None and order.status in rules.trigger.get(DEFAULT, ()) and not is_paid(order):
        return f"{order.status}, and not paid yet"
    return f"{order.status}; {statuses} makes its Sale"
