"""`python -m tests.benchmarks.stub_books MILLISECONDS`: a Balance that keeps Sales, and costs next to nothing.

A PUT is kept and echoed, a GET by uid gives what is kept, else "Not Found"; each answer comes after so many
milliseconds.
"""

from __future__ import annotations

import asyncio
import sys
from functools import partial

import orjson

from tests.benchmarks.stub_http import request_size

HEAD = b"HTTP/1.1 %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
Kept = dict[bytes, bytes]


class Books(asyncio.Protocol):
    """One connection: requests come one after the other."""

    def __init__(self, kept: Kept, seconds: float) -> None:
        self._kept, self._seconds, self._seen = kept, seconds, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._seen += data
        while (size := request_size(self._seen)) is not None:
            request, self._seen = self._seen[:size], self._seen[size:]
            answer = answered(request, self._kept)
            if self._seconds:
                asyncio.get_running_loop().call_later(self._seconds, self._transport.write, answer)  # type: ignore[attr-defined]
            else:
                self._transport.write(answer)  # type: ignore[attr-defined]


def answered(request: bytes, kept: Kept) -> bytes:
    """What Balance answers to a request."""
    head, _, body = request.partition(b"\r\n\r\n")
    if head.startswith(b"PUT"):
        kept[orjson.loads(body)[0]["uid"].encode()] = body
        return HEAD % (b"200 OK", len(body)) + body
    uid = head.partition(b"uid=")[2][:36]
    if uid in kept:
        return HEAD % (b"200 OK", len(kept[uid])) + kept[uid]
    return HEAD % (b"404 Not Found", 9) + b"Not Found"


async def serve(seconds: float) -> None:
    """Serve until standard input ends."""
    kept: Kept = {}
    server = await asyncio.get_running_loop().create_server(partial(Books, kept, seconds), "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]) / 1000))
