"""The sandbox's control routes under /_sandbox, without a key, and clones of a shop."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from copy import deepcopy
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from services.sandbox import recorded
from services.sandbox.woocommerce import placing
from services.sandbox.woocommerce.delivery import DeliveryManner, WebhookQueue
from services.sandbox.woocommerce.placing import load_catalogue
from services.sandbox.woocommerce.shop import Document, SandboxShop

Handler = Callable[[Request], Awaitable[Any]]


class ControlBody(BaseModel):
    """A body that is checked: unknown names are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class CatalogueBody(ControlBody):
    """Which products to load; with `stock` they manage their stock and have so many pieces."""

    skus: set[str] | None = None
    stock: int | None = None


class OrderBody(ControlBody):
    """Which recorded order to place."""

    recorded: int
    status: str | None = None
    keep_dates: bool = False


class RefundBody(ControlBody):
    """Which recorded refund to give."""

    recorded: int
    restock: bool = True


class ReturnRequestsBody(ControlBody):
    """The return requests of an order, in whatever shape a plugin gives them."""

    requests: Any


class MannerBody(ControlBody):
    """How deliveries go out; see delivery.Manner."""

    repeat: int = Field(default=1, ge=1)
    shuffle: bool = False
    drop_every: int = Field(default=0, ge=0)
    delay: float = Field(default=0, ge=0)
    hold: bool = False

    def manner(self) -> DeliveryManner:
        """The same as a value of the domain."""
        return DeliveryManner(self.repeat, self.shuffle, self.drop_every, self.delay, self.hold)


class DeliverBody(MannerBody):
    """`again`: how many of the last deliveries to send once more, beside those that are queued."""

    again: int = Field(default=0, ge=0)


