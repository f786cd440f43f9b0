"""What of some days is in the shop and not in the books, and what brings it there (claims S3.44, K19, K32)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from contracts.delivery_ids import credit_note_id, order_key, refund_key, sale_id
from contracts.shop import OrderChanged
from services.cli.day_close.causes import unreadable_cause
from services.cli.day_close.entries import sale_day
from services.cli.day_close.facts import OrderFacts
from services.cli.day_close.shop_now import DayRange, ShopAnswer
from services.cli.day_close.sources import overlay_shop
from services.cli.orders.states import FINAL_STATES, NO_WAITS, OrderState, Waits, list_order_states
from services.settings.orders import OrderSettings
from services.settings.shop import ShopSettings

Action = Literal["read", "push", "none"]
"""Have store-feed read the order; have an exporter make the document; or nothing, because `why` has to end first."""
STOPPED = ("needs a person", "not readable")


@dataclass(frozen=True, slots=True)
class BackfillStep:
    """What is done about an order, or (`refund_id`) a refund of it, and why.

    `documents` are expected to follow, by the names of their deliveries. `stopped`: only a person can help.
    """

    key: str
    number: str
    action: Action
    why: str
    refund_id: int | None = None
    documents: frozenset[str] = frozenset()
    stopped: bool = False

    @property
    def order_id(self) -> int:
        """The order's id."""
        return int(self.key.rpartition(":")[2])

    @property
    def name(self) -> str:
        """How a person names it."""
        return f"order {self.number}" if self.refund_id is None else f"refund {self.refund_id} of order {self.number}"


@dataclass(frozen=True, slots=True)
class BackfillPlan:
    """The steps of a shop; how many orders of the days are in the books, and how many need no document (yet)."""

    shop: str
    steps: tuple[BackfillStep, ...]
    booked: int = 0
    not_due: int = 0

    @property
    def sent(self) -> list[BackfillStep]:
        """The steps that a run carries out."""
        return [step for step in self.steps if step.action != "none"]


def plan_backfill(
    shop: str, said: ShopAnswer, facts: OrderFacts, rules: ShopSettings, now: datetime, waits: Waits = NO_WAITS
) -> BackfillPlan:
    """What to do about the days that the shop was asked about. The facts say afterwards what the shop says."""
    known = {key for key, story in facts.of_shop(shop).items() if story.order and not story.removed}
    unequal = [id_ for id_, text in said.unequal.items() if text and id_ in said.read]
    gone = [id_ for id_ in said.gone if order_key(shop, id_) in known]
    overlay_shop(said, facts, shop, rules.orders, now)
    found = list_order_states(facts, {shop: rules}, now, waits)
    lacking = _plan_reads(shop, unequal, said, facts, known, found, rules.orders)
    unread = [*lacking, *(_plan_read_of_deleted(shop, id_, said) for id_ in gone)]
    read = {step.key for step in unread}
    concerned = [
        one for one in found if _order_key(one) not in read and _is_in_range(one, facts, said.days, rules.orders)
    ]
    others = [step for one in concerned if (step := _plan_step(one, rules))]
    steps = sorted([*unread, *others, *_report_unreadable(shop, said, facts)], key=lambda one: (one.order_id, one.name))
    orders = [one.state for one in concerned if one.refund_id is None]
    idle = sum(state == "watching" or state in FINAL_STATES - {"in the books"} for state in orders)
    return BackfillPlan(shop, tuple(steps), orders.count("in the books"), idle)


def _order_key(one: OrderState) -> str:
    return order_key(one.shop, one.order_id)


def _plan_reads(
    shop: str,
    ids: Iterable[int],
    said: ShopAnswer,
    facts: OrderFacts,
    known: set[str],
    found: Iterable[OrderState],
    rules: OrderSettings,
) -> Iterator[BackfillStep]:
    """Orders that the topics lack or hold otherwise.

    One that the topics lack is read only for its own day: an older one may stand in the books by hand.
    """
    due: dict[str, set[str]] = {}
    for one in found:
        if one.state in ("due", "waits for its Sale"):
            due.setdefault(_order_key(one), set()).add(_document_delivery(one))
    for id_ in ids:
        key, order = order_key(shop, id_), said.read[id_].order
        day = sale_day(facts.stories[key], rules) or ""
        if key in known or order.created_at in said.days or said.days.holds(day):
            yield BackfillStep(key, order.number, "read", said.unequal[id_], documents=frozenset(due.get(key, ())))
        elif any(refund.created_at in said.days for refund in said.read[id_].refunds.values()):
            yield BackfillStep(key, order.number, "none", _explain_other_day(order, day), stopped=True)


def _explain_other_day(order: OrderChanged, day: str) -> str:
    command = f"davtari backfill orders --shop {order.shop} --from {day} --to {day}"
    return f"refunded on these days, and the topics lack the order of {day}: {command}"


def _plan_read_of_deleted(shop: str, order_id: int, said: ShopAnswer) -> BackfillStep:
    return BackfillStep(
        order_key(shop, order_id), str(order_id), "read", f"{said.gone[order_id]}, the topics still hold it"
    )


def _report_unreadable(shop: str, said: ShopAnswer, facts: OrderFacts) -> Iterator[BackfillStep]:
    for id_, message in said.unreadable.items():
        key = order_key(shop, id_)
        yield BackfillStep(key, str(id_), "none", unreadable_cause(facts.stories[key], message).text, stopped=True)
    for id_, whole in said.read.items():
        for refund_id, message in whole.unreadable.items():
            why = unreadable_cause(facts.stories[order_key(shop, id_)], message, refund_id).text
            yield BackfillStep(order_key(shop, id_), whole.order.number, "none", why, refund_id, stopped=True)


def _is_in_range(one: OrderState, facts: OrderFacts, days: DayRange, rules: OrderSettings) -> bool:
    """Whether an order was placed on these days or has its document's day among them; a refund, when it was given."""
    if one.at is not None and one.at in days:
        return True
    return one.refund_id is None and days.holds(sale_day(facts.stories[_order_key(one)], rules) or "")


def _plan_step(one: OrderState, rules: ShopSettings) -> BackfillStep | None:
    """What follows for an order or refund that the topics hold as the shop does."""
    if one.state in FINAL_STATES or one.state == "watching":
        return None
    flow = rules.flows.orders if one.refund_id is None else rules.flows.refunds
    push = one.state == "due" and flow == "live" and not one.why.startswith("wait")
    documents = frozenset({_document_delivery(one)}) if push else frozenset()
    why = f"{one.state}: {one.why}"
    stopped = one.state in STOPPED
    return BackfillStep(_order_key(one), one.number, "push" if push else "none", why, one.refund_id, documents, stopped)


def _document_delivery(one: OrderState) -> str:
    """The name of the delivery that makes the document."""
    return (
        sale_id(_order_key(one))
        if one.refund_id is None
        else credit_note_id(refund_key(_order_key(one), one.refund_id))
    )
