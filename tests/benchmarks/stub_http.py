"""`python -m tests.benchmarks.stub_http {echo|catalogue N}`: an HTTP server that costs next to nothing.

`echo` answers every request at once with `{}`; `catalogue N` streams N items of a Balance catalogue as one JSON array.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from functools import partial

from tests.benchmarks.catalogue import catalogue

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
PIECE = 64 * 1024
Answer = Callable[[asyncio.Transport], None]


class Stub(asyncio.Protocol):
    """Reads requests just far enough to know where they end."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._seen = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._seen += data
        while (size := request_size(self._seen)) is not None:
            self._seen = self._seen[size:]
            self._answer(self._transport)  # type: ignore[arg-type]


def request_size(seen: bytes) -> int | None:
    """The bytes of the first request; None while it is not complete."""
    head, found, _ = seen.partition(b"\r\n\r\n")
    if not found:
        return None
    length = next((line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), b":0")
    size = len(head) + 4 + int(length.partition(b":")[2])
    return size if len(seen) >= size else None


def echo(transport: asyncio.Transport) -> None:
    """An answer that says nothing."""
    transport.write(HEAD % 2 + b"{}")


def whole(body: bytes, transport: asyncio.Transport) -> None:
    """A large answer, in pieces, as a network would bring it."""
    transport.write(HEAD % len(body))
    for start in range(0, len(body), PIECE):
        transport.write(body[start : start + PIECE])


async def serve(answer: Answer) -> None:
    """Serve until standard input ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(partial(Stub, answer), "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.close()


def main(kind: str, count: str = "0") -> None:
    """Serve one kind of answer."""
    asyncio.run(serve(partial(whole, catalogue(int(count))) if kind == "catalogue" else echo))


if __name__ == "__main__":
    main(*sys.argv[1:])
