"""The services of a demonstration, run in this process, started and stopped together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Protocol

import httpx
from prometheus_client.parser import text_string_to_metric_families
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_fixed

from services.cli.registry import SERVICES
from services.cli.run import supervise
from services.cli.service_status import read_service_statuses
from services.engine.telemetry.families import UNPUBLISHED, WAITING
from services.settings.model import Settings


class ServiceRunner(Protocol):
    """The services that the story is played with."""

    async def start(self, settings: Settings) -> None:
        """Have the services run, with these settings, and wait until each has read what is known."""

    async def stop(self) -> None:
        """Have them stop; what is under way is finished first."""

    async def waiting(self, settings: Settings, service: str) -> int:
        """How many deliveries of a service wait."""

    async def busy(self, settings: Settings) -> bool:
        """Whether any service has still something to deliver or to publish."""


class InProcessServices:
    """Services by name, each a task of this process."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = tuple(names)
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self, settings: Settings) -> None:
        """Start services and wait until each has read what is known."""
        ready = {name: asyncio.Event() for name in self._names}
        self._tasks += [asyncio.create_task(supervise(name, settings, event)) for name, event in ready.items()]
        await asyncio.gather(*[event.wait() for event in ready.values()])

    async def stop(self) -> None:
        """Stop services; what is under way is finished first."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def waiting(self, settings: Settings, service: str) -> int:
        """How many deliveries of a service wait, by its state database."""
        found = {one.service: one for one in await read_service_statuses(settings)}[service]
        return sum(waiting.count for waiting in found.waiting or ())

    async def busy(self, settings: Settings) -> bool:
        """Whether any service has something to read, to deliver or to publish."""
        return any(one.lag or one.waiting or one.unpublished for one in await read_service_statuses(settings))


@asynccontextmanager
async def run_services(names: Iterable[str] = tuple(SERVICES)) -> AsyncIterator[InProcessServices]:
    """A crew that is stopped at the end."""
    made = InProcessServices(names)
    try:
        yield made
    finally:
        await made.stop()


# The services of a demonstration in containers of their own: they run already, and are watched over HTTP.

PATIENCE = 120.0


class ContainerServices:
    """Services by name; `pattern` gives the address of their health and metrics, e.g. `http://{service}:9464`."""

    def __init__(self, pattern: str, names: Iterable[str], client: httpx.AsyncClient) -> None:
        self._pattern, self._names, self._client = pattern, tuple(names), client

    async def start(self, settings: Settings) -> None:
        """Wait until each is ready: whoever started the containers gave them their settings."""
        await asyncio.gather(*[self._ready(name) for name in self._names])

    async def stop(self) -> None:
        """Nothing: they are not this process' to stop."""

    async def waiting(self, settings: Settings, service: str) -> int:
        """How many deliveries of a service wait, by its metrics."""
        return int(await self._sum(service, {WAITING.name}))

    async def busy(self, settings: Settings) -> bool:
        """Whether the metrics of any service show something to deliver or to publish."""
        sums = [self._sum(name, {WAITING.name, UNPUBLISHED.name}) for name in self._names]
        return any(await asyncio.gather(*sums))

    async def _ready(self, service: str) -> None:
        trying = AsyncRetrying(
            wait=wait_fixed(0.5),
            stop=stop_after_delay(PATIENCE),
            retry=retry_if_exception_type(httpx.HTTPError),
            reraise=True,
        )
        await trying(self._get, service, "readyz")

    async def _get(self, service: str, page: str) -> httpx.Response:
        return (await self._client.get(f"{self._pattern.format(service=service)}/{page}")).raise_for_status()

    async def _sum(self, service: str, names: set[str]) -> float:
        text = (await self._get(service, "metrics")).text
        families = text_string_to_metric_families(text)
        return sum(sample.value for family in families for sample in family.samples if sample.name in names)
