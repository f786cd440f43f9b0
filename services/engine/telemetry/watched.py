"""One service as it is watched: whether it is alive, whether it is ready, and its readings."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select

from services.engine.clock import PROCESS_CLOCK_CHECK
from services.engine.runtime.service import Service, ServiceParts
from services.engine.telemetry.families import BREAKER, LAG, READABLE, READY, STALLED, Reading
from services.engine.telemetry.figures import figures
from services.engine.telemetry.freshness import freshness
from services.engine.telemetry.places import Places
from services.engine.telemetry.progress import Progress

log = logging.getLogger(__name__)
PATIENCE = 5.0
"""Seconds in which Kafka and the state database must answer a look."""
BREAKER_STATES = ("closed", "half-open", "open")


class Watched:
    """Looks at a service that runs, or tries to. `patience`: seconds of lag without progress until it is not alive."""

    def __init__(self, service: Service, patience: float) -> None:
        self._service, self._name = service, service.blueprint.name
        self._progress = Progress(patience)
        self._places: Places | None = None
        self._broker = "Kafka was not asked yet"

    @property
    def looked_at(self) -> bool:
        """Whether Kafka was asked at least once."""
        return self._places is not None

    async def look(self) -> None:
        """Ask Kafka how far the consumer is."""
        running = self._service.running
        if running is None:
            return
        self._places = self._places or Places(running.consumer)
        try:
            async with asyncio.timeout(PATIENCE):
                self._progress.seen(await self._places.look(), time.monotonic())
            self._broker = ""
        except Exception as error:  # whatever it is, watching must not end the service
            self._progress.unseen(time.monotonic())
            self._broker = f"Kafka does not answer: {type(error).__name__}"
            log.warning("lag is not known", extra={"why": repr(error)})

    def not_alive(self) -> list[str]:
        """Why the process should be started again: partitions with lag that do not move."""
        now, places = time.monotonic(), self._progress.places
        return [
            f"{tp.topic}/{tp.partition} stands at {places[tp].done} with {places[tp].lag} records to go, "
            f"nothing was processed for {seconds:.0f} s"
            for tp, seconds in sorted(self._progress.stalled(now).items())
        ]

    async def not_ready(self) -> list[str]:
        """Why the service does not do its work yet, or does not now."""
        running = self._service.running
        waits = [why for why in self._service.waits.values() if why]
        if running is None:
            return waits or ["it has not joined Kafka and opened its state database yet"]
        faults = [self._broker, await _database_fault(running), self._catching_up(), *waits]
        if running.publisher.failures:
            faults.append(f"its events wait for Kafka: {running.publisher.why}")
        if PROCESS_CLOCK_CHECK.problem:
            faults.append(f"the clock of this machine is not relied on: {PROCESS_CLOCK_CHECK.problem}")
        return [fault for fault in faults if fault]

    def _catching_up(self) -> str:
        if self._service.ready.is_set():
            return ""
        lag = sum(place.lag for place in self._progress.places.values())
        return f"it is still reading what is known: {lag} records to go"

    async def readings(self, now: datetime) -> list[Reading]:
        """Everything that is measured at this moment."""
        ready = Reading(READY, (self._name,), float(not await self.not_ready()))
        running = self._service.running
        if running is None:
            return [ready]
        return [ready, *self._lag(), *self._breakers(running), *await self._figures(running, now)]

    async def _figures(self, running: ServiceParts, now: datetime) -> list[Reading]:
        """What the state database says; when it cannot be read, that."""
        database, found = running.engine.database, list[Reading]()
        try:
            found += await figures(database, self._name, now)
            found += await freshness(database, self._name, now)
            for read in self._service.blueprint.readings:
                found += await read(database, now)
        except Exception:  # one database that cannot be read must not hide the others
            log.exception("the state database cannot be measured", extra={"service": self._name})
            return [Reading(READABLE, (self._name,), 0.0)]
        return [Reading(READABLE, (self._name,), 1.0), *found]

    def _lag(self) -> Iterable[Reading]:
        prefix, lag = self._service.settings.kafka.topic_prefix, Counter[str]()
        for tp, place in self._progress.places.items():
            lag[tp.topic.removeprefix(prefix)] += place.lag
        yield from (Reading(LAG, (self._name, topic), records) for topic, records in lag.items())
        yield Reading(STALLED, (self._name,), len(self._progress.stalled(time.monotonic())))

    def _breakers(self, running: ServiceParts) -> Iterable[Reading]:
        now = time.monotonic()
        for relay in running.relays:
            state = relay.lane.breaker.state(now)
            for one in BREAKER_STATES:
                yield Reading(BREAKER, (self._name, relay.lane.name, one), float(one == state))


async def _database_fault(running: ServiceParts) -> str:
    try:
        async with asyncio.timeout(PATIENCE), running.engine.database.read() as connection:
            await connection.execute(select(1))
    except Exception as error:  # that is what is asked
        return f"its state database does not answer: {type(error).__name__}"
    trouble = running.engine.database.failure
    return f"nothing can be written to its state database: {trouble}" if trouble else ""
