"""What the tests of return requests share: a shop with an order of tea and cups, and its Sale in the books."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import httpx
from pydantic import SecretStr
from starlette.applications import Starlette

from contracts.ledger import SaleRecorded
from contracts.returns import ReturnLine, ReturnRequested
from contracts.shop import OrderChanged, RefundIssued
from services.connectors.woocommerce.client import WooCommerce
from services.connectors.woocommerce.order import order_changed
from services.connectors.woocommerce.refund import refund_issued
from services.sandbox.woocommerce.app import create_shop
from services.sandbox.woocommerce.orders import Orders
from services.sandbox.woocommerce.refunds import OrderRefunds
from services.settings.model import Settings
from tests.support.exporting import ORDER, SHOP, recorded_sale, settings

ASKED = datetime(2026, 3, 4, 20, 30, tzinfo=UTC)
"""Half past midnight of 5 March in Tbilisi."""
KEY_NAME = "_return_requests"
META = {"source": "meta", "meta_key": KEY_NAME}
REST = {"source": "rest", "path": "/wp-json/wc/v3/orders/{order}/return-requests"}


def returning(flow: str = "live", returns: Mapping[str, Any] = META, **orders: Any) -> Settings:
    """Settings of a shop whose return requests are read there."""
    using = settings(flow, **orders).model_dump()
    using["shops"][SHOP]["returns"] = dict(returns)
    return Settings.model_validate(using)


def asks(*pieces: tuple[int, str], **fields: Any) -> ReturnRequested:
    """A pushed request of so many pieces of these lines."""
    given: dict[str, Any] = {
        "command_id": "return-1",
        "asked_by": "accountant",
        "asked_at": ASKED,
        "shop": SHOP,
        "order_id": ORDER,
        "request": "R-7",
        "source": "meta",
        "lines": tuple(ReturnLine(order_line_id=id_, quantity=quantity) for id_, quantity in pieces),
    }
    return ReturnRequested.model_validate(given | fields)


TEA_OF_SHOP, CUP_OF_SHOP = 10, 12


class Store:
    """A sandbox of WooCommerce with one paid order: three of tea for 20.00 together and two cups at 5.50, no VAT."""

    def __init__(self) -> None:
        self.app: Starlette = create_shop(now=lambda: ASKED)
        lines = [
            {"name": "Tea", "product_id": TEA_OF_SHOP, "quantity": 3, "subtotal": "21.00", "total": "20.00"},
            {"name": "Cup", "product_id": CUP_OF_SHOP, "quantity": 2, "subtotal": "11.00", "total": "11.00"},
        ]
        body = {"status": "processing", "line_items": lines, "payment_method": "cod"}
        self.order_id = int(Orders(self.app.state.shop).create(body, strict=False)["id"])

    @property
    def path(self) -> str:
        """The order's own routes below `orders/`."""
        return f"orders/{self.order_id}"

    def client(self, using: Settings) -> WooCommerce:
        """The services' client of the shop; the key is the sandbox's own."""
        shop = using.shops[SHOP].model_copy(update={"url": "https://shop.example"})
        key, secret = SecretStr("ck_sandbox"), SecretStr("cs_sandbox")
        transport = httpx.ASGITransport(self.app)
        return WooCommerce(SHOP, shop, key, secret, clock=lambda: ASKED, transport=transport)

    def fact(self) -> OrderChanged:
        """The order as store-feed states it."""
        return order_changed(SHOP, Orders(self.app.state.shop).read(self.order_id))

    def sale(self, using: Settings) -> SaleRecorded:
        """The order's Sale as it is in the books."""
        return recorded_sale(self.fact(), using)

    def line(self, product: int) -> int:
        """The id of the order's line of that product."""
        return next(line.line_id for line in self.fact().lines if line.product_id == product)

    async def asks_by_meta(self, value: Any) -> None:
        """A plugin keeps its requests in a custom field of the order, as text."""
        body = {"meta_data": [{"key": KEY_NAME, "value": json.dumps(value)}]}
        async with self._http(auth=("ck_sandbox", "cs_sandbox")) as http:
            (await http.put(f"/wp-json/wc/v3/{self.path}", json=body)).raise_for_status()

    async def asks_by_route(self, value: Any) -> None:
        """A plugin answers its requests at a route of its own."""
        async with self._http() as http:
            (await http.put(f"/_sandbox/{self.path}/return-requests", json={"requests": value})).raise_for_status()

    def refunds(self, line_id: int, quantity: int, amount: str) -> RefundIssued:
        """The shop gives goods back; the refund as store-feed states it."""
        row = {"id": line_id, "quantity": quantity, "refund_total": amount}
        body = {"amount": amount, "line_items": [row], "api_refund": False}
        made = OrderRefunds(self.app.state.shop, self.order_id).create(body, strict=False)
        return refund_issued(SHOP, Orders(self.app.state.shop).read(self.order_id), made)

    def _http(self, auth: tuple[str, str] | None = None) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="https://shop.example", auth=auth)
