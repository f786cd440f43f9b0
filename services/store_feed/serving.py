"""Serving the receiver of webhooks over HTTP."""

from __future__ import annotations

from services.engine.runtime import serving
from services.settings.model import ReceiverSettings
from services.store_feed.webhook import Receiver


async def serve(app: Receiver, settings: ReceiverSettings) -> None:
    """Serve until cancelled; deliveries under way are answered first. Raises `CannotListen`."""
    await serving.serve(app, serving.Address(settings.host, settings.port, what="webhooks", section="receiver"))
