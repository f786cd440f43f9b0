"""Bodies of webhooks, bounded in size, in time, and together in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

LARGEST = 5 * 1024 * 1024
"""The largest accepted body in bytes; an order of a thousand lines has about one megabyte."""
SMALL = 64 * 1024
"""Bytes up to which a body is read at once. Nearly every order is smaller."""
LARGE_AT_A_TIME = 2
"""Larger bodies wait for their turn, so a client that sends many of them delays only those."""
SECONDS = 10.0
"""For one body, its turn included. WooCommerce gives up after five seconds."""

Receive = Callable[[], Awaitable[Mapping[str, Any]]]


class BodyTooLarge(Exception):
    """The body is larger than allowed."""


class BodyTooSlow(Exception):
    """The body did not arrive in time."""


class SenderDisconnected(Exception):
    """The client closed the connection before its body was complete."""


class Bodies:
    """Reads the bodies of one server."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._large = asyncio.Semaphore(LARGE_AT_A_TIME)

    async def read(self, receive: Receive, declared: int | None, largest: int = LARGEST) -> bytes:
        """Return one body. `declared` is its Content-Length, `largest` its limit in bytes.

        Raises `BodyTooLarge`, `BodyTooSlow` and `SenderDisconnected`.
        """
        if declared is not None and declared > largest:
            raise BodyTooLarge
        try:
            async with asyncio.timeout(self._seconds), self._turn(min(largest, declared or largest)):
                return await _read(receive, largest)
        except TimeoutError:
            raise BodyTooSlow from None

    @asynccontextmanager
    async def _turn(self, size: int) -> AsyncIterator[None]:
        if size <= SMALL:
            yield
        else:
            async with self._large:
                yield


async def _read(receive: Receive, largest: int) -> bytes:
    body, more = bytearray(), True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise SenderDisconnected
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > largest:
            raise BodyTooLarge
    return bytes(body)
