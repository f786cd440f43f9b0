"""The services of a demonstration in containers of their own: they run already, and are watched over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import httpx
from prometheus_client.parser import text_string_to_metric_families
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_fixed

from services.engine.telemetry.families import UNPUBLISHED, WAITING
from services.settings.model import Settings

PATIENCE = 120.0


class Containers:
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