class ControlRoutes:
    """The control routes of one shop; `after` is awaited after whatever may have queued webhooks."""

    def __init__(self, shop: SandboxShop, deliveries: WebhookQueue, after: Callable[[], None]) -> None:
        self.shop = shop
        self.deliveries = deliveries
        self.after = after

    def routes(self) -> list[Route]:
        """Every route under /_sandbox."""
        table: list[tuple[str, str, Handler]] = [
            ("GET", "state", self.state),
            ("GET", "recorded", self.recordings),
            ("POST", "catalogue", self.catalogue),
            ("POST", "orders", self.place),
            ("POST", "orders/{order_id:int}/refunds", self.refund),
            ("DELETE", "orders/{order_id:int}/refunds/{refund_id:int}", self.unrefund),
            ("PUT", "orders/{order_id:int}/return-requests", self.ask_return),
            ("POST", "webhooks/deliver", self.deliver),
            ("PUT", "webhooks/manner", self.manner),
            ("GET", "webhooks/sent", self.sent),
            ("GET", "mails", self.mails),
        ]
        return [Route(f"/_sandbox/{path}", self._endpoint(handler), methods=[m]) for m, path, handler in table]

    async def state(self, _: Request) -> Document:
        """Counts, orders with totals, products by SKU, webhooks."""
        return describe_shop(self.shop) | {"pending_deliveries": len(self.deliveries.pending)}

    async def recordings(self, _: Request) -> list[Document]:
        """The recorded orders, to choose from."""
        return [placing.describe_recording(order_id) for order_id in recorded.list_order_ids()]

    async def catalogue(self, request: Request) -> Document:
        """Loads recorded products."""
        asked = CatalogueBody.model_validate_json(await request.body() or b"{}")
        return {"loaded": load_catalogue(self.shop, skus=asked.skus, stock=asked.stock)}

    async def place(self, request: Request) -> Document:
        """Places a recorded order."""
        asked = OrderBody.model_validate_json(await request.body())
        order = placing.place_order(self.shop, asked.recorded, status=asked.status, keep_dates=asked.keep_dates)
        return summarize_order(self.shop, order)

    async def refund(self, request: Request) -> Document:
        """Gives a placed order a recorded refund."""
        asked = RefundBody.model_validate_json(await request.body())
        order_id = request.path_params["order_id"]
        placing.issue_refund(self.shop, order_id, asked.recorded, restock=asked.restock)
        return summarize_order(self.shop, self.shop.orders[order_id])

    async def unrefund(self, request: Request) -> Document:
        """Deletes a refund."""
        order_id = request.path_params["order_id"]
        placing.remove_refund(self.shop, order_id, request.path_params["refund_id"])
        return summarize_order(self.shop, self.shop.orders[order_id])

    async def ask_return(self, request: Request) -> Document:
        """Keeps what a plugin would answer about the return requests of an order."""
        order_id = request.path_params["order_id"]
        if order_id not in self.shop.orders:
            raise placing.CannotPlace(f"no order {order_id}")
        self.shop.return_requests[order_id] = ReturnRequestsBody.model_validate_json(await request.body()).requests
        return {"order": order_id, "requests": self.shop.return_requests[order_id]}

    async def deliver(self, request: Request) -> Document:
        """Sends what is queued, misbehaving once as asked."""
        asked = DeliverBody.model_validate_json(await request.body() or b"{}")
        dropped = self.deliveries.dropped
        done = await self.deliveries.drain(asked.manner(), asked.again)
        return {"handled": done, "dropped": self.deliveries.dropped - dropped}

    async def manner(self, request: Request) -> Document:
        """Sets how deliveries misbehave from now on."""
        asked = MannerBody.model_validate_json(await request.body() or b"{}")
        self.deliveries.manner = asked.manner()
        return asked.model_dump()

    async def sent(self, _: Request) -> list[Document]:
        """The last deliveries."""
        return [
            {"url": one.url, "status": one.status, "headers": one.headers, "body": one.body.decode()}
            for one in self.deliveries.sent
        ]

    async def mails(self, _: Request) -> list[Document]:
        """The mails that customers would have got."""
        return self.shop.mails

    def _endpoint(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            try:
                answer = JSONResponse(await handler(request))
            except ValidationError as wrong:
                return JSONResponse({"error": str(wrong)}, status_code=400)
            except placing.CannotPlace as wrong:
                return JSONResponse({"error": str(wrong)}, status_code=409)
            self.after()
            return answer

        return endpoint


def describe_shop(shop: SandboxShop) -> Document:
    """What is in the shop, in short."""
    return {
        "counts": {
            "products": len(shop.products),
            "variations": len(shop.variations),
            "orders": len(shop.orders),
            "refunds": len(shop.refunds),
            "webhooks": len(shop.webhooks),
        },
        "notes": [{name: note[name] for name in ("order_id", "note")} for note in shop.notes.values()],
        "orders": [summarize_order(shop, order) for order in shop.orders.values()],
        "products": {item["sku"] or f"#{item['id']}": summarize_product(item) for item in shop.stocked()},
        "webhooks": [{k: v for k, v in hook.items() if k != "secret"} for hook in shop.webhooks.values()],
    }


def summarize_order(shop: SandboxShop, order: Document) -> Document:
    """An order in short."""
    refunds = [{"id": refund["id"], "amount": refund["amount"]} for refund in shop.refunds_of(order["id"])]
    fields = ("id", "status", "currency", "total", "total_tax", "date_paid", "date_modified")
    return {name: order[name] for name in fields} | {"refunds": refunds}


def summarize_product(item: Document) -> Document:
    """A product or variation in short."""
    fields = ("id", "status", "price", "regular_price", "sale_price", "manage_stock", "stock_quantity", "stock_status")
    return {name: item[name] for name in fields}


CLONE_PATH = "/_sandbox/clone"
KEPT_BY_CLONE = frozenset({"settings", "now", "home_url", "listeners"})
"""What a copy keeps of its own; everything else it takes over."""


class ShopClone:
    """ASGI app: a shop that becomes a copy of `original` when it is asked to."""

    def __init__(self, app: Starlette, original: SandboxShop) -> None:
        self.app, self.original = app, original

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] == "http" and (scope["method"], scope["path"]) == ("POST", CLONE_PATH):
            copy_shop(self.app.state.shop, self.original)
            answer = JSONResponse(describe_shop(self.app.state.shop)["counts"])
            await answer(scope, receive, send)
        else:
            await self.app(scope, receive, send)


def copy_shop(copy: SandboxShop, original: SandboxShop) -> None:
    """Makes a shop hold what another holds now."""
    for name, value in vars(original).items():
        if name not in KEPT_BY_CLONE:
            setattr(copy, name, deepcopy(value))
