"""What the shop holds now of some days: asked over REST, and compared with what the topics hold (claim K32).

One list of summaries, a hundred orders a call, finds the orders that concern these days. Only those that the topics
lack, or hold otherwise, are read whole.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Protocol

from contracts.order_statuses import DRAFT_STATUSES, TRASH
from contracts.shop import OrderChanged, RefundIssued
from services.cli.day_close.facts import OrderHistory
from services.connectors.woocommerce import php
from services.connectors.woocommerce.order import order_changed
from services.connectors.woocommerce.order_summary import OrderSummary, order_summary
from services.connectors.woocommerce.read import ReadError
from services.connectors.woocommerce.refund import refund_issued
from services.engine.clock import TBILISI, local_day, local_time
from services.engine.state.store import chunks
from services.settings.orders import OrderSettings

# Days in Tbilisi as a range of moments.


@dataclass(frozen=True, slots=True)
class DayRange:
    """From the first day to the last, both included."""

    first: date
    last: date

    @property
    def begin(self) -> datetime:
        """The first moment, in UTC."""
        return datetime.combine(self.first, time(), TBILISI).astimezone(UTC)

    @property
    def end(self) -> datetime:
        """The first moment after the last day, in UTC."""
        return (datetime.combine(self.last, time(), TBILISI) + timedelta(days=1)).astimezone(UTC)

    def __contains__(self, moment: datetime) -> bool:
        return self.first <= local_day(moment) <= self.last

    def holds(self, day: str) -> bool:
        """The same for a date as documents have it, `2026-11-20`."""
        return self.first.isoformat() <= day <= self.last.isoformat()

    def __str__(self) -> str:
        return f"--from {self.first} --to {self.last}"


def single_day(day: str) -> DayRange:
    """One day, given as `2026-11-20`."""
    return DayRange(date.fromisoformat(day), date.fromisoformat(day))


# In what an order that the shop lists differs from the order in the topics.


def order_differences(listed: OrderSummary, story: OrderHistory) -> list[str]:
    """Every difference in words; empty when the topics hold what the shop lists."""
    if story.order is None or story.removed:
        return ["the topics do not hold it"]
    return [*_field_differences(listed, story.order), *_refund_differences(listed, story.refunds)]


def _field_differences(listed: OrderSummary, known: OrderChanged) -> Iterator[str]:
    pairs: dict[str, tuple[object, object]] = {
        "status": (listed.status, known.status),
        "total": (listed.total, known.total),
        "tax": (known.total_tax if listed.total_tax is None else listed.total_tax, known.total_tax),
        "currency": (listed.currency, known.currency),
        "parent": (listed.parent_id, known.parent_id),
        "payment method": (listed.payment_method, known.payment_method),
        "placed": (listed.date_created_gmt, known.created_at),
        "paid": (listed.date_paid_gmt, known.paid_at),
        "completed": (listed.date_completed_gmt, known.completed_at),
    }
    for name, (shop, topics) in pairs.items():
        if shop != topics:
            yield f"{name}: {_text(shop)} in the shop, {_text(topics)} in the topics"


def _refund_differences(listed: OrderSummary, known: Mapping[int, RefundIssued]) -> Iterator[str]:
    amounts = {refund.id: -refund.total for refund in listed.refunds}
    for id_ in sorted(amounts.keys() | known.keys()):
        if id_ not in known:
            yield f"the topics do not hold refund {id_} of {amounts[id_]}"
        elif id_ not in amounts:
            yield f"the shop does not hold refund {id_} of {known[id_].amount} any more"
        elif amounts[id_] != known[id_].amount:
            yield f"refund {id_}: {amounts[id_]} in the shop, {known[id_].amount} in the topics"


def _text(value: object) -> str:
    match value:
        case None | "":
            return "nothing"
        case datetime():
            return local_time(value)
        case Decimal():
            return f"{value:f}"
        case _:
            return str(value)


PAGE_SIZE = 100
"""API fact: a list has at most a hundred rows."""
"""Not placed yet (API fact): such an order is no order, and in no topic."""
Json = Mapping[str, Any]
Histories = Mapping[str, OrderHistory]


class OrderReader(Protocol):
    """What is asked of a shop."""

    def orders_concerning(self, begin: datetime, end: datetime) -> AsyncIterator[dict[str, Any]]: ...
    def order_summaries(self, ids: Sequence[int]) -> AsyncIterator[dict[str, Any]]: ...
    async def order(self, order_id: int, *, fresh: bool = False) -> dict[str, Any] | None: ...
    async def refunds(self, order_id: int, *, fresh: bool = False) -> list[dict[str, Any]]: ...


@dataclass(frozen=True, slots=True)
class FullOrder:
    """An order that was read whole. `unreadable`: why a refund, by its id, cannot be read."""

    order: OrderChanged
    refunds: Mapping[int, RefundIssued]
    unreadable: Mapping[int, str]


@dataclass(slots=True)
class ShopAnswer:
    """What the shop said, by order. `gone`: where an order went; `unequal`: how the topics differ from the shop."""

    days: DayRange
    listed: dict[int, OrderSummary] = field(default_factory=dict)
    unreadable: dict[int, str] = field(default_factory=dict)
    gone: dict[int, str] = field(default_factory=dict)
    unequal: dict[int, str] = field(default_factory=dict)
    read: dict[int, FullOrder] = field(default_factory=dict)

    @property
    def placed(self) -> list[OrderSummary]:
        """The orders that were placed on these days, drafts among them."""
        return [one for one in self.listed.values() if one.date_created_gmt in self.days]


class ShopQuery:
    """Asks one shop about some days."""

    def __init__(self, name: str, shop: OrderReader, stories: Histories, days: DayRange, rules: OrderSettings) -> None:
        self._name, self._shop, self._stories, self._rules = name, shop, stories, rules
        self._now = ShopAnswer(days)

    async def ask(self) -> ShopAnswer:
        """What the shop holds of these days. Raises `UpstreamError` when it does not answer."""
        async for row in self._shop.orders_concerning(self._now.days.begin, self._now.days.end):
            self._take(row)
        await self._look_for(sorted(self._known() - self._now.listed.keys() - self._now.unreadable.keys()))
        for id_, listed in self._now.listed.items():
            if found := self._differences(listed):
                self._now.unequal[id_] = "; ".join(found)
        await asyncio.gather(*(self._read(id_) for id_ in self._now.unequal))
        self._leave_out_unreadable_refunds()
        return self._now

    def _leave_out_unreadable_refunds(self) -> None:
        """A refund that cannot be read is named by itself; its order is not behind for that."""
        for id_, whole in self._now.read.items():
            listed = self._now.listed[id_]
            readable = tuple(refund for refund in listed.refunds if refund.id not in whole.unreadable)
            found = self._differences(listed.model_copy(update={"refunds": readable}))
            self._now.unequal[id_] = "; ".join(found)

    def _take(self, row: Any) -> None:
        known = row if isinstance(row, Mapping) else {}
        try:
            listed = order_summary(self._name, known)
        except ReadError as error:
            self._now.unreadable[php.whole(known.get("id")) or 0] = error.message
        else:
            self._now.listed[listed.id] = listed

    def _known(self) -> set[int]:
        """The orders of these days as the topics have them."""
        return {
            story.order.order_id
            for story in self._stories.values()
            if story.order and belongs_to_days(story, self._now.days)
        }

    async def _look_for(self, ids: Sequence[int]) -> None:
        """Orders that the list of changes left out: unchanged ones, and those that are gone."""
        for some in chunks(ids, PAGE_SIZE):
            async for row in self._shop.order_summaries(some):
                self._take(row)
        left = [id_ for id_ in ids if id_ not in self._now.listed and id_ not in self._now.unreadable]
        await asyncio.gather(*(self._look_at(id_) for id_ in left))

    async def _look_at(self, order_id: int) -> None:
        """One that no list shows: deleted, in the trash, or in a status that the shop does not list."""
        row = await self._shop.order(order_id, fresh=True)
        if row is None:
            self._now.gone[order_id] = "it is deleted in the shop"
        elif row.get("status") == TRASH:
            self._now.gone[order_id] = "it is in the trash of the shop"
        else:
            self._take(row)

    def _differences(self, listed: OrderSummary) -> list[str]:
        story = self._stories.get(f"{self._name}:{listed.id}", NO_HISTORY)
        if listed.status in DRAFT_STATUSES and story.order is None:
            return []
        known = story.order is not None and belongs_to_days(story, self._now.days)
        given_back = {refund.id for refund in listed.refunds} != story.refunds.keys()
        matters = known or given_back or any(moment in self._now.days for moment in listed.moments)
        return order_differences(listed, story) if matters else []

    async def _read(self, order_id: int) -> None:
        row = await self._shop.order(order_id, fresh=True)
        if row is None:
            self._now.gone[order_id] = "it is deleted in the shop"
            return
        refunds = await self._shop.refunds(order_id, fresh=True) if row.get("refunds") else []
        try:
            order = order_changed(self._name, row, **order_keys(self._rules))
        except ReadError as error:
            self._now.unreadable[order_id] = error.message
        else:
            self._now.read[order_id] = self._whole(order, row, refunds)

    def _whole(self, order: OrderChanged, row: Json, refunds: Iterable[Json]) -> FullOrder:
        read: dict[int, RefundIssued] = {}
        unreadable: dict[int, str] = {}
        for refund in refunds:
            try:
                issued = refund_issued(self._name, row, refund, **id_keys(self._rules))
                read[issued.refund_id] = issued
            except ReadError as error:
                unreadable[php.whole(refund.get("id")) or 0] = error.message
        return FullOrder(order, read, unreadable)


NO_HISTORY = OrderHistory()


def belongs_to_days(story: OrderHistory, days: DayRange) -> bool:
    """Whether an order belongs to these days by the topics: placed, paid, completed, given back or booked then."""
    order = story.order
    moments = [refund.created_at for refund in story.refunds.values()]
    if order is not None:
        moments += [moment for moment in (order.created_at, order.paid_at, order.completed_at) if moment]
    booked = [*(sale.date for sale in story.sales.values()), *(note.date for note in story.notes.values())]
    return any(moment in days for moment in moments) or any(days.holds(date) for date in booked)


def id_keys(rules: OrderSettings) -> dict[str, Sequence[str]]:
    """Where the shop keeps personal and company numbers."""
    return {"personal_id_keys": rules.personal_id_keys, "company_id_keys": rules.company_id_keys}


def order_keys(rules: OrderSettings) -> dict[str, Sequence[str]]:
    """The same, and where it keeps the references of payments: orders are read as store-feed reads them."""
    return {**id_keys(rules), "payment_reference_keys": rules.payment_reference_keys}
