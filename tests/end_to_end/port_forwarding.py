"""A port that is forwarded to Kafka on demand: until then nobody listens there."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


def free_port() -> int:
    """A port where nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@asynccontextmanager
async def forward_port(port: int, to: str) -> AsyncIterator[None]:
    """Pass connections on to the first of some bootstrap servers; Kafka then names its own address."""
    host, _, number = to.partition(",")[0].rpartition(":")

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, forth = await asyncio.open_connection(host, int(number))
        await asyncio.gather(_pass(reader, forth), _pass(back, writer))

    async with await asyncio.start_server(take, "127.0.0.1", port):
        yield


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while part := await reader.read(65536):
            writer.write(part)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()
