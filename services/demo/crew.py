"""The services of a demonstration, run in this process, started and stopped together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Protocol

from services.cli.registry import SERVICES
from services.cli.run import supervise
from services.cli.service_status import read_service_statuses
from services.settings.model import Settings


class Crew(Protocol):
    """The services that the story is played with."""

    async def start(self, settings: Settings) -> None:
        """Have the services run, with these settings, and wait until each has read what is known."""

    async def stop(self) -> None:
        """Have them stop; what is under way is finished first."""

    async def waiting(self, settings: Settings, service: str) -> int:
        """How many deliveries of a service wait."""

    async def busy(self, settings: Settings) -> bool:
        """Whether any service has still something to deliver or to publish."""


class OwnCrew:
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
async def crew(names: Iterable[str] = tuple(SERVICES)) -> AsyncIterator[OwnCrew]:
    """A crew that is stopped at the end."""
    made = OwnCrew(names)
    try:
        yield made
    finally:
        await made.stop()
