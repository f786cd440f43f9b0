"""Large answers: written in small pieces, with little memory, while others are served."""

from __future__ import annotations

import asyncio
import tracemalloc

import httpx
import ijson

from services.sandbox.balance.app import create_balance
from services.sandbox.balance.catalogue import CatalogueRequest, fill_catalogue
from services.sandbox.balance.dialect import ROWS_PER_CHUNK, RowRenderer, stream_rows
from services.sandbox.balance.settings import SandboxDialect
from services.sandbox.server import serve
from tests.sandbox.balance_bench import AUTH, NOW, PATH

MANY = 20_000


async def test_a_long_list_is_written_in_pieces_without_growing_memory() -> None:
    short, long = [await peak_of_reading(count) for count in (1_000, 8_000)]
    assert long < short + 1_000_000


async def peak_of_reading(count: int) -> int:
    """The most bytes of memory that reading so many items took; no piece is longer than its rows."""
    books = create_balance(clock=lambda: NOW).books
    fill_catalogue(books, CatalogueRequest(generate=count))
    tracemalloc.start()
    sizes = [len(piece) async for piece in stream_rows(books.items.rows(), RowRenderer(SandboxDialect()))]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(sizes) == -(-len(books.items) // ROWS_PER_CHUNK) + 1
    assert max(sizes) < ROWS_PER_CHUNK * 1_000
    return peak


async def test_every_row_arrives_over_http_and_others_are_served_meanwhile() -> None:
    sandbox = create_balance(clock=lambda: NOW)
    fill_catalogue(sandbox.books, CatalogueRequest(generate=MANY))
    async with serve(sandbox) as served, httpx.AsyncClient(base_url=f"{served.url}{PATH}/", auth=AUTH) as http:
        begun = asyncio.Event()
        counting = asyncio.create_task(counted(http, "Items", begun))
        await begun.wait()
        assert (await http.get("Warehouses")).status_code == 200
        assert not counting.done()
        assert await counting == len(sandbox.books.items)


async def counted(http: httpx.AsyncClient, resource: str, begun: asyncio.Event) -> int:
    """Counts an answer's rows as they arrive; sets `begun` at the first."""
    rows = ijson.sendable_list()
    parser = ijson.items_coro(rows, "item.uid")
    seen = 0
    async with http.stream("GET", resource) as answer:
        async for piece in answer.aiter_bytes():
            begun.set()
            parser.send(piece)
            seen += len(rows)
            del rows[:]
    return seen


async def test_the_catalogue_may_change_while_it_is_read() -> None:
    books = create_balance(clock=lambda: NOW).books
    fill_catalogue(books, CatalogueRequest(generate=1_000))
    before = len(books.items)
    reading = stream_rows(books.items.rows(), RowRenderer(SandboxDialect()))
    first = await anext(reading)
    books.items.put("00000000-0000-4000-8000-000000000001", {"Name": "new"})
    rest = [piece async for piece in reading]
    assert b"".join([first, *rest]).count(b'"uid"') == before
