"""A filled Balance sandbox and a client that is signed in to it, for the tests of this folder."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

import httpx

from services.sandbox.balance import catalogue
from services.sandbox.balance.app import BalanceSandbox, create_balance
from services.sandbox.balance.record import make_uid
from services.sandbox.balance.settings import BalanceSandboxSettings

NOW = datetime(2026, 11, 21, 8, 30, tzinfo=UTC)
PATH = "/sm/o/Balance/1234/hs/Exchange"
AUTH = ("integration", "sandbox")
TEA = make_uid("item", "sku:ჩაი-02")
COFFEE = make_uid("item", "sku:КОФЕ-03")
ZERO_RATED = make_uid("item", "sku:4860001234504")
DELIVERY = make_uid("item", "service:DELIVERY")
FEE = make_uid("item", "service:FEE")
NOWHERE = "deadbeef-0000-4000-8000-000000000000"


def own_uid(name: object) -> str:
    """A uid of the caller's own making."""
    return str(uuid5(UUID(int=7), str(name)))


def line(item: str = TEA, quantity: str = "1", amount: str = "11.80", **more: Any) -> dict[str, Any]:
    """A line of a Sale or a credit note."""
    return {"Item": item, "Quantity": quantity, "Price": amount, "Amount": amount} | more


def sale(*lines: dict[str, Any], name: object = "sale", **more: Any) -> dict[str, Any]:
    """A valid Sale; by default with one line."""
    head = {
        "uid": own_uid(name),
        "Date": "2026-11-20T14:03:00",
        "Warehouse": catalogue.MAIN,
        "Client": catalogue.RETAIL_CLIENT,
        "Comments": "order 1042",
        "PrimaryDocument": "1042",
    }
    return head | {"Items": list(lines) or [line()]} | more


def note(*lines: dict[str, Any], name: object = "note", base: str = own_uid("sale"), **more: Any) -> dict[str, Any]:
    """A credit note for a return of that Sale."""
    document = sale(*lines, name=name, Date="2026-11-21", Comments="refund of order 1042", BaseDocument=base)
    return document | {"OperationType": "დაბრუნება"} | more


class Bench:
    """A sandbox with the standard catalogue, in the process, and a client; settings may be changed by name."""

    def __init__(self, **settings: Any) -> None:
        self.app: BalanceSandbox = create_balance(BalanceSandboxSettings().changed(settings), lambda: NOW)
        self.books = self.app.books
        catalogue.fill_catalogue(self.books)
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=self.app), base_url=f"http://balance.test{PATH}", auth=AUTH
        )
        self.control = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=self.app), base_url="http://balance.test/_sandbox"
        )

    async def get(self, path: str, **parameters: str) -> httpx.Response:
        """A GET below the base URL."""
        return await self.http.get(path, params=parameters)

    async def put(self, *documents: dict[str, Any], resource: str = "Sale") -> httpx.Response:
        """A PUT of documents as one array."""
        return await self.http.put(resource, json=list(documents))

    def on_hand(self, item: str = TEA, warehouse: str = catalogue.MAIN) -> Any:
        """The stock of an item."""
        return self.books.stocks.on_hand(item, warehouse)
