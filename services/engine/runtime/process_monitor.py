"""Monitors all services of a process (health, readings, whether the event loop moves), and serves what it finds."""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from services.engine.clock import Clock, utc_now
from services.engine.runtime.service import Service
from services.engine.runtime.service_monitor import ServiceMonitor
from services.engine.runtime.serving import ListenAddress, serve
from services.engine.telemetry.families import READY, MetricReading
from services.engine.telemetry.metrics import LOOP_LAG, render_metrics
from services.settings.model import TelemetrySettings

BEAT_INTERVAL = 1.0
"""Seconds between two beats."""
STOPPED_AFTER = 30.0
"""Seconds without a beat after which the event loop counts as stopped."""
REFRESH_INTERVAL, FIRST_REFRESH_INTERVAL = 10.0, 1.0
"""Seconds between two looks at the lag: as a rule, and until every service has been asked once."""
PROCESS = "process"
"""The name under which faults of the whole process are reported."""


class Heartbeat:
    """Measures the event loop until cancelled."""

    def __init__(self) -> None:
        self.last = time.monotonic()

    async def run(self) -> None:
        """Beat; each beat records by how much it was late."""
        while True:
            due = time.monotonic() + BEAT_INTERVAL
            await asyncio.sleep(BEAT_INTERVAL)
            self.last = time.monotonic()
            LOOP_LAG.set(max(0.0, self.last - due))

    def faults(self, now: float) -> list[str]:
        """Why the loop counts as stopped; `now` is of a monotonic clock."""
        silent = now - self.last
        return [f"the event loop has not moved for {silent:.0f} s"] if silent > STOPPED_AFTER else []


@dataclass(frozen=True, slots=True)
class Health:
    """The faults of each service."""

    faults: dict[str, list[str]]

    @property
    def ok(self) -> bool:
        """Whether there is no fault."""
        return not any(self.faults.values())


class ProcessMonitor:
    """Monitors the services of a process by their names: one that does not run is not ready."""

    def __init__(self, names: Iterable[str], patience: float, clock: Clock = utc_now) -> None:
        self._monitors: dict[str, ServiceMonitor | None] = dict.fromkeys(names)
        self._patience, self._clock = patience, clock
        self._heartbeat = Heartbeat()

    @contextmanager
    def watch_service(self, service: Service) -> Iterator[None]:
        """Monitor a service while the block runs."""
        name = service.blueprint.name
        self._monitors[name] = ServiceMonitor(service, self._patience)
        try:
            yield
        finally:
            self._monitors[name] = None

    async def run(self) -> None:
        """Beat, and refresh at intervals, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._heartbeat.run())
            tasks.create_task(self._refresh_forever())

    async def _refresh_forever(self) -> None:
        while True:
            await self.refresh()
            known = all(monitor and monitor.has_asked_kafka for monitor in self._monitors.values())
            await asyncio.sleep(REFRESH_INTERVAL if known else FIRST_REFRESH_INTERVAL)

    async def refresh(self) -> None:
        """Read the lag of every service."""
        await asyncio.gather(*[monitor.refresh() for monitor in self._monitors.values() if monitor])

    def live(self) -> Health:
        """Whether this process makes progress; if not, restarting it helps."""
        faults = {name: monitor.liveness_faults() if monitor else [] for name, monitor in self._monitors.items()}
        return Health({PROCESS: self._heartbeat.faults(time.monotonic()), **faults})

    async def ready(self) -> Health:
        """Whether every service works."""
        return Health({name: await _readiness_faults(monitor) for name, monitor in self._monitors.items()})

    async def readings(self) -> list[MetricReading]:
        """The present readings of all services."""
        now, found = self._clock(), list[MetricReading]()
        for name, monitor in self._monitors.items():
            found += await monitor.readings(now) if monitor else [MetricReading(READY, (name,), 0.0)]
        return found


async def _readiness_faults(monitor: ServiceMonitor | None) -> list[str]:
    if monitor is None:
        return ["it does not run: it is starting, or restarting after a failure"]
    return await monitor.readiness_faults()


OK, UNAVAILABLE = 200, 503


def create_app(monitor: ProcessMonitor, token: SecretStr | None = None) -> Starlette:
    """`/livez`, `/readyz` and `/metrics`. They name services, topics and lanes, but no person and no secret.

    With a token, only a reader that sends it (`Authorization: Bearer …`) gets an answer.
    """

    async def livez(_: Request) -> Response:
        return _health_response(monitor.live(), "live")

    async def readyz(_: Request) -> Response:
        return _health_response(await monitor.ready(), "ready")

    async def metrics(_: Request) -> Response:
        return Response(render_metrics(await monitor.readings()), media_type=CONTENT_TYPE_LATEST)

    routes = [Route("/livez", livez), Route("/readyz", readyz), Route("/metrics", metrics)]
    return Starlette(routes=routes, middleware=[Middleware(TokenRequired, token=token)] if token else [])


class TokenRequired:
    """Answers 401 to whoever does not send the token."""

    def __init__(self, app: ASGIApp, token: SecretStr) -> None:
        self._app, self._wanted = app, f"Bearer {token.get_secret_value()}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sent = dict(scope.get("headers", ())).get(b"authorization", b"")
        refusal = Response("a token is needed", 401, {"www-authenticate": "Bearer"})
        await (self._app if hmac.compare_digest(sent, self._wanted) else refusal)(scope, receive, send)


def _health_response(health: Health, word: str) -> Response:
    """200 or 503, and the faults of each service."""
    services = {name: {word: not reasons, "reasons": reasons} for name, reasons in health.faults.items()}
    return JSONResponse({word: health.ok, "services": services}, OK if health.ok else UNAVAILABLE)


async def serve_telemetry(monitor: ProcessMonitor, settings: TelemetrySettings, port: int | None) -> None:
    """Monitor and serve health and metrics until cancelled; without a port, nothing.

    Raises `CannotListen` and `SecretMissing`.
    """
    if port is None:
        return
    app = create_app(monitor, settings.token())
    address = ListenAddress(settings.host, port, what="health and metrics", section="telemetry")
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(monitor.run())
        tasks.create_task(serve(app, address))
