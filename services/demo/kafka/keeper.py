"""Keeps one broker up in a process of its own, for several processes to share."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import orjson

from services.demo.kafka.choice import broker
from services.demo.kafka.running import Broker, BrokerError, BrokerKind

WATCH_SECONDS = 0.5


async def keep(state: Path, owner: int, kind: BrokerKind | None = None, data: Path | None = None) -> None:
    """Hold a broker until SIGTERM, SIGINT, or the end of the process `owner`.

    `state` then holds the broker as JSON, and exists exactly as long as the broker does. When there is none to be had
    it holds `{"error": ...}` and stays.
    """
    try:
        async with broker(kind, data) as running:
            await _hold(running, state, _until_told(owner))
    except BrokerError as error:
        _write(state, {"error": str(error)})
        raise
    _remove(state)


async def _hold(running: Broker, state: Path, end: Awaitable[None]) -> None:
    _write(state, {name: getattr(running, name) for name in ("bootstrap_servers", "kind", "description")})
    await end


async def _until_told(owner: int) -> None:
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    while _alive(owner) and not told.is_set():
        try:
            await asyncio.wait_for(told.wait(), WATCH_SECONDS)
        except TimeoutError:
            continue


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def _remove(path: Path) -> None:
    path.unlink()


def _write(path: Path, content: dict[str, Any]) -> None:
    part = path.with_suffix(".part")
    part.write_bytes(orjson.dumps(content))
    part.replace(path)
