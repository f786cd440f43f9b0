"""Reading orders: the order and its refunds are read and published, or the reason why they cannot be."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from contracts.model import Event
from contracts.order_statuses import DRAFT_STATUSES, TRASH
from contracts.reasons import Reason
from contracts.shop import OrderChanged, OrderRemoved, OrderUnreadable, RefundUnreadable
from services.connectors.woocommerce.exact_taxes import DECIMALS, NotTheSame, may_be_rounded, with_exact_taxes
from services.connectors.woocommerce.orders import read_parts
from services.connectors.woocommerce.read import ReadError
from services.engine.outbox.lane import Row
from services.engine.outbox.outcome import Done, Outcome
from services.engine.outbox.upstream_errors import Rejected, UpstreamError, outcome_of
from services.engine.person_ids import personal_digest
from services.settings.orders import OrderSettings
from services.store_feed.order_reader import (
    TAXES_DIFFER,
    OrderAnswer,
    OrderParser,
    OrderReader,
    OrderReadPayload,
    OrderSource,
    OutdatedAnswer,
    build_outdated_event,
    describe_order,
    retry_wait,
)
from services.store_feed.records import LAST_READ, LastRead
from services.store_feed.refund_reader import RefundFacts, RefundReader
from services.store_feed.unreadable import UNCONFIRMED

NOT_FOUND = 404
REMOVAL_WAIT = timedelta(minutes=10)


class OrderReadDeliveries:
    """Reads orders of one shop. What is missing is read again after `removal_wait` before it counts as removed."""

    def __init__(
        self,
        shop: OrderSource,
        settings: OrderSettings,
        clock: Callable[[], datetime],
        removal_wait: timedelta = REMOVAL_WAIT,
    ) -> None:
        self._shop, self._settings, self._clock, self._wait = shop, settings, clock, removal_wait

    async def deliver(self, rows: Sequence[Row]) -> Sequence[Outcome]:
        """Return one outcome per row, in order."""
        return await asyncio.gather(*[self._deliver(row) for row in rows])

    async def _deliver(self, row: Row) -> Outcome:
        wanted = OrderReadPayload.model_validate(row.payload)
        try:
            events, digest = await self._read(wanted)
        except UpstreamError as error:
            return outcome_of(error)
        now = self._clock()
        again_at = _again_at(events, wanted, now, self._wait)
        looked = LastRead(served=wanted.asked, digest=digest, at=now, again_at=again_at)
        return Done(events, keep=((LAST_READ, row.key, looked),))

    async def _read(self, wanted: OrderReadPayload) -> tuple[tuple[Event, ...], str]:
        """The events about the order and its refunds, and the digest of the order's answer.

        A draft is no order yet: the buyer is still in the checkout (WooCommerce fact 41).
        """
        parser = OrderParser(wanted.shop, self._settings)
        answer = await OrderReader(self._shop, parser).read(wanted)
        if answer is None:
            return (self._missing(wanted),), ""
        if isinstance(answer, OutdatedAnswer):
            return (build_outdated_event(wanted, answer, self._clock()),), ""
        if answer.status in DRAFT_STATUSES:
            return (), personal_digest(answer.json)
        if answer.status == TRASH:
            return (_removed(wanted, self._clock()),), personal_digest(answer.json)
        return await self._events(wanted, parser, answer), personal_digest(answer.json)

    async def _events(self, wanted: OrderReadPayload, parser: OrderParser, answer: OrderAnswer) -> tuple[Event, ...]:
        if isinstance(answer.fact, ReadError):
            return (self._unreadable(wanted, answer, answer.fact.message),)
        try:
            exact = await self._exact(wanted, answer.json)
            return await self._with_refunds(wanted, parser, parser.fact(exact), exact)
        except ReadError as error:
            return (self._unreadable(wanted, answer, error.message),)
        except NotTheSame:
            return (self._unreadable(wanted, answer, f"{describe_order(wanted.shop, wanted.order)}: {TAXES_DIFFER}"),)

    async def _exact(self, wanted: OrderReadPayload, json: dict[str, Any]) -> dict[str, Any]:
        """The order with all decimals of its taxes by rate (WooCommerce fact 71). Raises `NotTheSame`."""
        if not may_be_rounded(json):
            return json
        finer = await self._shop.order(wanted.order, fresh=True, dp=DECIMALS) or {}
        try:
            return with_exact_taxes(json, finer)
        except NotTheSame:  # it was changed between the two reads
            return with_exact_taxes(await self._shop.order(wanted.order, fresh=True) or {}, finer)

    async def _with_refunds(
        self, wanted: OrderReadPayload, parser: OrderParser, order: OrderChanged, json: dict[str, Any]
    ) -> tuple[Event, ...]:
        try:
            found = await RefundReader(self._shop, parser).read(order, json, wanted)
        except Rejected as error:
            if error.status == NOT_FOUND:  # the order was deleted between the two reads
                return (self._missing(wanted),)
            raise
        facts = RefundFacts(parser, wanted, self._clock(), self._wait)
        refunds = facts.events(found)
        return (found.order.model_copy(update={"refund_ids": facts.remaining(found, refunds)}), *refunds)

    def _unreadable(self, wanted: OrderReadPayload, answer: OrderAnswer, detail: str) -> OrderUnreadable:
        return OrderUnreadable(
            shop=wanted.shop,
            order_id=wanted.order,
            reason=Reason.SHOP_ORDER_INVALID,
            detail=detail,
            observed_at=self._clock(),
            **read_parts(answer.json),
        )

    def _missing(self, wanted: OrderReadPayload) -> OrderRemoved | OrderUnreadable:
        now = self._clock()
        if wanted.missing_since is not None and now - wanted.missing_since >= self._wait:
            return _removed(wanted, now)
        return OrderUnreadable(
            shop=wanted.shop,
            order_id=wanted.order,
            reason=Reason.SHOP_ORDER_MISSING,
            detail=f"{describe_order(wanted.shop, wanted.order)}: WooCommerce answers that it does not exist",
            observed_at=now,
        )


def _removed(wanted: OrderReadPayload, now: datetime) -> OrderRemoved:
    return OrderRemoved(shop=wanted.shop, order_id=wanted.order, observed_at=now)


def _again_at(
    events: Sequence[Event], wanted: OrderReadPayload, now: datetime, removal_wait: timedelta
) -> datetime | None:
    """When to read again without a hint: what is missing after `removal_wait`, the unreadable at growing intervals."""
    waiting = [event for event in events if isinstance(event, OrderUnreadable | RefundUnreadable)]
    return min((_due_at(event, wanted, now, removal_wait) for event in waiting), default=None)


def _due_at(
    event: OrderUnreadable | RefundUnreadable, wanted: OrderReadPayload, now: datetime, removal_wait: timedelta
) -> datetime:
    if event.reason not in UNCONFIRMED:
        return now + timedelta(seconds=retry_wait(now, wanted.since))
    if isinstance(event, RefundUnreadable):
        return wanted.refunds_missing.get(event.refund_id, now) + removal_wait
    return (wanted.missing_since or now) + removal_wait
