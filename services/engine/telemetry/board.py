"""All services of this process: their health, and their readings."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from services.engine.clock import Clock, utc_now
from services.engine.runtime.service import Service
from services.engine.telemetry.families import READY, Reading
from services.engine.telemetry.heartbeat import Heartbeat
from services.engine.telemetry.watched import Watched

EVERY, SOON = 10.0, 1.0
"""Seconds between two looks at the lag: as a rule, and while a service has just been started."""
PROCESS = "process"
"""Under this name stands what concerns all services of the process."""


@dataclass(frozen=True, slots=True)
class Health:
    """Why something is not well, by service; with no fault at all it is."""

    faults: dict[str, list[str]]

    @property
    def well(self) -> bool:
        """Whether nothing is at fault."""
        return not any(self.faults.values())


class Board:
    """Watches the services of a process, named beforehand: one that does not run is not ready."""

    def __init__(self, names: Iterable[str], patience: float, clock: Clock = utc_now) -> None:
        self._watched: dict[str, Watched | None] = dict.fromkeys(names)
        self._patience, self._clock = patience, clock
        self._heartbeat = Heartbeat()

    @contextmanager
    def watching(self, service: Service) -> Iterator[None]:
        """Watch a service while the block runs."""
        name = service.blueprint.name
        self._watched[name] = Watched(service, self._patience)
        try:
            yield
        finally:
            self._watched[name] = None

    async def run(self) -> None:
        """Beat, and look at the lag from time to time, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._heartbeat.run())
            tasks.create_task(self._look_on())

    async def _look_on(self) -> None:
        while True:
            await self.look()
            known = all(watched and watched.looked_at for watched in self._watched.values())
            await asyncio.sleep(EVERY if known else SOON)

    async def look(self) -> None:
        """Look at the lag of every service."""
        await asyncio.gather(*[watched.look() for watched in self._watched.values() if watched])

    def live(self) -> Health:
        """Whether this process gets on; if not, starting it again is what helps."""
        faults = {name: watched.not_alive() if watched else [] for name, watched in self._watched.items()}
        return Health({PROCESS: self._heartbeat.faults(time.monotonic()), **faults})

    async def ready(self) -> Health:
        """Whether every service does its work."""
        return Health({name: await _not_ready(watched) for name, watched in self._watched.items()})

    async def readings(self) -> list[Reading]:
        """What is measured now, of all services."""
        now, found = self._clock(), list[Reading]()
        for name, watched in self._watched.items():
            found += await watched.readings(now) if watched else [Reading(READY, (name,), 0.0)]
        return found


async def _not_ready(watched: Watched | None) -> list[str]:
    if watched is None:
        return ["it does not run; it is being started, or started again after a failure"]
    return await watched.not_ready()
