"""Limits of an answer: its decoded size, and the total time of a call."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable

import httpx
import pytest

from services.connectors.http.upstream import DEFAULT_TIMEOUTS, Limits, Timeouts, Upstream
from services.engine.outbox.upstream_errors import Unavailable, UnknownOutcome
from tests.http.fake_upstream import LABELS, URL

SMALL = Limits(tries=1, answer=1_000_000, stream=2_000_000)
BOMB = gzip.compress(bytes(50_000_000))
Respond = Callable[[], httpx.Response]


def upstream_with(respond: Respond, timeouts: Timeouts = DEFAULT_TIMEOUTS) -> Upstream:
    """An upstream that answers every request with `respond`."""
    transport = httpx.MockTransport(lambda request: respond())
    return Upstream(LABELS, transport=transport, limits=SMALL, timeouts=timeouts)


async def chunks(count: int) -> AsyncIterator[bytes]:
    """A body of so many chunks of 100 kB, without a Content-Length."""
    for _ in range(count):
        yield bytes(100_000)


async def endless_body() -> AsyncIterator[bytes]:
    """An endless body that sends a byte every 10 ms."""
    while True:
        yield b" "
        await asyncio.sleep(0.01)


TOO_LARGE: dict[str, Respond] = {
    "a body of fifty megabytes": lambda: httpx.Response(200, content=bytes(50_000_000)),
    "a body without a length": lambda: httpx.Response(200, content=chunks(30)),
    "a bomb in gzip": lambda: httpx.Response(200, content=BOMB, headers={"Content-Encoding": "gzip"}),
    "a bomb in a bomb": lambda: httpx.Response(
        200, content=gzip.compress(BOMB), headers={"Content-Encoding": "gzip, gzip"}
    ),
}


@pytest.mark.parametrize("name", TOO_LARGE)
async def test_an_answer_that_is_too_large_is_aborted(name: str) -> None:
    async with upstream_with(TOO_LARGE[name]) as upstream:
        with pytest.raises(Unavailable, match="larger than any list of records"):
            await upstream.request("GET", URL, writes=False)
        with pytest.raises(UnknownOutcome, match="may have taken effect"):
            await upstream.request("PUT", URL, writes=True)


@pytest.mark.parametrize("name", TOO_LARGE)
async def test_the_size_of_a_stream_is_counted_while_it_is_read(name: str) -> None:
    read = 0
    async with upstream_with(TOO_LARGE[name]) as upstream:
        with pytest.raises(Unavailable, match="larger than any list of records"):
            async with upstream.stream_get(URL) as response:
                async for piece in response.aiter_bytes():
                    read += len(piece)
    assert read <= SMALL.stream


async def test_an_answer_within_the_limits_is_read() -> None:
    packed = gzip.compress(b'{"id": 1}')
    respond = lambda: httpx.Response(200, content=packed, headers={"Content-Encoding": "gzip"})  # noqa: E731
    async with upstream_with(respond) as upstream:
        answer = await upstream.request("GET", URL, writes=False)
        async with upstream.stream_get(URL) as response:
            streamed = b"".join([piece async for piece in response.aiter_bytes()])
    assert (answer.json(), streamed) == ({"id": 1}, b'{"id": 1}')


async def test_a_call_has_a_total_deadline_even_if_data_keeps_arriving() -> None:
    short = Timeouts(read=60, whole=0.2, stream=0.2)
    async with upstream_with(lambda: httpx.Response(200, content=endless_body()), timeouts=short) as upstream:
        with pytest.raises(Unavailable, match="longer than its deadline"):
            await upstream.request("GET", URL, writes=False)
        with pytest.raises(Unavailable, match="longer than its deadline"):
            async with upstream.stream_get(URL) as response:
                assert [piece async for piece in response.aiter_bytes() if piece != b" "] == []


async def test_a_timeout_in_the_callers_code_is_not_an_upstream_error() -> None:
    async with upstream_with(lambda: httpx.Response(200, content=endless_body())) as upstream:
        with pytest.raises(TimeoutError):
            async with upstream.stream_get(URL), asyncio.timeout(0.05):
                await asyncio.Event().wait()
