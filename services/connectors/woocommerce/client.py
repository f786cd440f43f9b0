"""One shop, as the services see it.

    key, secret = settings.credentials()
    async with WooCommerce("main", settings, key, secret, clock=clock) as shop:
        found = await shop.products_by_sku(["COF-001"])
        results = await shop.update_products([ProductWrite(id=10, stock_quantity=5, manage_stock=True)])

Every method raises an `UpstreamError` (services/engine/outbox/upstream_errors.py); nothing here retries past sending.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from secrets import token_hex
from typing import Any, Self

import httpx
from pydantic import SecretStr

from contracts.reasons import Reason
from services.connectors.http.http import Limits, Observe, Sleep, Timeouts, Upstream, unobserved
from services.connectors.http.tls import tls_context
from services.connectors.http.unreadable import Listing, Unreadable
from services.connectors.http.voice import Voice
from services.connectors.woocommerce import (
    categories,
    customers,
    notes,
    orders,
    probe,
    products,
    refunds,
    shipping,
    store,
    variations,
    webhooks,
)
from services.connectors.woocommerce.access import Access
from services.connectors.woocommerce.api import Api
from services.connectors.woocommerce.auth import auth_for
from services.connectors.woocommerce.batch import ItemResult
from services.connectors.woocommerce.categories import Category
from services.connectors.woocommerce.cursor import Cursor
from services.connectors.woocommerce.customers import Customer
from services.connectors.woocommerce.diagnosis import explain, fix_of
from services.connectors.woocommerce.notes import Note
from services.connectors.woocommerce.pages import Skip, log_skipped
from services.connectors.woocommerce.probe import Probe
from services.connectors.woocommerce.product import Product
from services.connectors.woocommerce.product_write import ProductWrite
from services.connectors.woocommerce.products import Listed
from services.connectors.woocommerce.refusals import refine
from services.connectors.woocommerce.shipping import ShippingMethod
from services.connectors.woocommerce.store import ShopTaxRate, Site, SystemStatus, TaxSettings
from services.connectors.woocommerce.webhooks import Webhook
from services.settings.shop import ShopSettings


class WooCommerce:
    """The REST API of one shop."""

    def __init__(
        self,
        shop: str,
        settings: ShopSettings,
        key: SecretStr,
        secret: SecretStr,
        *,
        clock: Callable[[], datetime],
        transport: httpx.AsyncBaseTransport | None = None,
        observe: Observe = unobserved,
        sleep: Sleep = asyncio.sleep,
        token: Callable[[], str] = token_hex,
    ) -> None:
        """`clock` gives aware UTC; `transport` replaces the network; `sleep` waits between tries not sent.

        `token` gives another text each time, for reads that no cache may answer.

        Raises `SettingsError` when the shop's ca-file cannot be used.
        """
        voice = Voice(
            f"shop {shop}",
            Reason.SHOP_REFUSED,
            fix_of(Reason.SHOP_KEY_REFUSED, shop),
            fix_of(Reason.SHOP_ADDRESS_WRONG, shop),
            partial(explain, shop),
        )
        self._upstream = Upstream(
            voice,
            address=settings.url,
            auth=auth_for(settings.url, key, secret, clock),
            timeouts=Timeouts(read=settings.timeout, write=settings.timeout, pool=settings.timeout),
            limits=Limits(concurrency=settings.concurrency),
            tls=None if transport else tls_context(voice.name, ca_file=settings.ca_file, verify=settings.verify_tls),
            transport=transport,
            refine=partial(refine, voice),
            observe=observe,
            clock=clock,
            sleep=sleep,
        )
        access = Access(self._upstream, shop, settings.url, settings.rest_prefix, key, secret)
        self._api = Api(self._upstream, shop, access, token)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes every connection."""
        await self._upstream.close()

    @property
    def time(self) -> datetime | None:
        """The shop's own time when it answered a read last, to the second; None where no answer has told it."""
        return self._api.time

    @property
    def discovered_prefix(self) -> str:
        """The REST prefix that the shop's home page named; empty while the usual or the configured one is used."""
        return self._api.discovered_prefix

    @property
    def php_output(self) -> str:
        """The beginning of what PHP wrote into an answer last; empty while it has written into none."""
        return self._api.php_output

    async def site(self) -> Site:
        """Who answers at the shop's address; asked without regard to the key."""
        return await store.site(self._api)

    async def probe(self) -> Probe:
        """Whether the shop is there and what the key may do; changes nothing."""
        return await probe.probe(self._api)

    async def status(self) -> SystemStatus:
        """The shop's version and where it keeps its orders; empty where it hides them from this key."""
        return await probe.status(self._api)

    async def shipping_methods(self) -> Listing[ShippingMethod]:
        """Every shipping method of every zone, zone by zone."""
        return await shipping.methods(self._api)

    async def products_by_sku(self, skus: Iterable[str]) -> dict[str, tuple[Listed, ...]]:
        """The products and variations of each SKU in every status and in the trash; empty where there is none.

        One that cannot be read stands as `Unreadable` under the SKU that it shows.
        """
        return await products.by_sku(self._api, skus)

    async def product(self, product_id: int) -> Product | None:
        """A product or variation; None when the shop does not know it."""
        return await products.by_id(self._api, product_id)

    async def image_ids(self, product_id: int) -> tuple[int, ...]:
        """The pictures of a product, the main one first."""
        return await products.image_ids(self._api, product_id)

    def product_changes(self, cursor: Cursor) -> AsyncIterator[Listed]:
        """The products modified since the cursor, oldest change first; our own writes are among them."""
        return products.changed_since(self._api, cursor)

    async def create_products(self, writes: Sequence[ProductWrite]) -> list[ItemResult]:
        """Makes up to 100 products in one call; results stand in the order of the request."""
        return await products.create(self._api, writes)

    async def update_products(self, writes: Sequence[ProductWrite]) -> list[ItemResult]:
        """Writes up to 100 products in one call; results stand in the order of the request."""
        return await products.update(self._api, writes)

    async def update_variations(self, parent_id: int, writes: Sequence[ProductWrite]) -> list[ItemResult]:
        """Writes up to 100 variations of one product in one call."""
        return await variations.update(self._api, parent_id, writes)

    def every_product(self) -> AsyncIterator[Listed]:
        """Every product with its variations, in every status but the trash."""
        return products.every(self._api)

    def trashed_products(self) -> AsyncIterator[Listed]:
        """Every product in the trash, variations aside."""
        return products.trashed(self._api)

    async def product_count(self) -> int:
        """How many products there are, variations and trash aside."""
        return await products.count(self._api)

    async def order(self, order_id: int, *, fresh: bool = False, dp: int | None = None) -> dict[str, Any] | None:
        """An order's JSON; None when WooCommerce says that there is none, status `trash` when it is in the trash.

        `fresh` bypasses caches between us and the shop; `dp` asks for so many decimals.
        """
        return await orders.by_id(self._api, order_id, fresh=fresh, dp=dp)

    async def order_cache_marks(self, order_id: int) -> str:
        """What the answer to a read of this order says of caches, e.g. `Age 312, CF-Cache-Status HIT`; may be empty."""
        return await orders.cache_marks(self._api, order_id)

    async def listed_order(self, order_id: int) -> dict[str, Any] | None:
        """An order's JSON as the order list shows it now, past caches; None when it is not in the list."""
        return await orders.listed(self._api, order_id)

    async def answer(self, path: str) -> Any:
        """The JSON of a plugin's own route, e.g. `/wp-json/wc-returns/v1/orders/17`; None where it knows nothing."""
        return await orders.of_plugin(self._api, path)

    def orders_changed_since(self, cursor: Cursor, *, skip: Skip = log_skipped) -> AsyncIterator[dict[str, Any]]:
        """The JSON of orders modified since the cursor, oldest change first; one may come twice, none is missed.

        `skip` is told of an order that the shop cannot answer; all others are read.
        """
        return orders.changed_since(self._api, cursor, skip)

    def order_pieces_changed_since(self, cursor: Cursor, *, skip: Skip = log_skipped) -> AsyncIterator[dict[str, Any]]:
        """The same with the fields alone that tell which pieces an order takes off the stock."""
        return orders.pieces_changed_since(self._api, cursor, skip)

    async def last_order_change(self) -> datetime | None:
        """When an order was modified last, by the shop's clock; None where there is no order."""
        return await orders.last_change(self._api)

    async def newest_orders(self, count: int) -> list[dict[str, Any]]:
        """What tells the newest orders from others, highest number first; drafts are among them, trash is not."""
        return await orders.newest(self._api, count)

    async def orders_by_id(self, ids: Iterable[int]) -> list[dict[str, Any]]:
        """The same of those of these orders that the shop holds, also in the trash."""
        return await orders.by_ids(self._api, ids)

    def orders_concerning(
        self, begin: datetime, end: datetime, *, skip: Skip = log_skipped
    ) -> AsyncIterator[dict[str, Any]]:
        """Summaries of all orders that may have been placed, paid, completed or refunded in this time.

        `skip` is told of an order that the shop cannot answer; all others are read.
        """
        return orders.concerning(self._api, begin, end, skip)

    def order_summaries(self, ids: Sequence[int], *, skip: Skip = log_skipped) -> AsyncIterator[dict[str, Any]]:
        """Summaries of these orders, a hundred at most; what the shop does not list is left out.

        `skip` is told of an order that the shop cannot answer; all others are read.
        """
        return orders.summaries(self._api, ids, skip)

    async def set_status(self, order_id: int, status: str) -> dict[str, Any]:
        """Gives an order a status and answers its JSON; stock, dates and mails follow from it in the shop."""
        return await orders.set_status(self._api, order_id, status)

    async def notes(self, order_id: int) -> list[Note]:
        """All notes of an order."""
        return await notes.of_order(self._api, order_id)

    async def write_note(self, order_id: int, text: str, *, customer: bool) -> Note:
        """Writes a note, for the shop's people only or for the customer too, and gives its echo."""
        return await notes.write(self._api, order_id, text, customer=customer)

    async def refunds(
        self, order_id: int, *, fresh: bool = False, dp: int | None = None, skip: Skip = log_skipped
    ) -> list[dict[str, Any]]:
        """The JSON of every refund of an order, oldest first; `fresh` bypasses caches, `dp` asks for decimals.

        `skip` is told of a refund that the shop cannot answer: it is left out.

        Raises `NotFound` when WooCommerce says that there is no such order.
        """
        return await refunds.of_order(self._api, order_id, fresh=fresh, dp=dp, skip=skip)

    def every_customer(self) -> AsyncIterator[Customer | Unreadable]:
        """Every customer account, by number."""
        return customers.every(self._api)

    async def customer(self, customer_id: int) -> Customer | None:
        """A customer account; None when there is none any more."""
        return await customers.by_id(self._api, customer_id)

    async def has_customer(self, customer_id: int) -> bool:
        """Whether there is a customer account with this number."""
        return await customers.exists(self._api, customer_id)

    async def customers_there(self, ids: Sequence[int]) -> set[int]:
        """Which of these accounts there are, a hundred at most."""
        return await customers.there(self._api, ids)

    async def customer_by_email(self, email: str) -> Customer | None:
        """The account with this e-mail, None when there is none."""
        return await customers.by_email(self._api, email)

    async def create_customer(self, body: Mapping[str, Any]) -> Customer:
        """Makes an account; refused when its e-mail has one."""
        return await customers.create(self._api, body)

    async def update_customer(self, customer_id: int, body: Mapping[str, Any]) -> Customer:
        """Changes the named fields of an account."""
        return await customers.update(self._api, customer_id, body)

    async def webhooks(self) -> Listing[Webhook]:
        """All webhooks of the shop."""
        return await webhooks.every(self._api)

    async def create_webhook(self, topic: str, delivery_url: str, secret: SecretStr) -> Webhook:
        """Makes an active webhook."""
        return await webhooks.create(self._api, topic, delivery_url, secret)

    async def mark(self, name: str) -> None:
        """Leaves a webhook of this name in the shop that is switched off and sends nothing."""
        await webhooks.create_off(self._api, name, (await store.site(self._api)).home)

    async def enable_webhook(self, webhook_id: int) -> Webhook:
        """Revives a disabled webhook."""
        return await webhooks.enable(self._api, webhook_id)

    async def create_category(self, name: str) -> Category:
        """Makes a category at the top, or gives the one that has this name already."""
        return await categories.create(self._api, name)

    async def categories(self) -> Listing[Category]:
        """All product categories."""
        return await categories.every(self._api)

    async def currency(self) -> str:
        """The shop's currency, e.g. `GEL`."""
        return await store.currency(self._api)

    async def setting(self, group: str, name: str) -> str:
        """One of WooCommerce's settings as text."""
        return await store.setting(self._api, group, name)

    async def tax_settings(self) -> TaxSettings:
        """How the shop enters and rounds taxes."""
        return await store.tax_settings(self._api)

    async def tax_classes(self) -> list[str]:
        """The slugs of the shop's tax classes."""
        return await store.tax_classes(self._api)

    async def tax_rates(self) -> Listing[ShopTaxRate]:
        """Every tax rate of the shop."""
        return await store.tax_rates(self._api)
