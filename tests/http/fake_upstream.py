"""An upstream that answers or fails as a test wants."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import httpx
import pytest

from contracts.reasons import Reason
from services.connectors.http.responses import UpstreamLabels
from services.connectors.http.upstream import Upstream
from services.engine.outbox.upstream_errors import UpstreamError

LABELS = UpstreamLabels("shop main", Reason.SHOP_REFUSED, "Renew the key", "Check the url")
URL = "https://shop.test/wp-json/wc/v3/products"
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)

Handler = Callable[[httpx.Request], httpx.Response]


class FakeSleep:
    """Replaces sleeping, and records the seconds of each wait."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


def upstream(handler: Handler, **more: object) -> Upstream:
    parts: dict[str, object] = {"sleep": FakeSleep(), "clock": lambda: NOON, **more}
    return Upstream(LABELS, transport=httpx.MockTransport(handler), **parts)  # type: ignore[arg-type]


async def failure(handler: Handler, *, writes: bool, **more: object) -> UpstreamError:
    async with upstream(handler, **more) as calls:
        with pytest.raises(UpstreamError) as raised:
            await calls.request("PUT" if writes else "GET", URL, writes=writes)
    return raised.value


def answers(status: int, body: str = "{}", **headers: str) -> Handler:
    return lambda request: httpx.Response(status, text=body, headers=headers)


def fails(error: type[httpx.RequestError]) -> Handler:
    def handler(request: httpx.Request) -> httpx.Response:
        raise error("it went wrong", request=request)

    return handler
