"""Levers for tests and people, over HTTP and without a password.

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

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.sandbox.balance import catalogue, change, posting
from services.sandbox.balance.books import Books
from services.sandbox.balance.errors import Refused
from services.sandbox.balance.register import Register
from services.sandbox.balance.state import state, summary


@dataclass(frozen=True)
class Asked:
    """What a control request carries: `at` is what its path names."""

    at: str
    parts: frozenset[str]
    body: dict[str, Any]


Lever = Callable[[Books, Asked], Any]


async def asked_of(request: Request) -> Asked:
    """Reads a control request; no body counts as `{}`. Raises ValueError for a body that is no JSON object."""
    body = orjson.loads(await request.body() or b"{}")
    if not isinstance(body, dict):
        raise ValueError("the body must be a JSON object")
    parts = request.query_params.get("parts", "")
    return Asked(request.path_params.get("at", ""), frozenset(parts.split(",")) if parts else frozenset(), body)


def filled(books: Books, asked: Asked) -> dict[str, Any]:
    """A new catalogue."""
    order = catalogue.CatalogueOrder(**asked.body) if asked.body else catalogue.STANDARD
    return catalogue.fill(books, order)


def edited(books: Books, register: Register, asked: Asked) -> dict[str, Any]:
    """A document changed by hand."""
    return summary(posting.edit(books, register, asked.at, asked.body))


def settings(books: Books, asked: Asked) -> dict[str, Any]:
    """The settings, after the named ones were changed."""
    books.settings = books.settings.changed(asked.body)
    return books.settings.model_dump(mode="json")


def locked(books: Books, asked: Asked) -> dict[str, Any]:
    """The lock date, after it was set."""
    written = asked.body.get("date")
    change.lock_date(books, date.fromisoformat(written) if written else None)
    return {"date": written}


LEVERS: tuple[tuple[str, str, Lever], ...] = (
    ("GET", "state", lambda books, asked: state(books, asked.parts)),
    ("GET", "catalogue", lambda books, _: catalogue.legend(books)),
    ("POST", "catalogue", filled),
    ("PUT", "items/{at}", lambda books, asked: change.item(books, asked.at, asked.body)),
    ("DELETE", "items/{at}", lambda books, asked: books.delete_item(change.item_uid(books, asked.at))),
    ("PUT", "stocks", lambda books, asked: change.StockChange(**asked.body).apply(books)),
    ("DELETE", "stocks/{at}", lambda books, asked: books.stocks.delete(change.item_uid(books, asked.at))),
    ("PUT", "prices", lambda books, asked: change.PriceChange(**asked.body).apply(books)),
    ("DELETE", "prices/{at}", lambda books, asked: books.prices.delete(change.item_uid(books, asked.at), books.now())),
    ("PUT", "discounts/{at}", lambda books, asked: change.discount(books, asked.at, asked.body)),
    ("DELETE", "discounts/{at}", lambda books, asked: change.without_discount(books, asked.at)),
    ("POST", "sales/{at}/edit", lambda books, asked: edited(books, books.sales, asked)),
    ("POST", "credit-notes/{at}/edit", lambda books, asked: edited(books, books.credit_notes, asked)),
    ("GET", "settings", settings),
    ("PUT", "settings", settings),
    ("PUT", "lock-date", locked),
)


def routes(books: Books) -> list[Route]:
    """Every route under /_sandbox that is Balance's own."""
    return [Route(f"/_sandbox/{path}", endpoint(lever, books), methods=[method]) for method, path, lever in LEVERS]


def endpoint(lever: Lever, books: Books) -> Callable[[Request], Awaitable[Response]]:
    """A lever as a route: its result as JSON, 404 for what is not there, 400 for what makes no sense."""

    async def answer(request: Request) -> Response:
        try:
            return JSONResponse(lever(books, await asked_of(request)))
        except Refused as no:
            return no.response
        except KeyError as unknown:
            return JSONResponse({"error": f"There is no {unknown.args[0]}"}, 404)
        except ValueError as wrong:
            return JSONResponse({"error": str(wrong)}, 400)

    return answer
