"""What arrives on a connection, kept until it is asked for; the network is held back while too much of it waits."""

from __future__ import annotations

import asyncio

FULL = 256 * 1024
"""Bytes that may wait unread before the network is held back."""


class Arrivals(asyncio.Protocol):
    """What one connection has received, for one reader; and whether its writer may go on."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport
        self._waiting, self._ended, self._held_back = bytearray(), False, False
        self._lost: Exception | None = None
        self._arrived: asyncio.Future[None] | None = None
        self._room: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]  # TCP and TLS give no other

    def data_received(self, data: bytes) -> None:
        self._waiting += data
        if len(self._waiting) > FULL:
            self._hold_back(True)
        _wake(self._arrived)

    def eof_received(self) -> None:
        self._ended = True
        _wake(self._arrived)

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended, self._lost = True, exc
        _wake(self._arrived)
        _wake(self._room)

    def pause_writing(self) -> None:
        self._room = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        _wake(self._room)
        self._room = None

    @property
    def readable(self) -> bool:
        """Whether there is something to read, be it the end."""
        return bool(self._waiting) or self._ended

    async def taken(self, most: int) -> bytes:
        """At most so many bytes, once there are any; none at the end. Raises the `OSError` that broke it off."""
        if not self.readable:
            self._arrived = asyncio.get_running_loop().create_future()
            await self._arrived
        if not self._waiting and self._lost is not None:
            raise self._lost
        found = bytes(self._waiting[:most])
        del self._waiting[:most]
        if self._held_back and len(self._waiting) <= FULL:
            self._hold_back(False)
        return found

    async def room(self) -> None:
        """Wait until more may be written. Raises `OSError` when nothing can be written any more."""
        if self._room is not None:
            await self._room
        if self.transport.is_closing():
            raise self._lost or ConnectionResetError("the connection is closed")

    def _hold_back(self, held: bool) -> None:
        self._held_back = held
        (self.transport.pause_reading if held else self.transport.resume_reading)()


def _wake(waiter: asyncio.Future[None] | None) -> None:
    if waiter is not None and not waiter.done():
        waiter.set_result(None)
