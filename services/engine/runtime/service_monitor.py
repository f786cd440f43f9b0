"""Monitors one service: whether it is alive, whether it is ready, and its readings.

A consumer is stalled while a partition has lag and nothing in it has been processed for too long.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from aiokafka import TopicPartition
from sqlalchemy import select

from services.engine.clock import PROCESS_CLOCK_CHECK
from services.engine.kafka.connection import Offsets
from services.engine.kafka.consumer import Consumer
from services.engine.runtime.service import Service, ServiceParts
from services.engine.telemetry.families import BREAKER, LAG, READABLE, READY, STALLED, MetricReading
from services.engine.telemetry.state_readings import freshness_readings, state_readings


class PartitionProgress(NamedTuple):
    """How far a partition is processed, and where it ends: offsets of the next record."""

    done: int
    end: int

    @property
    def lag(self) -> int:
        """Records that are not processed."""
        return max(0, self.end - self.done)


@dataclass(slots=True)
class StallDetector:
    """Knows when each partition last moved. Times are seconds of a monotonic clock."""

    patience: float
    partitions: Mapping[TopicPartition, PartitionProgress] = field(default_factory=dict)
    _moved: dict[TopicPartition, float] = field(default_factory=dict)

    def update(self, partitions: Mapping[TopicPartition, PartitionProgress], now: float) -> None:
        """Take the present progress into account."""
        idle = {tp: at for tp, at in self._moved.items() if tp in partitions and self._is_idle(tp, partitions[tp])}
        self.partitions, self._moved = dict(partitions), dict.fromkeys(partitions, now) | idle

    def _is_idle(self, partition: TopicPartition, progress: PartitionProgress) -> bool:
        """Whether it has had records to process since the last update, and has processed none."""
        before = self.partitions[partition]
        return before.lag > 0 and progress.lag > 0 and progress.done == before.done

    def restart(self, now: float) -> None:
        """Count from now: while Kafka is down nothing can be processed, so that time does not count."""
        self._moved = dict.fromkeys(self._moved, now)

    def find_stalled(self, now: float) -> dict[TopicPartition, float]:
        """Partitions with lag that have not moved for longer than `patience`, with the seconds."""
        idle = {tp: now - at for tp, at in self._moved.items() if self.partitions[tp].lag}
        return {tp: seconds for tp, seconds in idle.items() if seconds > self.patience}


async def read_progress(consumer: Consumer) -> dict[TopicPartition, PartitionProgress]:
    """The progress of each partition that is assigned to the consumer. Raises `KafkaError`."""
    kafka = consumer.kafka
    assigned = kafka.assignment()
    ends: Offsets = await kafka.end_offsets(assigned) if assigned else {}
    behind = [tp for tp, end in ends.items() if consumer.next_offset(tp) < end]
    starts: Offsets = await kafka.beginning_offsets(behind) if behind else {}
    done = {tp: max(consumer.next_offset(tp), starts.get(tp, 0)) for tp in ends}
    return {tp: PartitionProgress(done[tp], end) for tp, end in ends.items()}


log = logging.getLogger(__name__)
TIMEOUT = 5.0
"""Seconds in which Kafka and the state database must answer."""
BREAKER_STATES = ("closed", "half-open", "open")


class ServiceMonitor:
    """Monitors a service that runs, or tries to. `patience`: seconds of lag without progress until it is not alive."""

    def __init__(self, service: Service, patience: float) -> None:
        self._service, self._name = service, service.blueprint.name
        self._stalls = StallDetector(patience)
        self._kafka_fault = "Kafka was not asked yet"
        self.has_asked_kafka = False

    async def refresh(self) -> None:
        """Ask Kafka how far the consumer is."""
        running = self._service.running
        if running is None:
            return
        self.has_asked_kafka = True
        try:
            async with asyncio.timeout(TIMEOUT):
                self._stalls.update(await read_progress(running.consumer), time.monotonic())
            self._kafka_fault = ""
        except Exception as error:  # whatever it is, monitoring must not end the service
            self._stalls.restart(time.monotonic())
            self._kafka_fault = f"Kafka does not answer: {type(error).__name__}"
            log.warning("the lag is not known", extra={"why": repr(error)})

    def liveness_faults(self) -> list[str]:
        """Why the process should be restarted: partitions with lag that do not move."""
        now, partitions = time.monotonic(), self._stalls.partitions
        return [
            f"{tp.topic}/{tp.partition} is at {partitions[tp].done} with {partitions[tp].lag} records to go, "
            f"nothing was processed for {seconds:.0f} s"
            for tp, seconds in sorted(self._stalls.find_stalled(now).items())
        ]

    async def readiness_faults(self) -> list[str]:
        """Why the service is not working yet, or not at the moment."""
        running = self._service.running
        waits = [why for why in self._service.waits.values() if why]
        if running is None:
            return waits or ["it has not joined Kafka and opened its state database yet"]
        faults = [self._kafka_fault, await _database_fault(running), self._catching_up(), *waits]
        if running.publisher.failures:
            faults.append(f"its events wait for Kafka: {running.publisher.why}")
        if PROCESS_CLOCK_CHECK.problem:
            faults.append(f"the clock of this machine is wrong: {PROCESS_CLOCK_CHECK.problem}")
        return [fault for fault in faults if fault]

    def _catching_up(self) -> str:
        if self._service.ready.is_set():
            return ""
        lag = sum(progress.lag for progress in self._stalls.partitions.values())
        return f"it is still catching up: {lag} records to go"

    async def readings(self, now: datetime) -> list[MetricReading]:
        """Everything that is measured at this moment."""
        ready = MetricReading(READY, (self._name,), float(not await self.readiness_faults()))
        running = self._service.running
        if running is None:
            return [ready]
        return [ready, *self._lag(), *self._breakers(running), *await self._database_readings(running, now)]

    async def _database_readings(self, running: ServiceParts, now: datetime) -> list[MetricReading]:
        """The readings of the state database, or that it cannot be read."""
        database, found = running.engine.database, list[MetricReading]()
        try:
            found += await state_readings(database, self._name, now)
            found += await freshness_readings(database, self._name, now)
            for read in self._service.blueprint.readings:
                found += await read(database, now)
        except Exception:  # one unreadable database must not hide the others
            log.exception("the state database cannot be measured", extra={"service": self._name})
            return [MetricReading(READABLE, (self._name,), 0.0)]
        return [MetricReading(READABLE, (self._name,), 1.0), *found]

    def _lag(self) -> Iterable[MetricReading]:
        prefix, lag = self._service.settings.kafka.topic_prefix, Counter[str]()
        for tp, progress in self._stalls.partitions.items():
            lag[tp.topic.removeprefix(prefix)] += progress.lag
        yield from (MetricReading(LAG, (self._name, topic), records) for topic, records in lag.items())
        yield MetricReading(STALLED, (self._name,), len(self._stalls.find_stalled(time.monotonic())))

    def _breakers(self, running: ServiceParts) -> Iterable[MetricReading]:
        now = time.monotonic()
        for relay in running.relays:
            state = relay.lane.breaker.state(now)
            for one in BREAKER_STATES:
                yield MetricReading(BREAKER, (self._name, relay.lane.name, one), float(one == state))


async def _database_fault(running: ServiceParts) -> str:
    try:
        async with asyncio.timeout(TIMEOUT), running.engine.database.read() as connection:
            await connection.execute(select(1))
    except Exception as error:  # any error is the answer
        return f"its state database does not answer: {type(error).__name__}"
    failure = running.engine.database.failure
    return f"nothing can be written to its state database: {failure}" if failure else ""
