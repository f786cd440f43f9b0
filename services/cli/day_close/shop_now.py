"""Read from a shop what it has for some days, and compare it with the topics (claim K32).

Order summaries, a hundred per call, find the orders that concern these days. Only orders that are missing in the topics
or differ there are read in full.
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
from services.connectors.woocommerce import php
from services.connectors.woocommerce.order import order_changed
from services.connectors.woocommerce.orders import OrderSummary, order_summary
from services.connectors.woocommerce.read import ReadError
from services.connectors.woocommerce.refund import refund_issued
from services.console.model.history import OrderHistory
from services.engine.clock import TBILISI, local_day, local_time
from services.engine.state.store import chunks
from services.settings.orders import OrderSettings

PAGE_SIZE = 100
"""The maximum of rows in a list of WooCommerce (WooCommerce fact 31)."""
Json = Mapping[str, Any]
Histories = Mapping[str, OrderHistory]


@dataclass(frozen=True, slots=True)
class DayRange:
    """The days in Tbilisi from the first to the last, both included."""

    first: date
    last: date

    @property
    def begin(self) -> datetime:
        """The start of the first day, in UTC."""
        return datetime.combine(self.first, time(), TBILISI).astimezone(UTC)

    @property
    def end(self) -> datetime:
        """The end of the last day, in UTC; exclusive."""
        return (datetime.combine(self.last, time(), TBILISI) + timedelta(days=1)).astimezone(UTC)

    def __contains__(self, moment: datetime) -> bool:
        return self.first <= local_day(moment) <= self.last

    def contains_date(self, day: str) -> bool:
        """Whether the range contains a date in the format of documents, `2026-11-20`."""
        return self.first.isoformat() <= day <= self.last.isoformat()

    def __str__(self) -> str:
        return f"--from {self.first} --to {self.last}"


def single_day(day: str) -> DayRange:
    """A range of one day, written `2026-11-20`."""
    return DayRange(date.fromisoformat(day), date.fromisoformat(day))


def order_differences(listed: OrderSummary, history: OrderHistory) -> list[str]:
    """The differences between the shop and the topics as texts; empty if they agree."""
    if history.order is None or history.removed:
        return ["it is not in the topics"]
    return [*_field_differences(listed, history.order), *_refund_differences(listed, history.refunds)]


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
            yield f"refund {id_} of {amounts[id_]} is not in the topics"
        elif id_ not in amounts:
            yield f"refund {id_} of {known[id_].amount} is not in the shop any more"
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


class ShopOrderQueries(Protocol):
    """The calls to a shop that a query makes."""

    def orders_concerning(self, begin: datetime, end: datetime) -> AsyncIterator[dict[str, Any]]: ...
    def order_summaries(self, ids: Sequence[int]) -> AsyncIterator[dict[str, Any]]: ...
    async def order(self, order_id: int, *, fresh: bool = False) -> dict[str, Any] | None: ...
    async def refunds(self, order_id: int, *, fresh: bool = False) -> list[dict[str, Any]]: ...


@dataclass(frozen=True, slots=True)
class FullOrder:
    """An order read with its refunds. `unreadable`: why a refund cannot be read, by its id."""

    order: OrderChanged
    refunds: Mapping[int, RefundIssued]
    unreadable: Mapping[int, str]


@dataclass(slots=True)
class ShopAnswer:
    """The shop's answer by order id. `deleted`: where the order is now; `differing`: how the topics differ from it."""

    days: DayRange
    listed: dict[int, OrderSummary] = field(default_factory=dict)
    unreadable: dict[int, str] = field(default_factory=dict)
    deleted: dict[int, str] = field(default_factory=dict)
    differing: dict[int, str] = field(default_factory=dict)
    full: dict[int, FullOrder] = field(default_factory=dict)

    @property
    def placed(self) -> list[OrderSummary]:
        """The orders placed on these days, including drafts."""
        return [one for one in self.listed.values() if one.date_created_gmt in self.days]


