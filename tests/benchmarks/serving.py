"""A real service in a benchmark: on Kafka, from the moment when it has caught up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from contracts.envelope import headers, value, wrap
from contracts.model import Event
from services.engine.kafka.connection import create_producer
from services.engine.runtime.blueprint import Blueprint
from services.engine.runtime.service import Service
from services.settings.model import KafkaSettings, Settings
from tests.benchmarks.given import NOW


@asynccontextmanager
async def serving(blueprint: Blueprint, settings: Settings, patience: float = 60.0) -> AsyncIterator[Service]:
    """The service, which ends with the block. Raises `TimeoutError` when it does not catch up in time."""
    service = Service(blueprint, settings)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(service.run())
        async with asyncio.timeout(patience):
            await service.ready.wait()
        yield service
        running.cancel()


def on_kafka(settings: Settings, kafka: KafkaSettings, folder: Path) -> Settings:
    """The same settings with these topics, and state databases in this folder."""
    state = settings.state.model_copy(update={"directory": folder})
    return settings.model_copy(update={"kafka": kafka, "state": state})


async def publish(kafka: KafkaSettings, events: Iterable[Event]) -> int:
    """Put first versions of facts into their topics; gives how many."""
    sender, count = create_producer(kafka, "bench"), 0
    await sender.start()
    for event in events:
        fact = wrap(event, version=1, source="bench", time=NOW)
        await sender.send(kafka.topic_prefix + event.TOPIC, value(fact), event.key.encode(), headers=headers(fact))
        count += 1
    await sender.stop()
    return count
