"""Waiting for what other tasks and processes do."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from operator import not_

from tenacity import AsyncRetrying, retry_if_result, stop_after_delay, wait_fixed

SOON = 10.0


async def until(found: Callable[[], bool]) -> None:
    """Returns when it is so; raises `RetryError` when it is not so soon."""

    async def look() -> bool:
        return found()

    await AsyncRetrying(wait=wait_fixed(0.01), stop=stop_after_delay(SOON), retry=retry_if_result(not_))(look)


def free_port() -> int:
    """A port of this machine that nobody uses now."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


async def is_listening(port: int) -> bool:
    """Whether somebody takes connections there."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionError:
        return False
    writer.close()
    return True