class ShopQuery:
    """A query of one shop about some days."""

    def __init__(
        self, name: str, shop: ShopOrderQueries, histories: Histories, days: DayRange, rules: OrderSettings
    ) -> None:
        self._name, self._shop, self._histories, self._rules = name, shop, histories, rules
        self._answer = ShopAnswer(days)

    async def run(self) -> ShopAnswer:
        """Read what the shop has for these days. Raises `UpstreamError` if it does not answer."""
        async for row in self._shop.orders_concerning(self._answer.days.begin, self._answer.days.end):
            self._add(row)
        await self._find_missing(
            sorted(self._known_ids() - self._answer.listed.keys() - self._answer.unreadable.keys())
        )
        for id_, listed in self._answer.listed.items():
            if found := self._differences(listed):
                self._answer.differing[id_] = "; ".join(found)
        await asyncio.gather(*(self._read(id_) for id_ in self._answer.differing))
        self._ignore_unreadable_refunds()
        return self._answer

    def _ignore_unreadable_refunds(self) -> None:
        """An unreadable refund is reported separately; it does not make its order differ."""
        for id_, full in self._answer.full.items():
            listed = self._answer.listed[id_]
            readable = tuple(refund for refund in listed.refunds if refund.id not in full.unreadable)
            found = self._differences(listed.model_copy(update={"refunds": readable}))
            self._answer.differing[id_] = "; ".join(found)

    def _add(self, row: Any) -> None:
        known = row if isinstance(row, Mapping) else {}
        try:
            listed = order_summary(self._name, known)
        except ReadError as error:
            self._answer.unreadable[php.whole(known.get("id")) or 0] = error.message
        else:
            self._answer.listed[listed.id] = listed

    def _known_ids(self) -> set[int]:
        """The ids of the orders of these days in the topics."""
        return {
            history.order.order_id
            for history in self._histories.values()
            if history.order and belongs_to_days(history, self._answer.days)
        }

    async def _find_missing(self, ids: Sequence[int]) -> None:
        """Find orders that are not in the list of changes: unchanged or deleted ones."""
        for some in chunks(ids, PAGE_SIZE):
            async for row in self._shop.order_summaries(some):
                self._add(row)
        left = [id_ for id_ in ids if id_ not in self._answer.listed and id_ not in self._answer.unreadable]
        await asyncio.gather(*(self._find_unlisted(id_) for id_ in left))

    async def _find_unlisted(self, order_id: int) -> None:
        """Find an order that no list contains: deleted, in the trash, or with a status that is not listed."""
        row = await self._shop.order(order_id, fresh=True)
        if row is None:
            self._answer.deleted[order_id] = "it is deleted in the shop"
        elif row.get("status") == TRASH:
            self._answer.deleted[order_id] = "it is in the trash of the shop"
        else:
            self._add(row)

    def _differences(self, listed: OrderSummary) -> list[str]:
        history = self._histories.get(f"{self._name}:{listed.id}", NO_HISTORY)
        if listed.status in DRAFT_STATUSES and history.order is None:
            return []
        known = history.order is not None and belongs_to_days(history, self._answer.days)
        refunds_differ = {refund.id for refund in listed.refunds} != history.refunds.keys()
        matters = known or refunds_differ or any(moment in self._answer.days for moment in listed.moments)
        return order_differences(listed, history) if matters else []

    async def _read(self, order_id: int) -> None:
        row = await self._shop.order(order_id, fresh=True)
        if row is None:
            self._answer.deleted[order_id] = "it is deleted in the shop"
            return
        refunds = await self._shop.refunds(order_id, fresh=True) if row.get("refunds") else []
        try:
            order = order_changed(self._name, row, **order_keys(self._rules))
        except ReadError as error:
            self._answer.unreadable[order_id] = error.message
        else:
            self._answer.full[order_id] = self._read_refunds(order, row, refunds)

    def _read_refunds(self, order: OrderChanged, row: Json, refunds: Iterable[Json]) -> FullOrder:
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


def belongs_to_days(history: OrderHistory, days: DayRange) -> bool:
    """Whether the topics show that an order was placed, paid, completed, refunded or booked on these days."""
    order = history.order
    times = [refund.created_at for refund in history.refunds.values()]
    if order is not None:
        times += [moment for moment in (order.created_at, order.paid_at, order.completed_at) if moment]
    booked = [*(sale.date for sale in history.sales.values()), *(note.date for note in history.notes.values())]
    return any(moment in days for moment in times) or any(days.contains_date(date) for date in booked)


def id_keys(rules: OrderSettings) -> dict[str, Sequence[str]]:
    """The order fields that contain personal and company numbers."""
    return {"personal_id_keys": rules.personal_id_keys, "company_id_keys": rules.company_id_keys}


def order_keys(rules: OrderSettings) -> dict[str, Sequence[str]]:
    """Also the fields with payment references: the options with which store-feed reads orders."""
    return {**id_keys(rules), "payment_reference_keys": rules.payment_reference_keys}
