"""Reading the refunds of an order until the order and its list of refunds agree.

Either answer may be older than the other, and nothing announces the deletion of a refund (WooCommerce fact 57). So a
refund in only one of them is read again, and a known refund in neither counts as removed only after a second read some
time later.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from contracts.model import Event
from contracts.reasons import Reason
from contracts.shop import OrderChanged, RefundIssued, RefundRemoved, RefundUnreadable
from services.connectors.woocommerce import php
from services.connectors.woocommerce.exact_taxes import DECIMALS, NotTheSame, may_be_rounded, with_exact_taxes
from services.connectors.woocommerce.read import ReadError, parse_amount
from services.connectors.woocommerce.refund import refund_issued
from services.store_feed.order_reader import TAXES_DIFFER, OrderParser, OrderReadPayload, OrderSource, describe_order

Listed = Mapping[int, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class OrderWithRefunds:
    """A readable order, its list of refunds by id, and the refunds known before.

    `exact` are the refunds of the list with all decimals of their taxes by rate.
    """

    order: OrderChanged
    json: dict[str, Any]
    known: frozenset[int]
    listed: Listed = field(default_factory=dict)
    exact: Listed = field(default_factory=dict)

    @property
    def named(self) -> frozenset[int]:
        """The refunds that the order itself lists."""
        return frozenset(self.order.refund_ids)

    @property
    def agree(self) -> bool:
        """Whether order and list have the same refunds, and no known one is missing."""
        return self.named == self.listed.keys() and self.known <= self.named


class RefundReader:
    """Reads the refunds of orders of one shop."""

    def __init__(self, shop: OrderSource, reading: OrderParser) -> None:
        self._shop, self._reading = shop, reading

    async def read(self, order: OrderChanged, json: dict[str, Any], wanted: OrderReadPayload) -> OrderWithRefunds:
        """Return the order with its refunds; both are read once more if they differ.

        Raises `UpstreamError`; the order may have been deleted meanwhile.
        """
        found = OrderWithRefunds(order, json, frozenset(wanted.refunds))
        if not found.named and not found.known:
            return found
        found = await self._listed(found)
        found = found if found.agree else await self._listed(await self._newer(found))
        return replace(found, exact=await self._exact(found))

    async def _listed(self, found: OrderWithRefunds) -> OrderWithRefunds:
        return replace(found, listed=await self._rows(found.order.order_id))

    async def _rows(self, order_id: int, dp: int | None = None) -> Listed:
        rows = await self._shop.refunds(order_id, fresh=True, dp=dp)
        return {id_: row for row in rows if (id_ := php.whole(row.get("id")) or 0) > 0}

    async def _exact(self, found: OrderWithRefunds) -> Listed:
        """The refunds of the list whose answer with more decimals agrees."""
        rounded = {id_ for id_, row in found.listed.items() if may_be_rounded(row)}
        finer = await self._rows(found.order.order_id, DECIMALS) if rounded else {}
        exact = {id_: row for id_, row in found.listed.items() if id_ not in rounded}
        for id_ in rounded & finer.keys():
            with suppress(NotTheSame):
                exact[id_] = with_exact_taxes(found.listed[id_], finer[id_])
        return exact

    async def _newer(self, found: OrderWithRefunds) -> OrderWithRefunds:
        """The same with the order read again, unless that is older or cannot be read."""
        json = await self._shop.order(found.order.order_id, fresh=True)
        again = self._reading.answer(json) if json is not None else None
        if again is None or isinstance(again.fact, ReadError) or again.fact.modified_at < found.order.modified_at:
            return found
        return replace(found, order=again.fact, json=again.json)


@dataclass(frozen=True, slots=True)
class RefundFacts:
    """Turns the refunds that were read into events about each of them."""

    reading: OrderParser
    wanted: OrderReadPayload
    now: datetime
    removal_wait: timedelta

    def events(self, found: OrderWithRefunds) -> tuple[Event, ...]:
        """Return one event for each refund in the order, in its list, or known before."""
        ids = found.named | found.listed.keys() | found.known
        return tuple(self._event(id_, found) for id_ in sorted(ids))

    def remaining(self, found: OrderWithRefunds, events: tuple[Event, ...]) -> tuple[int, ...]:
        """Return the refunds of the order, including those that cannot be read yet."""
        removed = {event.refund_id for event in events if isinstance(event, RefundRemoved)}
        return tuple(sorted((found.named | found.listed.keys() | found.known) - removed))

    def _event(self, id_: int, found: OrderWithRefunds) -> Event:
        listed = found.listed.get(id_)
        if listed is not None and id_ in found.named:
            return self._issued(id_, found, listed)
        if listed is not None or id_ in found.named:
            return self._waiting(id_, Reason.SHOP_REFUNDS_DIFFER, _difference(listed is not None), listed)
        return self._missing(id_)

    def _issued(self, id_: int, found: OrderWithRefunds, listed: dict[str, Any]) -> RefundIssued | RefundUnreadable:
        exact = found.exact.get(id_)
        if exact is None:
            return self._waiting(id_, Reason.SHOP_REFUND_INVALID, TAXES_DIFFER, listed)
        try:
            issued: RefundIssued = refund_issued(self.wanted.shop, found.json, exact, **self.reading.keys)
            return issued
        except ReadError as error:
            return self._waiting(id_, error.reason, error.message, listed)

    def _missing(self, id_: int) -> RefundRemoved | RefundUnreadable:
        since = self.wanted.refunds_missing.get(id_)
        if since is None or self.now - since < self.removal_wait:
            return self._waiting(id_, Reason.SHOP_REFUND_MISSING, "neither the order nor its list of refunds has it")
        about = {"shop": self.wanted.shop, "order_id": self.wanted.order, "refund_id": id_}
        return RefundRemoved.model_validate({**about, "observed_at": self.now})

    def _waiting(self, id_: int, reason: Reason, detail: str, json: dict[str, Any] | None = None) -> RefundUnreadable:
        what = f"{describe_order(self.wanted.shop, self.wanted.order)}, refund {id_}"
        return RefundUnreadable(
            shop=self.wanted.shop,
            order_id=self.wanted.order,
            refund_id=id_,
            reason=reason,
            detail=detail if detail.startswith(what) else f"{what}: {detail}",
            amount=parse_amount(json.get("amount")) if json else None,
            observed_at=self.now,
        )


def _difference(listed: bool) -> str:
    if listed:
        return "the order's list of refunds has it, but the order itself does not"
    return "the order has it, but its list of refunds does not"
