"""The shelf over HTTP: tells whether something stands there, and counts how often each thing was put."""

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


class ShelfStub:
    """`put` counts the writes of each key. A write takes a little time before and after it stands."""

    def __init__(self, rng: Random) -> None:
        self.put: Counter[str] = Counter()
        self._rng = rng

    def app(self) -> Starlette:
        """The HTTP application."""
        path = "/shelf/{key}"
        return Starlette(routes=[Route(path, self._get), Route(path, self._post, methods=["POST"])])

    async def _get(self, request: Request) -> Response:
        return JSONResponse({}, status_code=200 if request.path_params["key"] in self.put else 404)

    async def _post(self, request: Request) -> Response:
        await asyncio.sleep(self._rng.uniform(0, 0.01))
        self.put[request.path_params["key"]] += 1
        await asyncio.sleep(self._rng.uniform(0, 0.02))
        return JSONResponse({}, status_code=201)


@asynccontextmanager
async def serving(stub: ShelfStub) -> AsyncIterator[str]:
    """The stub's address, for as long as the context lasts."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(stub.app(), log_level="error", lifespan="off"))
        task = asyncio.create_task(server.serve([listening]))
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            await task
