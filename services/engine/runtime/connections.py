"""Connections of an HTTP server, bounded in number and in the time until a request is complete.

A connection that waits for the head of a request costs memory and a file descriptor, and nothing else ends it. When
there are too many, the one that has waited longest is closed; a client that sends its request at once is never that.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

MOST = 512
"""Connections at a time, as many as fit into 10 MB."""
HEAD_SECONDS = 10.0
"""For the head of the first request of a connection."""
KEEP_ALIVE_SECONDS = 60.0
"""From an answer until the head of the next request is complete."""

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


@dataclass(slots=True)
class _Connection:
    transport: asyncio.Transport
    deadline: asyncio.TimerHandle | None


class Connections:
    """The open connections of one server, by the client's address."""

    def __init__(self, most: int = MOST, head_seconds: float = HEAD_SECONDS) -> None:
        self._most, self._head_seconds = most, head_seconds
        self._open: dict[Any, _Connection] = {}

    def add(self, transport: asyncio.Transport) -> None:
        """A client has connected. Of too many, the oldest one without a request gives way, else the oldest."""
        if len(self._open) >= self._most:
            connections = list(self._open.values())
            waiting = [one for one in connections if one.deadline is not None]
            (waiting or connections)[0].transport.abort()
        self._open[_client(transport)] = _Connection(transport, self._deadline(transport, self._head_seconds))

    def remove(self, transport: asyncio.Transport) -> None:
        """A connection has ended."""
        closed = self._open.pop(_client(transport), None)
        if closed and closed.deadline:
            closed.deadline.cancel()

    def guard(self, app: App) -> App:
        """The ASGI app, called only with requests of which it is certain where they end."""

        async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
            connection = self._open.get(scope.get("client"))
            if connection and connection.deadline:
                connection.deadline.cancel()
                connection.deadline = None
            await (_refuse(send) if _has_two_lengths(scope) else app(scope, receive, send))
            if connection and self._open.get(scope.get("client")) is connection:
                connection.deadline = self._deadline(connection.transport, KEEP_ALIVE_SECONDS)

        return guarded

    def protocol(self) -> type[asyncio.Protocol]:
        """The protocol for uvicorn that keeps this record."""
        connections = self

        class Bounded(H11Protocol):
            def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
                super().connection_made(transport)
                connections.add(transport)

            def connection_lost(self, exc: Exception | None) -> None:
                connections.remove(self.transport)
                super().connection_lost(exc)

        return Bounded

    def _deadline(self, transport: asyncio.Transport, seconds: float) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(seconds, transport.abort)


def _client(transport: asyncio.Transport) -> Any:
    address = transport.get_extra_info("peername")
    return tuple(address[:2]) if address else None


def _has_two_lengths(scope: Scope) -> bool:
    """Whether a request says its length in two ways, which a proxy may read differently (request smuggling)."""
    names = [name for name, _ in scope.get("headers", ())]
    return b"transfer-encoding" in names and b"content-length" in names


async def _refuse(send: Send) -> None:
    body = json.dumps({"error": "a request has either Content-Length or Transfer-Encoding"}).encode()
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 400, "headers": headers})
    await send({"type": "http.response.body", "body": body})
