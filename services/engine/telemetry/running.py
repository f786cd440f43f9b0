"""Telemetry of a process for as long as its services run."""

from __future__ import annotations

import asyncio

from services.engine.runtime.serving import ListenAddress, serve
from services.engine.telemetry.board import Board
from services.engine.telemetry.pages import pages
from services.settings.model import TelemetrySettings


async def watch(board: Board, settings: TelemetrySettings, port: int | None) -> None:
    """Watch and serve health and metrics until cancelled; nothing at all without a port. Raises `CannotListen`."""
    if port is None:
        return
    address = ListenAddress(settings.host, port, what="health and metrics", section="telemetry")
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(board.run())
        tasks.create_task(serve(pages(board), address))
