"""The client of one WooCommerce shop.

    async with WooCommerce("main", settings, key, secret, clock=clock) as shop:
        order = await shop.order(1042)
        found = await shop.products_by_sku(["COF-001"])

Every method raises an `UpstreamError` (services/engine/outbox/upstream_errors.py). Only calls that provably were not
sent are repeated here. Orders and refunds are returned as JSON with exact numbers; `order.order_changed` and
`refund.refund_issued` turn them into facts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from functools import partial
from secrets import token_hex
from typing import Self

import httpx
from pydantic import SecretStr

from contracts.reasons import Reason
from services.connectors.http.responses import UpstreamLabels
from services.connectors.http.upstream import (
    Limits,
    Observe,
    Sleep,
    Timeouts,
    Upstream,
    create_tls_context,
    ignore_call,
)
from services.connectors.woocommerce.access import Access, build_auth
from services.connectors.woocommerce.api import ShopApi
from services.connectors.woocommerce.customers import CustomerCalls
from services.connectors.woocommerce.diagnosis import explain, fix_of
from services.connectors.woocommerce.orders import OrderCalls
from services.connectors.woocommerce.products import ProductCalls
from services.connectors.woocommerce.refusals import refine_error
from services.connectors.woocommerce.store import StoreCalls
from services.connectors.woocommerce.webhooks import WebhookCalls
from services.settings.shop import ShopSettings


class WooCommerce(OrderCalls, ProductCalls, CustomerCalls, StoreCalls, WebhookCalls):
    """The REST API of one shop; the calls are in the modules named after what they concern."""

    def __init__(
        self,
        shop: str,
        settings: ShopSettings,
        key: SecretStr,
        secret: SecretStr,
        *,
        clock: Callable[[], datetime],
        transport: httpx.AsyncBaseTransport | None = None,
        observe: Observe = ignore_call,
        sleep: Sleep = asyncio.sleep,
        token: Callable[[], str] = token_hex,
    ) -> None:
        """`clock` returns aware UTC; `transport` replaces the network; `sleep` waits before a call is sent again.

        `token` returns a different text on each call, for reads that no cache may answer.

        Raises `SettingsError` when the shop's ca-file cannot be used.
        """
        labels = _build_labels(shop)
        self._upstream = Upstream(
            labels,
            address=settings.url,
            auth=build_auth(settings.url, key, secret, clock),
            timeouts=Timeouts(read=settings.timeout, write=settings.timeout, pool=settings.timeout),
            limits=Limits(concurrency=settings.concurrency),
            tls=None
            if transport
            else create_tls_context(labels.name, ca_file=settings.ca_file, verify=settings.verify_tls),
            transport=transport,
            refine=partial(refine_error, labels),
            observe=observe,
            clock=clock,
            sleep=sleep,
        )
        access = Access(self._upstream, shop, settings.url, settings.rest_prefix, key, secret)
        self._api = ShopApi(self._upstream, shop, access, token)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        await self._upstream.close()

    @property
    def time(self) -> datetime | None:
        """The shop's own time at its last answer to a read, to the second; None while no answer has stated it."""
        return self._api.time

    @property
    def discovered_prefix(self) -> str:
        """The REST prefix named by the shop's home page; empty while the usual or the configured one is used."""
        return self._api.discovered_prefix

    @property
    def php_output(self) -> str:
        """The beginning of the last PHP output found in an answer; empty while there was none."""
        return self._api.php_output

    async def create_marker(self, name: str) -> None:
        """Create a disabled webhook with this name, which sends nothing; a copy of the shop keeps it."""
        await self.create_disabled_webhook(name, (await self.site()).home)


def _build_labels(shop: str) -> UpstreamLabels:
    return UpstreamLabels(
        f"shop {shop}",
        Reason.SHOP_REFUSED,
        fix_of(Reason.SHOP_KEY_REFUSED, shop),
        fix_of(Reason.SHOP_ADDRESS_WRONG, shop),
        partial(explain, shop),
    )
