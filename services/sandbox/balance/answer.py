"""The body of a GET: rows written one small piece at a time, however many there are."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from itertools import chain, islice

from starlette.responses import PlainTextResponse, Response, StreamingResponse

from services.sandbox.balance.dialect import Voice
from services.sandbox.balance.query import Query
from services.sandbox.balance.record import Row
from services.sandbox.balance.settings import Dialect

BATCH = 200
JSON = "application/json; charset=utf-8"


def listed(rows: Iterator[Row], query: Query, voice: Voice) -> Response:
    """The answer to a GET: streamed rows, a single object, or the dialect's way to say that nothing matched."""
    head = list(islice(rows, 2))
    if not head:
        return nothing(query, voice.dialect)
    if len(head) == 1 and voice.dialect.single_object:
        return Response(voice.json(head)[1:-1], media_type=JSON)
    return StreamingResponse(pieces(chain(head, rows), voice), media_type=JSON)


def nothing(query: Query, dialect: Dialect) -> Response:
    """API fact: no match is 404 "Not Found" on some builds; a page beyond the last is an empty array."""
    beyond = query.page is not None and query.page[0] > 1
    if (dialect.page_beyond if beyond else dialect.no_match) == "not-found":
        return PlainTextResponse("Not Found", 404)
    opening, closing = brackets(dialect)
    return Response(opening + closing, media_type=JSON)


async def pieces(rows: Iterator[Row], voice: Voice) -> AsyncIterator[bytes]:
    """The JSON text of many rows, in pieces of `BATCH` rows; other requests are served in between."""
    opening, closing = brackets(voice.dialect)
    before = opening
    while batch := list(islice(rows, BATCH)):
        yield before + voice.json(batch)[1:-1]
        before = b","
        await asyncio.sleep(0)
    yield closing


def brackets(dialect: Dialect) -> tuple[bytes, bytes]:
    """What stands around the rows: `[` and `]`, or `{"Source":[` and `]}`."""
    if not dialect.wrapper:
        return b"[", b"]"
    return f'{{"{dialect.wrapper}":['.encode(), b"]}"
