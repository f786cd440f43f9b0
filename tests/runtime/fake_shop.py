"""A fake shop over HTTP: answers whether an item was written, and counts the writes of each item."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


class FakeShop:
    """`writes` counts the writes of each item. A write takes a little time before and after it is stored."""

    def __init__(self, rng: Random) -> None:
        self.writes: Counter[str] = Counter()
        self._rng = rng

    def app(self) -> Starlette:
        """The HTTP application."""
        path = "/stock/{item}"
        return Starlette(routes=[Route(path, self._get), Route(path, self._post, methods=["POST"])])

    async def _get(self, request: Request) -> Response:
        return JSONResponse({}, status_code=200 if request.path_params["item"] in self.writes else 404)

    async def _post(self, request: Request) -> Response:
        await asyncio.sleep(self._rng.uniform(0, 0.01))
        self.writes[request.path_params["item"]] += 1
        await asyncio.sleep(self._rng.uniform(0, 0.02))
        return JSONResponse({}, status_code=201)


@asynccontextmanager
async def serve_shop(shop: FakeShop) -> AsyncIterator[str]:
    """Serve the shop while the context lasts; yields its address."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(shop.app(), log_level="error", lifespan="off"))
        task = asyncio.create_task(server.serve([listening]))
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            await task
