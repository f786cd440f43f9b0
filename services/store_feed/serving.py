"""Serving the receiver of webhooks over HTTP."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from services.shared.settings.model import ReceiverSettings
from services.store_feed.webhook import Receiver

GRACE = 5
"""Seconds that deliveries under way are given when the service stops."""


class CannotListen(Exception):
    """The receiver's address cannot be used; the message says which setting to change."""


async def serve(app: Receiver, settings: ReceiverSettings) -> None:
    """Serve until cancelled; deliveries under way are answered first. Raises `CannotListen`."""
    with _listening(settings) as listener:
        server = _Quiet(_config(app))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            await asyncio.shield(serving)
        finally:
            server.should_exit = True
            await serving


@contextmanager
def _listening(settings: ReceiverSettings) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        listener = socket.create_server((settings.host, settings.port), family=family, backlog=2048)
    except OSError as error:
        where = f"{settings.host}:{settings.port}"
        fix = "set receiver.host and receiver.port to an address of this machine that is free"
        raise CannotListen(f"webhooks cannot be taken at {where} ({error.strerror}); {fix}") from error
    with listener:
        yield listener


def _config(app: Receiver) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        lifespan="off",
        timeout_keep_alive=60,
        timeout_graceful_shutdown=GRACE,
    )


class _Quiet(uvicorn.Server):
    """A server inside a service: the process' own signal handling stays in charge."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
