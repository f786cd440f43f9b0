"""Creates a WooCommerce sandbox: routes, middleware, and webhooks sent in the background."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from random import Random

import httpx
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.sandbox.woocommerce import customers, resources, store
from services.sandbox.woocommerce.control import ControlRoutes
from services.sandbox.woocommerce.customers import Customers
from services.sandbox.woocommerce.delivery import WebhookQueue
from services.sandbox.woocommerce.orders import OrderNotes, Orders
from services.sandbox.woocommerce.products import CATEGORIES_PATH, Categories, Products
from services.sandbox.woocommerce.refunds import AllRefunds, OrderRefunds
from services.sandbox.woocommerce.rest import RestCall, RestRoutes, respond_list, respond_unknown_route
from services.sandbox.woocommerce.shop import Document, SandboxShop, SandboxShopSettings
from services.sandbox.woocommerce.store import TaxRates
from services.sandbox.woocommerce.variations import Variations
from services.sandbox.woocommerce.webhooks import Webhooks


def create_shop(
    settings: SandboxShopSettings | None = None,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    rng: Random | None = None,
    client: httpx.AsyncClient | None = None,
) -> Starlette:
    """The sandbox as an ASGI app; `app.state.shop` and `app.state.deliveries` drive it without HTTP.

    `client` sends the webhooks; it is the caller's to close. Faults come from outside: `Faults(create(...))`.
    """
    shop = SandboxShop(settings or SandboxShopSettings(), now)
    deliveries = WebhookQueue(shop, lambda resource, number: render_resource(shop, resource, number), rng or Random(0))
    deliveries.client = client
    edge = RequestHooks(shop, deliveries)
    api = RestRoutes(shop, edge.before, edge.after)
    control = ControlRoutes(shop, deliveries, edge.send_soon)
    app = Starlette(
        routes=[*control.routes(), *rest_routes(api, shop)],
        exception_handlers={404: respond_unknown_route, 405: respond_unknown_route},
        lifespan=lambda _: edge.open(own_client=client is None),
    )
    app.add_middleware(HostingMiddleware, shop=shop)
    app.add_middleware(HomeUrlMiddleware, shop=shop)
    app.state.shop, app.state.deliveries = shop, deliveries
    return app


def rest_routes(api: RestRoutes, shop: SandboxShop) -> list[Route]:
    """The REST routes."""
    return [
        *store.store_routes(api, shop),
        *api.resource(CATEGORIES_PATH, lambda shop, _: Categories(shop)),
        *api.resource("/products/{parent:int}/variations", lambda shop, ids: Variations(shop, ids["parent"])),
        *api.resource("/products", lambda shop, _: Products(shop)),
        *api.resource("/orders/{order:int}/refunds", lambda shop, ids: OrderRefunds(shop, ids["order"], ids.get("dp"))),
        *api.resource("/orders/{order:int}/notes", lambda shop, ids: OrderNotes(shop, ids["order"])),
        *api.resource("/orders", lambda shop, ids: Orders(shop, ids.get("dp"))),
        api.route("/refunds", {"GET": ("list", lambda call: respond_list(call, AllRefunds(call.shop)))}),
        *api.resource(customers.CUSTOMERS_PATH, lambda shop, _: Customers(shop)),
        *api.resource("/taxes", lambda shop, _: TaxRates(shop)),
        *api.resource("/webhooks", lambda shop, _: Webhooks(shop)),
    ]


def render_resource(shop: SandboxShop, resource: str, document_id: int) -> Document:
    """Renders an object for the body of a webhook. Raises RestError if it was deleted."""
    readers: dict[str, Callable[[int], Document]] = {"order": Orders(shop).read, "customer": Customers(shop).read}
    return readers.get(resource, Products(shop).read)(document_id)


class HomeUrlMiddleware:
    """ASGI middleware: without a configured home URL, the shop takes that of each request."""

    def __init__(self, app: ASGIApp, shop: SandboxShop) -> None:
        self.app = app
        self.shop = shop

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] == "http" and not self.shop.settings.home_url:
            self.shop.home_url = str(Request(scope).base_url).rstrip("/")
        await self.app(scope, receive, send)


class RequestHooks:
    """Runs before and after each handler: delays, webhook pings, deliveries in the background."""

    def __init__(self, shop: SandboxShop, deliveries: WebhookQueue) -> None:
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

    async def before(self, call: RestCall) -> None:
        """Waits as long as a real shop takes, if the settings have a pace."""
        if (pace := self.shop.settings.pace) is None:
            return
        items = resources.count_items(call.body()) if call.request.url.path.endswith("/batch") else 0
        async with self.workers:
            await asyncio.sleep(pace.request_seconds + pace.item_seconds * items)

    async def after(self, call: RestCall) -> None:
        """A new webhook is pinged before the answer goes out; deliveries follow by themselves."""
        if "/webhooks" in call.request.url.path:
            await self.deliveries.ping()
        self.send_soon()

    def send_soon(self) -> None:
        """Starts sending what is queued, unless deliveries are held or being sent already."""
        idle = self.sending is None or self.sending.done()
        if self.deliveries.pending and idle and not self.deliveries.manner.hold:
            self.sending = asyncio.get_running_loop().create_task(self.deliveries.drain_all())


USUAL = "/wp-json"


class HostingMiddleware:
    """ASGI middleware in front of a shop; changes nothing with the usual settings."""

    def __init__(self, app: ASGIApp, shop: SandboxShop) -> None:
        self.app = app
        self.shop = shop

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] != "http" or scope["path"].startswith("/_sandbox"):
            await self.app(scope, receive, send)
            return
        path = self._routed(Request(scope))
        if path is None:
            await HTMLResponse("<html><title>Page not found</title></html>", 404)(scope, receive, send)
            return
        routed = {**scope, "path": path, "dialled": scope["path"], "headers": self._headers(scope)}
        await self.app(routed, receive, self._with_notice(send))

    def _routed(self, request: Request) -> str | None:
        """The path that WordPress sees; None for a page that it does not know."""
        path, prefix = request.url.path, f"/{self.shop.settings.rest_prefix}"
        if path == "/" and request.query_params.get("rest_route") == "/":
            return f"{USUAL}/"
        if self.shop.settings.permalinks == "pretty" and f"{path}/".startswith(f"{prefix}/"):
            return USUAL + path.removeprefix(prefix)
        return path if path == "/" else None

    def _headers(self, scope: Scope) -> list[tuple[bytes, bytes]]:
        removed = b"authorization" if self.shop.settings.removes_authorization else b""
        return [(name, value) for name, value in scope["headers"] if name != removed]

    def _with_notice(self, send: Send) -> Send:
        """A `send` that puts PHP's words before the JSON of an answer."""
        notice, begun = self.shop.settings.php_notice.encode(), False

        async def sent(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["content-length"] = str(int(headers["content-length"]) + len(notice))
            elif not begun:
                message, begun = {**message, "body": notice + message.get("body", b"")}, True
            await send(message)

        return sent if notice else send
