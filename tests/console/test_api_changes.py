"""Following changes over the JSON API: server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest

from services.console.access.tokens import Scope
from services.console.api.change_feed import MOST
from services.console.api.problems import ProblemCode
from tests.console.api_bench import ApiBench, problem_of, serve_api
from tests.console.story import ORDER, another

READING = (Scope.READ, Scope.PEOPLE)
PATHS = ("/orders", f"/orders/main/{ORDER}", "/dead-letters", "/dead-letter-groups", "/changes", "/token")


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[ApiBench]:
    async with serve_api(tmp_path) as bench:
        yield bench


async def _next_event(lines: AsyncIterator[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    async with asyncio.timeout(10):
        async for line in lines:
            name, _, value = line.partition(": ")
            if name and value:
                found[name] = value
            elif found:
                return found
    raise AssertionError("the stream has ended")


async def test_a_change_is_sent_to_those_who_follow(api: ApiBench) -> None:
    client = await api.reader()
    async with client.stream("GET", "/changes") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = stream.aiter_lines()
        first = await _next_event(lines)
        await api.data.take(another(7000))
        second = await _next_event(lines)
    assert (first["event"], second["event"]) == ("change", "change")
    assert int(second["id"]) > int(first["id"])
    async with client.stream("GET", "/changes", headers={"last-event-id": first["id"]}) as stream:
        assert (await _next_event(stream.aiter_lines()))["id"] == second["id"]


async def test_the_number_of_streams_is_bounded_and_a_closed_one_counts_no_more(api: ApiBench) -> None:
    client = await api.reader()
    read: list[AsyncIterator[str]] = []  # one that is collected closes its stream
    async with AsyncExitStack() as streams:
        for _ in range(MOST):
            stream = await streams.enter_async_context(client.stream("GET", "/changes"))
            read.append(stream.aiter_lines())
            await _next_event(read[-1])
        answer = await _open_stream(client)
        problem_of(answer, 429, ProblemCode.TOO_MANY_STREAMS)
        assert answer.headers["retry-after"] == "30"
        assert (await client.get("/orders")).status_code == 200
    async with asyncio.timeout(10):
        while (await _open_stream(client)).status_code != 200:
            await api.data.take(another(7001))


async def _open_stream(client: httpx.AsyncClient) -> httpx.Response:
    """The head of the answer, and the body of one that is no stream."""
    async with asyncio.timeout(10), client.stream("GET", "/changes") as answer:
        if answer.status_code != 200:
            await answer.aread()
        return answer


async def test_a_stream_ends_with_its_token(api: ApiBench) -> None:
    client = await api.reader()
    async with client.stream("GET", "/changes") as stream:
        lines = stream.aiter_lines()
        await _next_event(lines)
        await api.revoke()
        await api.data.take(another(7003))
        async with asyncio.timeout(10):
            assert [line async for line in lines if line.startswith("data")] == []
