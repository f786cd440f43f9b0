"""Plan a backfill: find what is in the shop but not in the books, and how to export it (claims S3.44, K19, K32)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from contracts.delivery_ids import credit_note_id, order_key, refund_key, sale_id
from contracts.shop import OrderChanged
from services.cli.day_close.shop_now import DayRange, ShopAnswer
from services.cli.day_close.sources import overlay_shop
from services.cli.orders.states import ExportState, list_order_states
from services.console.model.days.causes import unreadable_cause
from services.console.model.days.entries import sale_day
from services.console.model.history import OrderFacts
from services.console.model.order_states import FINAL_STATES, NO_WAITS, Waits
from services.settings.orders import OrderSettings
from services.settings.shop import ShopSettings

Action = Literal["read", "push", "none"]
"""`read`: store-feed reads the order. `push`: an exporter writes the document. `none`: `why` must be resolved first."""
STOPPED = ("needs a person", "not readable")


@dataclass(frozen=True, slots=True)
class BackfillStep:
    """The action for an order, or for one of its refunds (`refund_id`), and why.

    `documents`: the ids of the deliveries that are expected to follow. `stopped`: only a person can resolve it.
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
        """The id of the order."""
        return int(self.key.rpartition(":")[2])

    @property
    def name(self) -> str:
        """The order or refund for people."""
        return f"order {self.number}" if self.refund_id is None else f"refund {self.refund_id} of order {self.number}"


@dataclass(frozen=True, slots=True)
class BackfillPlan:
    """The steps of a shop. `booked`: orders already in the books; `not_due`: orders that need no document (yet)."""

    shop: str
    steps: tuple[BackfillStep, ...]
    booked: int = 0
    not_due: int = 0

    @property
    def sent(self) -> list[BackfillStep]:
        """The steps that a run sends to the services."""
        return [step for step in self.steps if step.action != "none"]


def plan_backfill(
    shop: str, answer: ShopAnswer, facts: OrderFacts, rules: ShopSettings, now: datetime, waits: Waits = NO_WAITS
) -> BackfillPlan:
    """Plan the steps for the days of the shop's answer. Afterwards the facts contain the shop's state."""
    known = {key for key, history in facts.of_shop(shop).items() if history.order and not history.removed}
    differing = [id_ for id_, text in answer.differing.items() if text and id_ in answer.full]
    deleted = [id_ for id_ in answer.deleted if order_key(shop, id_) in known]
    overlay_shop(answer, facts, shop, rules.orders, now)
    found = list_order_states(facts, {shop: rules}, now, waits)
    reads = _plan_reads(shop, differing, answer, facts, known, found, rules.orders)
    to_read = [*reads, *(_plan_read_of_deleted(shop, id_, answer) for id_ in deleted)]
    read = {step.key for step in to_read}
    concerned = [
        one for one in found if _order_key(one) not in read and _is_in_range(one, facts, answer.days, rules.orders)
    ]
    others = [step for one in concerned if (step := _plan_step(one, rules))]
    steps = sorted(
        [*to_read, *others, *_report_unreadable(shop, answer, facts)], key=lambda one: (one.order_id, one.name)
    )
    orders = [one.state for one in concerned if one.refund_id is None]
    idle = sum(state == "watching" or state in FINAL_STATES - {"in the books"} for state in orders)
    return BackfillPlan(shop, tuple(steps), orders.count("in the books"), idle)


def _order_key(one: ExportState) -> str:
    return order_key(one.shop, one.order_id)


def _plan_reads(
    shop: str,
    ids: Iterable[int],
    answer: ShopAnswer,
    facts: OrderFacts,
    known: set[str],
    found: Iterable[ExportState],
    rules: OrderSettings,
) -> Iterator[BackfillStep]:
    """Steps for orders that are missing in the topics or differ there.

    A missing order is read only if its own day is in the range: an older one may have been booked by hand.
    """
    due: dict[str, set[str]] = {}
    for one in found:
        if one.state in ("due", "waits for its Sale"):
            due.setdefault(_order_key(one), set()).add(_document_delivery(one))
    for id_ in ids:
        key, order = order_key(shop, id_), answer.full[id_].order
        day = sale_day(facts.histories[key], rules) or ""
        if key in known or order.created_at in answer.days or answer.days.contains_date(day):
            yield BackfillStep(key, order.number, "read", answer.differing[id_], documents=frozenset(due.get(key, ())))
        elif any(refund.created_at in answer.days for refund in answer.full[id_].refunds.values()):
            yield BackfillStep(key, order.number, "none", _explain_other_day(order, day), stopped=True)


def _explain_other_day(order: OrderChanged, day: str) -> str:
    command = f"davtari backfill orders --shop {order.shop} --from {day} --to {day}"
    return f"refunded on these days, but its order of {day} is not in the topics: {command}"


def _plan_read_of_deleted(shop: str, order_id: int, answer: ShopAnswer) -> BackfillStep:
    return BackfillStep(
        order_key(shop, order_id), str(order_id), "read", f"{answer.deleted[order_id]}, but the topics still contain it"
    )


def _report_unreadable(shop: str, answer: ShopAnswer, facts: OrderFacts) -> Iterator[BackfillStep]:
    for id_, message in answer.unreadable.items():
        key = order_key(shop, id_)
        yield BackfillStep(key, str(id_), "none", unreadable_cause(facts.histories[key], message).text, stopped=True)
    for id_, full in answer.full.items():
        for refund_id, message in full.unreadable.items():
            why = unreadable_cause(facts.histories[order_key(shop, id_)], message, refund_id).text
            yield BackfillStep(order_key(shop, id_), full.order.number, "none", why, refund_id, stopped=True)


def _is_in_range(one: ExportState, facts: OrderFacts, days: DayRange, rules: OrderSettings) -> bool:
    """Whether an order was placed on these days or its document has one of them; whether a refund was made then."""
    if one.at is not None and one.at in days:
        return True
    return one.refund_id is None and days.contains_date(sale_day(facts.histories[_order_key(one)], rules) or "")


def _plan_step(one: ExportState, rules: ShopSettings) -> BackfillStep | None:
    """The step for an order or refund whose state in the topics is up to date."""
    if one.state in FINAL_STATES or one.state == "watching":
        return None
    flow = rules.flows.orders if one.refund_id is None else rules.flows.refunds
    push = one.state == "due" and flow == "live" and not one.why.startswith("wait")
    documents = frozenset({_document_delivery(one)}) if push else frozenset()
    why = f"{one.state}: {one.why}"
    stopped = one.state in STOPPED
    return BackfillStep(_order_key(one), one.number, "push" if push else "none", why, one.refund_id, documents, stopped)


def _document_delivery(one: ExportState) -> str:
    """The id of the delivery that writes the document."""
    return (
        sale_id(_order_key(one))
        if one.refund_id is None
        else credit_note_id(refund_key(_order_key(one), one.refund_id))
    )
