"""What an upstream sends is bounded: its size when unpacked, and the time that one call may take."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable

import httpx
import pytest

from services.connectors.http.upstream import DEFAULT_TIMEOUTS, Limits, Timeouts, Upstream
from services.engine.outbox.upstream_errors import Unavailable, UnknownOutcome
from tests.http.upstream_double import URL, VOICE

SMALL = Limits(tries=1, answer=1_000_000, stream=2_000_000)
BOMB = gzip.compress(bytes(50_000_000))
Respond = Callable[[], httpx.Response]


def answering(respond: Respond, timeouts: Timeouts = DEFAULT_TIMEOUTS) -> Upstream:
    """An upstream whose every answer is made by `respond`."""
    transport = httpx.MockTransport(lambda request: respond())
    return Upstream(VOICE, transport=transport, limits=SMALL, timeouts=timeouts)


async def pieces(count: int) -> AsyncIterator[bytes]:
    """A body of so many pieces of 100 kB, without a Content-Length."""
    for _ in range(count):
        yield bytes(100_000)


async def slowly() -> AsyncIterator[bytes]:
    """A body of which a byte comes every 10 ms, and never the last one."""
    while True:
        yield b" "
        await asyncio.sleep(0.01)


TOO_LARGE: dict[str, Respond] = {
    "a body of fifty megabytes": lambda: httpx.Response(200, content=bytes(50_000_000)),
    "a body without a length": lambda: httpx.Response(200, content=pieces(30)),
    "a bomb in gzip": lambda: httpx.Response(200, content=BOMB, headers={"Content-Encoding": "gzip"}),
    "a bomb in a bomb": lambda: httpx.Response(
        200, content=gzip.compress(BOMB), headers={"Content-Encoding": "gzip, gzip"}
    ),
}


@pytest.mark.parametrize("name", TOO_LARGE)
async def test_an_answer_that_is_too_large_is_given_up(name: str) -> None:
    async with answering(TOO_LARGE[name]) as upstream:
        with pytest.raises(Unavailable, match="larger than any list of records"):
            await upstream.request("GET", URL, writes=False)
        with pytest.raises(UnknownOutcome, match="may have taken effect"):
            await upstream.request("PUT", URL, writes=True)


@pytest.mark.parametrize("name", TOO_LARGE)
async def test_a_stream_is_counted_while_it_is_read(name: str) -> None:
    read = 0
    async with answering(TOO_LARGE[name]) as upstream:
        with pytest.raises(Unavailable, match="larger than any list of records"):
            async with upstream.stream_get(URL) as response:
                async for piece in response.aiter_bytes():
                    read += len(piece)
    assert read <= SMALL.stream


async def test_an_answer_within_the_bounds_is_read_as_before() -> None:
    packed = gzip.compress(b'{"id": 1}')
    respond = lambda: httpx.Response(200, content=packed, headers={"Content-Encoding": "gzip"})  # noqa: E731
    async with answering(respond) as upstream:
        answer = await upstream.request("GET", URL, writes=False)
        async with upstream.stream_get(URL) as response:
            streamed = b"".join([piece async for piece in response.aiter_bytes()])
    assert (answer.json(), streamed) == ({"id": 1}, b'{"id": 1}')


async def test_a_call_has_one_deadline_although_the_upstream_never_falls_silent() -> None:
    short = Timeouts(read=60, whole=0.2, stream=0.2)
    async with answering(lambda: httpx.Response(200, content=slowly()), timeouts=short) as upstream:
        with pytest.raises(Unavailable, match="longer than its deadline"):
            await upstream.request("GET", URL, writes=False)
        with pytest.raises(Unavailable, match="longer than its deadline"):
            async with upstream.stream_get(URL) as response:
                assert [piece async for piece in response.aiter_bytes() if piece != b" "] == []


async def test_a_timeout_of_the_reader_is_its_own() -> None:
    async with answering(lambda: httpx.Response(200, content=slowly())) as upstream:
        with pytest.raises(TimeoutError):
            async with upstream.stream_get(URL), asyncio.timeout(0.05):
                await asyncio.Event().wait()
