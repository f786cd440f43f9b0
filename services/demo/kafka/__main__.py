"""`python -m services.demo.kafka STATE`: keep a broker up for other processes, which find its address in STATE."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import orjson

from services.demo.kafka.broker import Broker, BrokerError, BrokerKind
from services.demo.kafka.choice import open_broker

# Keeps one broker up in a process of its own, for several processes to share.

WATCH_SECONDS = 0.5


async def keep_broker(state: Path, owner: int, kind: BrokerKind | None = None, data: Path | None = None) -> None:
    """Hold a broker until SIGTERM, SIGINT, or the end of the process `owner`.

    `state` then holds the broker as JSON, and exists exactly as long as the broker does. If no broker is available,
    it contains `{"error": ...}` and stays.
    """
    try:
        async with open_broker(kind, data) as running:
            await _hold(running, state, _until_stopped(owner))
    except BrokerError as error:
        _write(state, {"error": str(error)})
        raise
    _remove(state)


async def _hold(running: Broker, state: Path, end: Awaitable[None]) -> None:
    _write(state, {name: getattr(running, name) for name in ("bootstrap_servers", "kind", "description")})
    await end


async def _until_stopped(owner: int) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    while _is_alive(owner) and not stop.is_set():
        try:
            async with asyncio.timeout(WATCH_SECONDS):
                await stop.wait()
        except TimeoutError:
            continue


def _is_alive(process: int) -> bool:
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


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m services.demo.kafka", description=__doc__)
    arguments.add_argument("state", type=Path, help="file for the broker's address; it goes when the broker goes")
    arguments.add_argument("--owner", type=int, default=os.getppid(), help="end with this process (default: parent)")
    arguments.add_argument("--kind", help="only this kind: given, container or archives")
    arguments.add_argument("--data", type=Path, help="folder for what the node keeps")
    options = arguments.parse_args()
    try:
        asyncio.run(keep_broker(options.state, options.owner, options.kind, options.data))
    except BrokerError as error:
        sys.exit(f"broker: {error}")


main()
