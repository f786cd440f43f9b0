"""One request's channel between client and app, which a fault can listen on, mute or cut."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable, Iterable

from starlette.types import Message, Receive, Scope, Send

from services.sandbox.journal import Entry

AT_ONCE = struct.pack("ii", 1, 0)  # SO_LINGER on, zero seconds: closing sends a reset


class ConnectionCut(ConnectionResetError):
    """The connection was cut without an answer, and there was no socket to cut."""


class Wire:
    """One request's channel: counts its body, notes its answer's status, and can cut the connection."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, entry: Entry) -> None:
        self.scope = scope
        self.entry = entry
        self._receive = receive
        self._send = send
        self._gone = False

    async def receive(self) -> Message:
        """The next piece of the request."""
        message = await self._receive()
        self.entry.bytes += len(message.get("body", b""))
        self._gone = message["type"] == "http.disconnect"
        return message

    async def send(self, message: Message) -> None:
        """Sends a piece of the answer."""
        if message["type"] == "http.response.start":
            self.entry.status = message["status"]
        await self._send(message)

    def at_most(self, keep: int) -> Send:
        """A `send` that lets through the head and the first `keep` bytes of the body, and never ends the answer."""

        async def send(message: Message) -> None:
            nonlocal keep
            if message["type"] == "http.response.body":
                body = message.get("body", b"")[:keep]
                keep -= len(body)
                message = {"type": "http.response.body", "body": body, "more_body": True}
            await self.send(message)

        return send

    def rewritten(self, rewrite: Callable[[bytes], bytes]) -> Send:
        """A `send` that keeps the answer back until it is whole, and then sends it with another body."""
        pieces: list[bytes] = []
        head: Message = {}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                head.update(message)
                return
            pieces.append(message.get("body", b""))
            if not message.get("more_body"):
                body = rewrite(b"".join(pieces))
                await self.send({**head, "headers": _with_length(head["headers"], len(body))})
                await self.send({"type": "http.response.body", "body": body})

        return send

    async def silence(self, seconds: float) -> None:
        """Waits until the client has left, at most `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                await self._client_left()
        except TimeoutError:
            return

    async def cut(self) -> None:
        """Cuts the connection; raises ConnectionCut where there is no socket."""
        transport = self.scope.get("state", {}).get("transport")
        if transport is None:
            raise ConnectionCut(f"the sandbox cut {self.scope['method']} {self.scope['path']} ({self.entry.fault})")
        reset(transport)
        await self._client_left()

    async def _client_left(self) -> None:
        while not self._gone:
            await self.receive()


def _with_length(headers: Iterable[tuple[bytes, bytes]], length: int) -> list[tuple[bytes, bytes]]:
    kept = [(name, value) for name, value in headers if name.lower() != b"content-length"]
    return [*kept, (b"content-length", str(length).encode())]


async def swallow(message: Message) -> None:
    """A `send` that nobody hears."""


def reset(transport: asyncio.Transport) -> None:
    """Closes a connection with a TCP reset, unless an answer is on its way: that much is let out first."""
    if transport.is_closing():
        return
    if transport.get_write_buffer_size() == 0 and (peer := transport.get_extra_info("socket")) is not None:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
    transport.abort()
