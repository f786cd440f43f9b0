"""Control routes for tests and people, without a password.

    GET    /_sandbox/state[?parts=sales,stock]    counts, sales, credit_notes, receipts, clients, stock
    GET    /_sandbox/catalogue                    the uids that settings need
    POST   /_sandbox/catalogue                    fills the books as ordered; an empty body is the standard order
    PUT    /_sandbox/items/{uid}                  {"Name": "..."}: adds or changes; DELETE
    PUT    /_sandbox/stocks                       {"item", "warehouse", "quantity", "reserve", "series"}
    PUT    /_sandbox/prices                       {"item", "price_type": "regular", "price"}; a price of 0 ends it
    DELETE /_sandbox/stocks/{item}                also /_sandbox/prices/{item}
    PUT    /_sandbox/discounts/{code}             {"Percentage": "15", "StartDate": "2026-11-01"}; DELETE
    POST   /_sandbox/sales/{uid}/edit             {"Comments": "..."}: by hand, past every rule; credit-notes likewise
    GET    /_sandbox/settings                     PUT changes the named ones: {"dialect": {"decimals": "comma"}}
    PUT    /_sandbox/lock-date                    {"date": "2026-12-01"} or {"date": null}

Items may be named by uid, article or code; warehouses by uid or name.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.sandbox.balance import catalogue, posting
from services.sandbox.balance.books import SandboxBooks, SandboxRegister, describe_books, summarize_document
from services.sandbox.balance.errors import ExchangeRefusal
from services.sandbox.balance.items import parse_number
from services.sandbox.balance.record import ZERO, Row, as_text
from services.sandbox.balance.stock_and_prices import REGULAR, SALE

PRICE_TYPE_NAMES = {"regular": REGULAR, "sale": SALE}
DAYS = frozenset({"StartDate", "EndDate"})
NUMBERS = frozenset({"Percentage", "Amount", "SpecialPrice"})


class StockChange(BaseModel):
    """Sets a level; what is None stays. `item` by uid, article or code, `warehouse` by uid or name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    item: str
    warehouse: str
    quantity: Decimal | None = None
    reserve: Decimal | None = None
    series: str = ZERO

    def apply(self, books: SandboxBooks) -> dict[str, str]:
        """Makes the change. Raises KeyError for an unknown item or warehouse."""
        item, warehouse = find_item(books, self.item), find_warehouse(books, self.warehouse)
        level = books.stocks.put(item, warehouse, self.quantity, self.reserve, self.series)
        return {"item": item, "quantity": as_text(level.quantity), "reserve": as_text(level.reserve)}


class PriceChange(BaseModel):
    """Sets a price in GEL from now on; zero ends it. `price_type` is regular, sale, or a uid."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    item: str
    price: Decimal
    price_type: str = "regular"

    def apply(self, books: SandboxBooks) -> dict[str, str]:
        """Makes the change by a price-setting document dated now. Raises KeyError for an unknown item."""
        item = find_item(books, self.item)
        books.prices.put(PRICE_TYPE_NAMES.get(self.price_type, self.price_type), [(item, self.price)], books.now())
        return {"item": item, "price": as_text(self.price)}


def put_item(books: SandboxBooks, uid: str, fields: Row) -> dict[str, str]:
    """Adds an item or changes fields of one. Raises ValueError for a field that items do not have."""
    return {name: as_text(value) for name, value in books.items.put(uid, fields).items()}


def find_item(books: SandboxBooks, named: str) -> str:
    """The uid of an item named by uid, article or code. Raises KeyError."""
    found = named if named in books.items else books.items.named(named)
    if found is None:
        raise KeyError(f"item {named}")
    return found


def find_warehouse(books: SandboxBooks, named: str) -> str:
    """The uid of a warehouse named by uid or name. Raises KeyError."""
    found = named if named in books.warehouses else books.warehouse_named(named)
    if found is None:
        raise KeyError(f"warehouse {named}")
    return found


def put_discount(books: SandboxBooks, code: str, fields: Mapping[str, Any]) -> dict[str, str]:
    """Adds a discount or changes fields of one; days as YYYY-MM-DD. Raises ValueError for no day or number."""
    known = books.discounts.get(code, {"Code": code, "Name": code, "IsActive": True, "Items": []})
    row = books.discounts[code] = known | {name: parse_discount_value(name, value) for name, value in fields.items()}
    return {name: as_text(value) for name, value in row.items()}


def delete_discount(books: SandboxBooks, code: str) -> None:
    """Removes a discount. Raises KeyError."""
    del books.discounts[code]


def parse_discount_value(name: str, value: Any) -> Any:
    """A discount's field from JSON."""
    if value == "" or name not in DAYS | NUMBERS:
        return value
    return date.fromisoformat(value) if name in DAYS else parse_number(value)


