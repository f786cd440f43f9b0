"""How each order stands: every state of each is known, only a trigger makes a document of it (claim S4.27)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal

from contracts.envelope import Envelope
from contracts.model import Event
from contracts.shop import OrderChanged
from services.commands.day_close.facts import Facts, Story, gathered
from services.commands.rules.countdown import held
from services.order_exporter.content import is_void
from services.shared.documents.trigger import DEFAULT, is_paid, is_triggered
from services.shared.settings.orders import OrderSettings
from services.shared.settings.shop import ShopSettings

State = Literal[
    "in the books", "needs a person", "to be approved", "reserved", "held", "due", "watching", "given up", "removed"
]


@dataclass(frozen=True, slots=True)
class Standing:
    """One order: what the shop says of it, how it stands, and why. `at` is when it was placed."""

    shop: str
    order_id: int
    number: str
    status: str
    total: Decimal
    currency: str
    at: datetime
    state: State
    why: str


def standings(facts: Facts, shops: Mapping[str, ShopSettings], now: datetime) -> list[Standing]:
    """Every order of these shops that was ever read, oldest first."""
    found = [
        _standing(story.order, story, rules, now)
        for name, rules in shops.items()
        for story in facts.of_shop(name).values()
        if story.order is not None
    ]
    return sorted(found, key=lambda one: (one.shop, one.order_id))


def standing_of(
    key: str, envelopes: Iterable[Envelope[Event]], shops: Mapping[str, ShopSettings], at: datetime | None = None
) -> str:
    """How one order (`shop:order`) stood at a moment, and why, in one line; empty for one that was never read."""
    story, rules = gathered(envelopes).stories[key], shops.get(key.partition(":")[0])
    if story.order is None or rules is None:
        return ""
    return ": ".join(judged(story.order, story, rules, at or datetime.now(UTC)))


def _standing(order: OrderChanged, story: Story, rules: ShopSettings, now: datetime) -> Standing:
    state, why = judged(order, story, rules, now)
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


def judged(order: OrderChanged, story: Story, rules: ShopSettings, now: datetime) -> tuple[State, str]:
    """How an order stands and why: what the books hold counts first, then what stops it, then its trigger."""
    if (sale := story.sale) is not None:
        return "in the books", f"Sale {sale.number or sale.sale}"
    if (letter := _letter(order.key, story)) is not None:
        return "needs a person", letter
    if story.removed:
        return "removed", "the shop does not hold it any more"
    if is_void(order):
        return "given up", f"{order.status}: no document is made"
    return _on_its_way(order, story, rules, now)


def _on_its_way(order: OrderChanged, story: Story, rules: ShopSettings, now: datetime) -> tuple[State, str]:
    waits = None if story.pushed or rules.flows.orders == "off" else held(order, rules.orders, now)
    if waits is not None:
        return "held", waits.told(now)
    if story.reserved is not None:
        return "reserved", f"sales order {story.reserved.number or story.reserved.sales_order}"
    if is_triggered(order, rules.orders):
        return _triggered(order, story, rules)
    return "watching", awaited(order, rules.orders)


def _letter(key: str, story: Story) -> str | None:
    """The reason code and id of an open letter about the order's Sale or client."""
    open_ = (letter for letter in story.letters.values() if letter.dead_letter not in story.settled)
    own = (letter for letter in open_ if letter.about.startswith((f"sale:{key}", f"client:{key}")))
    return next((f"{letter.reason}: davtari dead-letters show {letter.dead_letter[:8]}" for letter in own), None)


def _triggered(order: OrderChanged, story: Story, rules: ShopSettings) -> tuple[State, str]:
    if story.asked.get(f"sale:{order.key}") is not None:
        return "to be approved", "davtari approvals list"
    told = {"live": "its Sale is on its way", "dry-run": "a dry run: planned, not written", "off": "the flow is off"}
    return "due", told[rules.flows.orders]


def awaited(order: OrderChanged, rules: OrderSettings) -> str:
    """What would make a Sale of an order that is only watched."""
    own = rules.trigger.get(order.payment_method)
    statuses = " or ".join(own if own is not None else rules.trigger.get(DEFAULT, ())) or "no status"
    if own is None and order.status in rules.trigger.get(DEFAULT, ()) and not is_paid(order):
        return f"{order.status}, and not paid yet"
    return f"{order.status}; {statuses} makes its Sale"
