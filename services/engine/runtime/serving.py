"""Serves an ASGI app inside a service."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn

from services.engine.runtime.connections import KEEP_ALIVE_SECONDS, Connections

GRACE = 5
"""Seconds that running requests are given when the service stops."""

RECEIVE_BUFFER = 64 * 1024
"""Bytes that the kernel keeps for a connection, so the most that one read takes into memory."""


class CannotListen(Exception):
    """An address cannot be used; the message names the setting to change."""


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """Where something is served; `section` of the settings has its `host` and `port`."""

    host: str
    port: int
    what: str
    section: str

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


async def serve(app: Any, address: ListenAddress) -> None:
    """Serve until cancelled; running requests are answered first. Raises `CannotListen`."""
    with _listening(address) as listener:
        server = _EmbeddedServer(_config(app, Connections()))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            await asyncio.shield(serving)
        finally:
            server.should_exit = True
            await serving


@contextmanager
def _listening(address: ListenAddress) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        listener = socket.create_server((address.host, address.port), family=family, backlog=2048)
    except OSError as error:
        section = address.section
        fix = f"set {section}.host and {section}.port to a free address of this machine"
        raise CannotListen(f"{address.what} cannot be served at {address} ({error.strerror}); {fix}") from error
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)  # inherited by each connection
    with listener:
        yield listener


def _config(app: Any, connections: Connections) -> uvicorn.Config:
    return uvicorn.Config(
        connections.guard(app),
        http=connections.protocol(),
        proxy_headers=False,
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_keep_alive=int(KEEP_ALIVE_SECONDS),
        timeout_graceful_shutdown=GRACE,
    )


class _EmbeddedServer(uvicorn.Server):
    """A server that leaves the signals to the process."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
