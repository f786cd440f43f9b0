"""`/livez`, `/readyz` and `/metrics`. They name services, topics and lanes, but no person and no secret."""

from __future__ import annotations

import asyncio

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.engine.runtime.process_monitor import Health, ProcessMonitor
from services.engine.runtime.serving import ListenAddress, serve
from services.engine.telemetry.metrics import render_metrics
from services.settings.model import TelemetrySettings

OK, UNAVAILABLE = 200, 503


def create_app(monitor: ProcessMonitor) -> Starlette:
    """The web application for the health and metrics of a process."""

    async def livez(_: Request) -> Response:
        return _health_response(monitor.live(), "live")

    async def readyz(_: Request) -> Response:
        return _health_response(await monitor.ready(), "ready")

    async def metrics(_: Request) -> Response:
        return Response(render_metrics(await monitor.readings()), media_type=CONTENT_TYPE_LATEST)

    return Starlette(routes=[Route("/livez", livez), Route("/readyz", readyz), Route("/metrics", metrics)])


def _health_response(health: Health, word: str) -> Response:
    """200 or 503, and the faults of each service."""
    services = {name: {word: not reasons, "reasons": reasons} for name, reasons in health.faults.items()}
    return JSONResponse({word: health.ok, "services": services}, OK if health.ok else UNAVAILABLE)


async def serve_telemetry(monitor: ProcessMonitor, settings: TelemetrySettings, port: int | None) -> None:
    """Monitor and serve health and metrics until cancelled; without a port, nothing. Raises `CannotListen`."""
    if port is None:
        return
    address = ListenAddress(settings.host, port, what="health and metrics", section="telemetry")
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(monitor.run())
        tasks.create_task(serve(create_app(monitor), address))
