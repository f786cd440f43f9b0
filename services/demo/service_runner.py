"""The services of the demonstration: as tasks of this process, or in containers that are already running."""

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
    """Starts and stops the services of the demonstration."""

    async def start(self, settings: Settings) -> None:
        """Start the services with these settings and wait until each has caught up."""

    async def stop(self) -> None:
        """Stop the services; deliveries in progress are finished first."""

    async def waiting(self, settings: Settings, service: str) -> int:
        """The number of waiting deliveries of a service."""

    async def busy(self, settings: Settings) -> bool:
        """Whether any service has something left to deliver or publish."""


class InProcessServices:
    """Services by name, each a task of this process."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = tuple(names)
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self, settings: Settings) -> None:
        """Start the services and wait until each has caught up."""
        ready = {name: asyncio.Event() for name in self._names}
        self._tasks += [
            asyncio.create_task(supervise(name, settings_of(name, settings), event)) for name, event in ready.items()
        ]
        await asyncio.gather(*[event.wait() for event in ready.values()])

    async def stop(self) -> None:
        """Stop the services; deliveries in progress are finished first."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def waiting(self, settings: Settings, service: str) -> int:
        """The number of waiting deliveries, from the service's state database."""
        found = {one.service: one for one in await read_service_statuses(settings)}[service]
        return sum(waiting.count for waiting in found.waiting or ())

    async def busy(self, settings: Settings) -> bool:
        """Whether any service has something left to read, deliver or publish."""
        return any(one.lag or one.waiting or one.unpublished for one in await read_service_statuses(settings))


def settings_of(service: str, settings: Settings) -> Settings:
    """The settings with the service's own Kafka user, whose password is beside that of the present user."""
    kafka = settings.kafka
    if kafka.password_file is None:
        return settings
    user = f"davtari-{service}"
    own = kafka.model_copy(update={"user_name": user, "password_file": kafka.password_file.with_name(user)})
    return settings.model_copy(update={"kafka": own})


@asynccontextmanager
async def run_services(names: Iterable[str] = tuple(SERVICES)) -> AsyncIterator[InProcessServices]:
    """Provide services in this process that are stopped when the context closes."""
    made = InProcessServices(names)
    try:
        yield made
    finally:
        await made.stop()


PATIENCE = 120.0


class ContainerServices:
    """Services by name; `pattern` gives the address of their health and metrics, e.g. `http://{service}:9464`."""

    def __init__(self, pattern: str, names: Iterable[str], client: httpx.AsyncClient) -> None:
        self._pattern, self._names, self._client = pattern, tuple(names), client

    async def start(self, settings: Settings) -> None:
        """Wait until each container is ready. Containers already have their settings."""
        await asyncio.gather(*[self._ready(name) for name in self._names])

    async def stop(self) -> None:
        """No-op: this process does not own the containers."""

    async def waiting(self, settings: Settings, service: str) -> int:
        """The number of waiting deliveries, from the service's metrics."""
        return int(await self._sum(service, {WAITING.name}))

    async def busy(self, settings: Settings) -> bool:
        """Whether the metrics of any service show something left to deliver or publish."""
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
