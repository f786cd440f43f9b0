"""The Exchange service: one request in, one answer out."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from services.sandbox.balance import address, gate, query, writes
from services.sandbox.balance.answer import listed
from services.sandbox.balance.books import Books
from services.sandbox.balance.dialect import Voice
from services.sandbox.balance.errors import Refused, Turned
from services.sandbox.balance.resources import resource


async def exchange(request: Request, books: Books) -> Response:
    """Answers a request to a published path as Balance would."""
    try:
        at = address.located(request.url.path, books.settings)
        gate.admit(request, at, books.settings)
        if request.method == "GET":
            return read(request, at.resource, books)
        return await writes.written(request, at.resource, books)
    except (Turned, Refused) as no:
        return no.response


def read(request: Request, name: str, books: Books) -> Response:
    """Answers a GET. Raises `Turned`."""
    dialect, found = books.settings.dialect, resource(name, books)
    asked = query.read(request.query_params.multi_items(), name, found.known, dialect)
    rows = iter(()) if asked.nothing else asked.select(found.rows(books, asked))
    return listed(rows, asked, Voice(dialect, found.document))
