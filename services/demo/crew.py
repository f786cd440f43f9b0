"""The services of a demonstration, run in this process, started and stopped one by one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from services.commands.registry import SERVICES
from services.commands.run import supervise
from services.shared.settings.model import Settings


class Crew:
    """Services by name, each a task."""

    def __init__(self) -> None:
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def start(self, settings: Settings, names: Iterable[str] = tuple(SERVICES)) -> None:
        """Start services and wait until each has read what is known."""
        ready = {name: asyncio.Event() for name in names}
        for name, event in ready.items():
            self._tasks[name] = asyncio.create_task(supervise(name, settings, event))
        await asyncio.gather(*[event.wait() for event in ready.values()])

    async def stop(self, names: Iterable[str] = tuple(SERVICES)) -> None:
        """Stop services; what is under way is finished first."""
        tasks = [self._tasks.pop(name) for name in names if name in self._tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def crew() -> AsyncIterator[Crew]:
    """A crew that is stopped at the end."""
    made = Crew()
    try:
        yield made
    finally:
        await made.stop()
