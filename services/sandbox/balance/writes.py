"""The writing methods of Clients, Sale, credit note, sales order and receipts."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from services.sandbox.balance import clients, posting
from services.sandbox.balance.answer import JSON
from services.sandbox.balance.books import Books
from services.sandbox.balance.dialect import Voice
from services.sandbox.balance.draft import bodies
from services.sandbox.balance.errors import Refused, Turned, text
from services.sandbox.balance.record import Row
from services.sandbox.balance.register import Register

Write = Callable[[list[Row]], list[Row]]


async def written(request: Request, name: str, books: Books) -> Response:
    """Carries out POST, PUT, PATCH or DELETE. Raises `Turned` 405, or `Refused`."""
    write = writer(request.method, name, books)
    sent = await sent_rows(request, books)
    return echo(write(sent), Voice(books.settings.dialect, document=name != "Clients"))


async def sent_rows(request: Request, books: Books) -> list[Row]:
    """The records of the body; a DELETE may name its one by `?uid=`."""
    if request.method == "DELETE" and "uid" in request.query_params:
        return [{"uid": request.query_params["uid"]}]
    return bodies(await request.body(), books.settings)


def writer(method: str, name: str, books: Books) -> Write:
    """What a method does to a resource (API fact: documents have no POST)."""
    registers = books.registers()
    writers = client_writers(books) if name == "Clients" else {}
    if name in registers:
        writers = document_writers(books, registers[name])
    if method not in writers:
        raise Turned(405, f"{name} knows no {method}", {"Allow": ", ".join(["GET", *writers])})
    return writers[method]


def client_writers(books: Books) -> dict[str, Write]:
    """The methods of Clients."""
    return {
        "POST": lambda sent: [clients.put(books.clients, each, books.settings) for each in sent],
        "PUT": lambda sent: [clients.put(books.clients, each, books.settings) for each in sent],
        "PATCH": lambda sent: [clients.patch(books.clients, each, books.settings) for each in sent],
        "DELETE": lambda sent: [mark_client(books, posting.wanted_uid(each)) for each in sent],
    }


def mark_client(books: Books, wanted: str) -> Row:
    """Marks a client for deletion. Raises `Refused` for an unknown uid."""
    row = books.clients.get(wanted)
    if row is None:
        raise Refused(books.settings.rules.error_status, [text(books.settings.dialect.language, "uid", value=wanted)])
    books.clients.marked.add(wanted)
    return row | {"DeletionMark": True}


def document_writers(books: Books, register: Register) -> dict[str, Write]:
    """The methods of a kind of document."""
    return {
        "PUT": lambda sent: [document.row() for document in posting.put_all(books, register, sent)],
        "PATCH": lambda sent: [posting.patch(books, register, each).row() for each in sent],
        "DELETE": lambda sent: [posting.mark(books, register, posting.wanted_uid(each)).row() for each in sent],
    }


def echo(rows: list[Row], voice: Voice) -> Response:
    """The body after a write: what was written as an array, one object, or nothing at all."""
    if voice.dialect.echo == "empty":
        return Response(status_code=200)
    array = voice.json(rows)
    single = voice.dialect.echo == "object" and len(rows) == 1
    return Response(array[1:-1] if single else array, media_type=JSON)
