"""The HTTP server of the receiver, inside the service: its own socket, closed when the service stops."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from services.shared.settings.model import ReceiverSettings
from services.store_feed.webhook import Receiver


class AddressTaken(Exception):
    """The receiver cannot listen where the settings say."""


class _Server(uvicorn.Server):
    """A server inside a service: the process' own signal handling stays in charge."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(receiver: Receiver, settings: ReceiverSettings) -> None:
    """Take webhooks until cancelled; requests under way are answered first. Raises `AddressTaken`."""
    config = uvicorn.Config(
        receiver, log_level="warning", access_log=False, lifespan="off", timeout_graceful_shutdown=5
    )
    server = _Server(config)
    with _listening(settings) as listener:
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            await asyncio.shield(serving)
        except asyncio.CancelledError:
            server.should_exit = True
            await serving
            raise


@contextmanager
def _listening(settings: ReceiverSettings) -> Iterator[socket.socket]:
    try:
        listener = socket.create_server((settings.host, settings.port), backlog=2048)
    except OSError as error:
        raise AddressTaken(
            f"webhooks cannot be received at {settings.host}:{settings.port} ({error.strerror}): "
            "choose another receiver.port, or stop what listens there"
        ) from None
    with listener:
        yield listener
