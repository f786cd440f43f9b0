"""Puts a WooCommerce sandbox together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from random import Random

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from services.sandbox.woocommerce import batch, customers, reads
from services.sandbox.woocommerce.categories import PATH, Categories
from services.sandbox.woocommerce.control import Control
from services.sandbox.woocommerce.customers import Customers
from services.sandbox.woocommerce.delivery import Deliveries
from services.sandbox.woocommerce.hosting import Hosting
from services.sandbox.woocommerce.notes import Notes
from services.sandbox.woocommerce.orders import Orders
from services.sandbox.woocommerce.products import Products
from services.sandbox.woocommerce.refunds import AllRefunds, Refunds
from services.sandbox.woocommerce.rest import Api, Call, listed, unknown_route
from services.sandbox.woocommerce.settings import Settings
from services.sandbox.woocommerce.shop import Document, Shop
from services.sandbox.woocommerce.taxes import Taxes
from services.sandbox.woocommerce.variations import Variations
from services.sandbox.woocommerce.webhooks import Webhooks


def create(
    settings: Settings | None = None,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    rng: Random | None = None,
    client: httpx.AsyncClient | None = None,
) -> Starlette:
    """The sandbox as an ASGI app; `app.state.shop` and `app.state.deliveries` drive it without HTTP.

    `client` sends the webhooks; it is the caller's to close. Faults come from outside: `Faults(create(...))`.
    """
    shop = Shop(settings or Settings(), now)
    deliveries = Deliveries(shop, lambda resource, number: show(shop, resource, number), rng or Random(0))
    deliveries.client = client
    edge = Edge(shop, deliveries)
    api = Api(shop, edge.before, edge.after)
    control = Control(shop, deliveries, edge.send_soon)
    app = Starlette(
        routes=[*control.routes(), *routes(api, shop)],
        exception_handlers={404: unknown_route, 405: unknown_route},
        lifespan=lambda _: edge.open(own_client=client is None),
    )
    app.add_middleware(Hosting, shop=shop)
    app.add_middleware(AtHome, shop=shop)
    app.state.shop, app.state.deliveries = shop, deliveries
    return app


def routes(api: Api, shop: Shop) -> list[Route]:
    """The REST routes."""
    return [
        *reads.routes(api, shop),
        *api.resource(PATH, lambda shop, _: Categories(shop)),
        *api.resource("/products/{parent:int}/variations", lambda shop, ids: Variations(shop, ids["parent"])),
        *api.resource("/products", lambda shop, _: Products(shop)),
        *api.resource("/orders/{order:int}/refunds", lambda shop, ids: Refunds(shop, ids["order"], ids.get("dp"))),
        *api.resource("/orders/{order:int}/notes", lambda shop, ids: Notes(shop, ids["order"])),
        *api.resource("/orders", lambda shop, ids: Orders(shop, ids.get("dp"))),
        api.route("/refunds", {"GET": ("list", lambda call: listed(call, AllRefunds(call.shop)))}),
        *api.resource(customers.PATH, lambda shop, _: Customers(shop)),
        *api.resource("/taxes", lambda shop, _: Taxes(shop)),
        *api.resource("/webhooks", lambda shop, _: Webhooks(shop)),
    ]


def show(shop: Shop, resource: str, document_id: int) -> Document:
    """An object as a webhook's body shows it; RestError when it is gone."""
    readers: dict[str, Callable[[int], Document]] = {"order": Orders(shop).read, "customer": Customers(shop).read}
    return readers.get(resource, Products(shop).read)(document_id)


class AtHome:
    """ASGI middleware: a shop without a fixed home is at home where its requests reach it."""

    def __init__(self, app: ASGIApp, shop: Shop) -> None:
        self.app = app
        self.shop = shop

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] == "http" and not self.shop.settings.home_url:
            self.shop.home_url = str(Request(scope).base_url).rstrip("/")
        await self.app(scope, receive, send)


class Edge:
    """What happens around a handler: the shop's pace, pings, webhooks sent in the background."""

    def __init__(self, shop: Shop, deliveries: Deliveries) -> None:
        self.shop = shop
        self.deliveries = deliveries
        self.workers = asyncio.Semaphore(shop.settings.pace.workers if shop.settings.pace else 1)
        self.sending: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def open(self, own_client: bool) -> AsyncIterator[None]:
        """While the app is served."""
        yield
        if self.sending:
            self.sending.cancel()
        if own_client and self.deliveries.client:
            await self.deliveries.client.aclose()

    async def before(self, call: Call) -> None:
        """Takes as long as a real shop would, if the settings say so."""
        if (pace := self.shop.settings.pace) is None:
            return
        items = batch.count(call.body()) if call.request.url.path.endswith("/batch") else 0
        async with self.workers:
            await asyncio.sleep(pace.request_seconds + pace.item_seconds * items)

    async def after(self, call: Call) -> None:
        """A new webhook is pinged before the answer goes out; deliveries follow by themselves."""
        if "/webhooks" in call.request.url.path:
            await self.deliveries.ping()
        self.send_soon()

    def send_soon(self) -> None:
        """Starts sending what is queued, unless deliveries are held or being sent already."""
        idle = self.sending is None or self.sending.done()
        if self.deliveries.pending and idle and not self.deliveries.manner.hold:
            self.sending = asyncio.get_running_loop().create_task(self.deliveries.settled())
