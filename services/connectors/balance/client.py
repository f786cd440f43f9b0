"""Balance, as the services see it.

    async with Balance(settings.balance, settings.balance.password()) as balance:
        async for row in balance.items(): ...
        echo = await balance.put_sale(document)
        stored = await balance.sale(uid)

Every method raises an `UpstreamError` (services/engine/outbox/upstream_errors.py); nothing here retries past sending.
Rows are as they came, except that numbers are exact; `items.item`, `stocks.stock_row` and `documents.stored_document`
read them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import aclosing
from datetime import UTC, datetime
from functools import partial
from typing import Any, Self

import httpx
from pydantic import SecretStr

from services.connectors.balance import clients, items, prices, probe, stocks
from services.connectors.balance.api import BalanceApi
from services.connectors.balance.clients import ClientRef
from services.connectors.balance.probe import ResourceProbe
from services.connectors.balance.refusals import build_labels, build_refine
from services.connectors.balance.stocks import Warehouse
from services.connectors.balance.stream import Rows
from services.connectors.http.listing import Listing, UnreadableRecord, collect_listing
from services.connectors.http.upstream import (
    Limits,
    Observe,
    Sleep,
    Timeouts,
    Upstream,
    create_tls_context,
    ignore_call,
)
from services.settings.balance import BalanceSettings

log = logging.getLogger(__name__)


class Balance:
    """The Exchange API of one Balance, in the dialect that the settings describe."""

    def __init__(
        self,
        settings: BalanceSettings,
        password: SecretStr,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        observe: Observe = ignore_call,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """`transport` replaces the network, TLS with it; `clock` gives aware UTC; `sleep` waits between tries not sent.

        Lists and single records have connections of their own: a slow catalogue holds up no document.
        Raises `SettingsError` when `balance.ca-file` cannot be used.
        """
        labels, dialect = build_labels(settings), settings.dialect
        trust = (
            None if transport else create_tls_context(labels.name, ca_file=settings.ca_file, verify=settings.verify_tls)
        )
        upstream = partial(
            Upstream,
            labels,
            address=settings.base_url(),
            auth=httpx.BasicAuth(settings.user_name, password.get_secret_value()),
            limits=Limits(concurrency=settings.concurrency),
            tls=trust,
            transport=transport,
            refine=build_refine(labels, dialect),
            observe=observe,
            clock=clock,
            sleep=sleep,
        )
        self._lists = upstream(timeouts=_timeouts(settings.read_timeout))
        self._records = upstream(timeouts=_timeouts(settings.write_timeout))
        self._api, self._dialect, self._clock = BalanceApi(settings, self._lists, self._records), dialect, clock

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes every connection."""
        await self._lists.close()
        await self._records.close()

    async def probe(self, only: Collection[str] | None = None) -> tuple[ResourceProbe, ...]:
        """What this user may read here, resource by resource, or `only` of some; changes nothing."""
        return await probe.probe_resources(self._api, only)

    def items(self) -> Rows:
        """All items and folders."""
        return self._api.every(items.ITEMS)

    def stocks(self) -> Rows:
        """All stock rows."""
        return self._api.every(stocks.STOCKS)

    def prices(self) -> Rows:
        """All prices that hold now."""
        return self._api.every(prices.PRICES)

    def item_pricing(self) -> Rows:
        """All price-setting documents; `pricing.latest_prices` makes prices of them."""
        return self._api.every(prices.ITEM_PRICING)

    def discounts(self) -> Rows:
        """All discounts, under the name that the settings give to the resource."""
        return self._api.every(self._api.settings.discounts.resource)

    async def current_prices(self) -> Rows:
        """The prices that hold now, from wherever this dialect takes them."""
        documents = self._dialect.item_pricing
        found = prices.select_latest_prices(self.item_pricing(), until=self._clock()) if documents else self.prices()
        async for row in found:
            yield row

    async def item(self, uid: str) -> dict[str, Any] | None:
        """The item or folder with this uid, None when there is none."""
        return await self._api.one(items.ITEMS, uid)

    def series(self, item: str | None = None) -> Rows:
        """All lots, or those of one item (Balance fact 33: some builds give lots only by item)."""
        return self._api.every(stocks.LOTS) if item is None else self._api.where(stocks.LOTS, Item=item)

    async def warehouses(self) -> Listing[Warehouse]:
        """All warehouses, and those that cannot be read."""
        async with aclosing(self._api.every(stocks.WAREHOUSES)) as rows:
            return await collect_listing(stocks.read_listed_warehouse(row) async for row in rows)

    async def warehouse_names(self) -> Mapping[str, str]:
        """The warehouses' names by uid; one that cannot be read is logged and has no name here."""
        listed = await self.warehouses()
        for one in listed.unreadable:
            log.warning("a warehouse was left out", extra={"why": one.detail})
        return {each.uid: each.name for each in listed.records}

    async def client_by_id(self, personal_or_company_id: str) -> ClientRef | None:
        """The client with this personal or company number, None when there is none."""
        return await clients.by_number(self._api, personal_or_company_id)

    async def client(self, uid: str) -> ClientRef | None:
        """The client with this uid, None when there is none."""
        return await clients.by_uid(self._api, uid)

    async def put_client(self, document: Mapping[str, Any]) -> dict[str, Any] | None:
        """Creates or replaces a client; gives what Balance echoes, if it echoes anything."""
        return await self._api.put(clients.CLIENTS, document)

    def every_client(self) -> AsyncIterator[ClientRef | UnreadableRecord]:
        """All clients that are neither folders nor marked for deletion."""
        return clients.every(self._api)

    async def patch_client(self, document: Mapping[str, Any]) -> dict[str, Any] | None:
        """Changes the named fields of the client with this `uid`, and no other."""
        return await self._api.patch(clients.CLIENTS, document)

    async def sale(self, uid: str) -> dict[str, Any] | None:
        """The Sale with this uid, None when there is none."""
        return await self._api.one(self._dialect.sale_resource, uid)

    async def put_sale(self, document: Mapping[str, Any]) -> dict[str, Any] | None:
        """Creates or replaces one Sale; gives what Balance echoes, if it echoes anything."""
        return await self._api.put(self._dialect.sale_resource, document)

    async def sales_order(self, uid: str) -> dict[str, Any] | None:
        """The sales order with this uid, None when there is none."""
        return await self._api.one(self._dialect.sales_order_resource, uid)

    async def put_sales_order(self, document: Mapping[str, Any]) -> dict[str, Any] | None:
        """Creates or replaces one sales order; gives what Balance echoes, if it echoes anything."""
        return await self._api.put(self._dialect.sales_order_resource, document)

    async def credit_note(self, uid: str) -> dict[str, Any] | None:
        """The credit note with this uid, None when there is none."""
        return await self._api.one(self._dialect.credit_note_resource, uid)

    async def put_credit_note(self, document: Mapping[str, Any]) -> dict[str, Any] | None:
        """Creates or replaces one credit note; gives what Balance echoes, if it echoes anything."""
        return await self._api.put(self._dialect.credit_note_resource, document)

    async def receipt(self, resource: str, uid: str) -> dict[str, Any] | None:
        """The receipt with this uid among the documents of this name, None when there is none."""
        return await self._api.one(resource, uid)

    async def put_receipt(self, resource: str, document: Mapping[str, Any]) -> dict[str, Any] | None:
        """Creates or replaces one receipt; gives what Balance echoes, if it echoes anything."""
        return await self._api.put(resource, document)


def _timeouts(silence: float) -> Timeouts:
    return Timeouts(read=silence, write=silence, pool=silence)
