"""A Balance that answers what a test wants, and a client that speaks to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from services.connectors.balance.client import Balance
from services.engine.outbox.upstream_errors import UpstreamError
from services.settings.balance import BalanceSettings

NOON = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
ITEM = "11111111-aaaa-11ec-80d2-000c29409daa"
OTHER = "22222222-aaaa-11ec-80d2-000c29409daa"
MAIN = "33333333-aaaa-11ec-80d2-000c29409daa"
RETAIL = "44444444-aaaa-11ec-80d2-000c29409daa"
ZERO = "00000000-0000-0000-0000-000000000000"

Handler = Callable[[httpx.Request], httpx.Response]


def settings(**more: Any) -> BalanceSettings:
    """A cloud Balance; `dialect={"paging": ["Items"]}` and other settings by name."""
    known = {"application_id": "1234", "user_name": "ნინო@example.ge", "password_file": "password"}
    return BalanceSettings.model_validate(known | more)


async def at_once(_: float) -> None:
    """Replaces sleeping."""


def balance(handler: Handler, **more: Any) -> Balance:
    """A client whose requests go to `handler`."""
    return Balance(
        settings(**more),
        SecretStr("გა+სა#ღები"),
        transport=httpx.MockTransport(handler),
        clock=lambda: NOON,
        sleep=at_once,
    )


class Recorder:
    """Answers in turn, the last one again and again, and keeps what was asked."""

    def __init__(self, *answers: httpx.Response | type[httpx.RequestError]) -> None:
        self.answers, self.requests = list(answers), list[httpx.Request]()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers[min(len(self.requests), len(self.answers)) - 1]
        if isinstance(answer, httpx.Response):
            return answer
        raise answer("it went wrong", request=request)

    @property
    def queries(self) -> list[dict[str, str]]:
        """The parameters of each request."""
        return [dict(request.url.params) for request in self.requests]


class Chunks(httpx.AsyncByteStream):
    """A body that comes in pieces, made while it is read."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = pieces

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece


def breaks_after(*pieces: bytes) -> Iterator[bytes]:
    """A body whose connection breaks after these pieces."""
    yield from pieces
    raise httpx.ReadError("connection reset")


def json(body: Any, status: int = 200) -> httpx.Response:
    return httpx.Response(status, json=body)


async def every(rows: AsyncIterator[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row async for row in rows]


async def failure_of_items(handler: Handler, **more: Any) -> UpstreamError:
    """The error that reading all items ends with."""
    async with balance(handler, **more) as client:
        with pytest.raises(UpstreamError) as raised:
            await every(client.items())
    return raised.value


async def failure_of_put(handler: Handler, **more: Any) -> UpstreamError:
    """The error that writing a Sale ends with."""
    async with balance(handler, **more) as client:
        with pytest.raises(UpstreamError) as raised:
            await client.put_sale({"uid": ITEM})
    return raised.value
