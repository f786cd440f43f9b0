"""The sandbox's own routes under /_sandbox: load, place, look, deliver. No key is needed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.sandbox import recorded
from services.sandbox.woocommerce import placing
from services.sandbox.woocommerce.catalogue import load_catalogue
from services.sandbox.woocommerce.delivery import Deliveries, Manner
from services.sandbox.woocommerce.shop import Document, Shop

Handler = Callable[[Request], Awaitable[Any]]


class Asked(BaseModel):
    """A body that is checked: unknown names are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class CatalogueAsked(Asked):
    """Which products to load; with `stock` they manage their stock and have so many pieces."""

    skus: set[str] | None = None
    stock: int | None = None


class OrderAsked(Asked):
    """Which recorded order to place."""

    recorded: int
    status: str | None = None
    keep_dates: bool = False


class RefundAsked(Asked):
    """Which recorded refund to give."""

    recorded: int
    restock: bool = True


class ReturnsAsked(Asked):
    """The return requests of an order, in whatever shape a plugin gives them."""

    requests: Any


class MannerAsked(Asked):
    """How deliveries go out; see delivery.Manner."""

    repeat: int = Field(default=1, ge=1)
    shuffle: bool = False
    drop_every: int = Field(default=0, ge=0)
    delay: float = Field(default=0, ge=0)
    hold: bool = False

    def manner(self) -> Manner:
        """The same as a value of the domain."""
        return Manner(self.repeat, self.shuffle, self.drop_every, self.delay, self.hold)


class DeliverAsked(MannerAsked):
    """`again`: how many of the last deliveries to send once more, beside those that are queued."""

    again: int = Field(default=0, ge=0)


class Control:
    """The control routes of one shop; `after` is awaited after whatever may have queued webhooks."""

    def __init__(self, shop: Shop, deliveries: Deliveries, after: Callable[[], None]) -> None:
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
        return [Route(f"/_sandbox/{path}", self._guarded(handler), methods=[m]) for m, path, handler in table]

    async def state(self, _: Request) -> Document:
        """Counts, orders with totals, products by SKU, webhooks."""
        return state(self.shop) | {"pending_deliveries": len(self.deliveries.pending)}

    async def recordings(self, _: Request) -> list[Document]:
        """The recorded orders, to choose from."""
        return [placing.listed(order_id) for order_id in recorded.order_ids()]

    async def catalogue(self, request: Request) -> Document:
        """Loads recorded products."""
        asked = CatalogueAsked.model_validate_json(await request.body() or b"{}")
        return {"loaded": load_catalogue(self.shop, skus=asked.skus, stock=asked.stock)}

    async def place(self, request: Request) -> Document:
        """Places a recorded order."""
        asked = OrderAsked.model_validate_json(await request.body())
        order = placing.place(self.shop, asked.recorded, status=asked.status, keep_dates=asked.keep_dates)
        return summary(self.shop, order)

    async def refund(self, request: Request) -> Document:
        """Gives a placed order a recorded refund."""
        asked = RefundAsked.model_validate_json(await request.body())
        order_id = request.path_params["order_id"]
        placing.issue_refund(self.shop, order_id, asked.recorded, restock=asked.restock)
        return summary(self.shop, self.shop.orders[order_id])

    async def unrefund(self, request: Request) -> Document:
        """Deletes a refund."""
        order_id = request.path_params["order_id"]
        placing.remove_refund(self.shop, order_id, request.path_params["refund_id"])
        return summary(self.shop, self.shop.orders[order_id])

    async def ask_return(self, request: Request) -> Document:
        """Keeps what a plugin would answer about the return requests of an order."""
        order_id = request.path_params["order_id"]
        if order_id not in self.shop.orders:
            raise placing.CannotPlace(f"no order {order_id}")
        self.shop.return_requests[order_id] = ReturnsAsked.model_validate_json(await request.body()).requests
        return {"order": order_id, "requests": self.shop.return_requests[order_id]}

    async def deliver(self, request: Request) -> Document:
        """Sends what is queued, misbehaving once as asked."""
        asked = DeliverAsked.model_validate_json(await request.body() or b"{}")
        dropped = self.deliveries.dropped
        done = await self.deliveries.drain(asked.manner(), asked.again)
        return {"handled": done, "dropped": self.deliveries.dropped - dropped}

    async def manner(self, request: Request) -> Document:
        """Sets how deliveries misbehave from now on."""
        asked = MannerAsked.model_validate_json(await request.body() or b"{}")
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

    def _guarded(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
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


def state(shop: Shop) -> Document:
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
        "orders": [summary(shop, order) for order in shop.orders.values()],
        "products": {item["sku"] or f"#{item['id']}": shelf(item) for item in shop.stocked()},
        "webhooks": [{k: v for k, v in hook.items() if k != "secret"} for hook in shop.webhooks.values()],
    }


def summary(shop: Shop, order: Document) -> Document:
    """An order in short."""
    refunds = [{"id": refund["id"], "amount": refund["amount"]} for refund in shop.refunds_of(order["id"])]
    told = ("id", "status", "currency", "total", "total_tax", "date_paid", "date_modified")
    return {name: order[name] for name in told} | {"refunds": refunds}


def shelf(item: Document) -> Document:
    """A product or variation in short."""
    told = ("id", "status", "price", "regular_price", "sale_price", "manage_stock", "stock_quantity", "stock_status")
    return {name: item[name] for name in told}