def set_lock_date(books: SandboxBooks, day: date | None) -> None:
    """Closes the books for documents dated before a day; None opens them."""
    books.settings = books.settings.changed({"rules": {"lock_date": day}})


@dataclass(frozen=True)
class ControlRequest:
    """What a control request carries: `at` is what its path names."""

    at: str
    parts: frozenset[str]
    body: dict[str, Any]


ControlAction = Callable[[SandboxBooks, ControlRequest], Any]


async def read_control_request(request: Request) -> ControlRequest:
    """Reads a control request; no body counts as `{}`. Raises ValueError for a body that is no JSON object."""
    body = orjson.loads(await request.body() or b"{}")
    if not isinstance(body, dict):
        raise ValueError("the body must be a JSON object")
    parts = request.query_params.get("parts", "")
    return ControlRequest(
        request.path_params.get("at", ""), frozenset(parts.split(",")) if parts else frozenset(), body
    )


def fill(books: SandboxBooks, asked: ControlRequest) -> dict[str, Any]:
    """A new catalogue."""
    order = catalogue.CatalogueRequest(**asked.body) if asked.body else catalogue.STANDARD_CATALOGUE
    return catalogue.fill_catalogue(books, order)


def edit_document(books: SandboxBooks, register: SandboxRegister, asked: ControlRequest) -> dict[str, Any]:
    """A document changed by hand."""
    return summarize_document(posting.edit_document(books, register, asked.at, asked.body))


def change_settings(books: SandboxBooks, asked: ControlRequest) -> dict[str, Any]:
    """The settings, after the named ones were changed."""
    books.settings = books.settings.changed(asked.body)
    return books.settings.model_dump(mode="json")


def lock_books(books: SandboxBooks, asked: ControlRequest) -> dict[str, Any]:
    """The lock date, after it was set."""
    written = asked.body.get("date")
    set_lock_date(books, date.fromisoformat(written) if written else None)
    return {"date": written}


ACTIONS: tuple[tuple[str, str, ControlAction], ...] = (
    ("GET", "state", lambda books, asked: describe_books(books, asked.parts)),
    ("GET", "catalogue", lambda books, _: catalogue.build_legend(books)),
    ("POST", "catalogue", fill),
    ("PUT", "items/{at}", lambda books, asked: put_item(books, asked.at, asked.body)),
    ("DELETE", "items/{at}", lambda books, asked: books.delete_item(find_item(books, asked.at))),
    ("PUT", "stocks", lambda books, asked: StockChange(**asked.body).apply(books)),
    ("DELETE", "stocks/{at}", lambda books, asked: books.stocks.delete(find_item(books, asked.at))),
    ("PUT", "prices", lambda books, asked: PriceChange(**asked.body).apply(books)),
    ("DELETE", "prices/{at}", lambda books, asked: books.prices.delete(find_item(books, asked.at), books.now())),
    ("PUT", "discounts/{at}", lambda books, asked: put_discount(books, asked.at, asked.body)),
    ("DELETE", "discounts/{at}", lambda books, asked: delete_discount(books, asked.at)),
    ("POST", "sales/{at}/edit", lambda books, asked: edit_document(books, books.sales, asked)),
    ("POST", "credit-notes/{at}/edit", lambda books, asked: edit_document(books, books.credit_notes, asked)),
    ("GET", "settings", change_settings),
    ("PUT", "settings", change_settings),
    ("PUT", "lock-date", lock_books),
)


def control_routes(books: SandboxBooks) -> list[Route]:
    """Every route under /_sandbox that is Balance's own."""
    return [
        Route(f"/_sandbox/{path}", make_endpoint(action, books), methods=[method]) for method, path, action in ACTIONS
    ]


def make_endpoint(action: ControlAction, books: SandboxBooks) -> Callable[[Request], Awaitable[Response]]:
    """Makes the endpoint of an action: its result as JSON, 404 for an unknown record, 400 for an invalid request."""

    async def answer(request: Request) -> Response:
        try:
            return JSONResponse(action(books, await read_control_request(request)))
        except ExchangeRefusal as no:
            return no.response
        except KeyError as unknown:
            return JSONResponse({"error": f"Unknown {unknown.args[0]}"}, 404)
        except ValueError as wrong:
            return JSONResponse({"error": str(wrong)}, 400)

    return answer
