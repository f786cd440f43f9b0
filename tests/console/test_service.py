"""The console as a running service on a real Kafka: it catches up, shows how far it is, and goes on after a restart."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from contracts.envelope import headers, value, wrap
from contracts.model import Event
from services.console.model.handlers import KINDS, SERVICE, TOPICS, handlers
from services.console.model.progress import LogEnds
from services.console.queries.freshness import Freshness, read_freshness
from services.console.queries.orders import OrderFilter, search_orders
from services.demo.kafka import Broker
from services.engine.kafka.connection import create_producer
from services.engine.kafka.topics import create_topics
from services.engine.runtime.blueprint import Blueprint
from services.engine.runtime.service import Service
from services.settings.kafka import KafkaSettings
from services.settings.model import Settings
from tests.support.exporting import PAID, line, order, recorded_sale, settings
from tests.support.signing import with_keys

BOUGHT = order(line(1, "20.00"))


def settings_for(kafka: KafkaSettings, folder: Path) -> Settings:
    """Settings with this broker and folder."""
    using = with_keys(kafka)
    return using.model_copy(update={"state": using.state.model_copy(update={"directory": folder})})


async def publish(kafka: KafkaSettings, *events: Event) -> None:
    """Write events as services do."""
    sender = create_producer(kafka, "a-service")
    await sender.start()
    for event in events:
        envelope = wrap(event, version=1, source="a-service", time=PAID)
        topic = kafka.topic_prefix + event.TOPIC
        await sender.send(topic, value(envelope), event.key.encode(), headers=headers(envelope))
    await sender.stop()


@asynccontextmanager
async def running(using: Settings) -> AsyncIterator[tuple[Service, LogEnds]]:
    """The service without pages; the context begins when it has caught up."""
    ends = LogEnds(using.kafka, TOPICS)
    service = Service(Blueprint(SERVICE, handlers(settings()), "", early_tasks=[ends.watch], kinds=KINDS), using)
    run, ready = asyncio.create_task(service.run()), asyncio.create_task(service.ready.wait())
    try:
        await asyncio.wait([run, ready], timeout=60, return_when=asyncio.FIRST_COMPLETED)
        assert ready.done(), run
        yield service, ends
    finally:
        run.cancel()
        ready.cancel()
        await asyncio.wait([run, ready])


async def ask(service: Service, question: Any, *values: Any) -> Any:
    assert service.running
    async with service.running.engine.database.read() as connection:
        return await question(connection, *values)


async def read_to_the_end(service: Service, ends: LogEnds) -> Freshness:
    """How far it has read, once Kafka has reported where the topics end."""
    await asyncio.wait_for(ends.known.wait(), 30)
    found: Freshness = await ask(service, read_freshness, ends.ends)
    return found


@pytest.mark.claim("I16")
@pytest.mark.kafka
async def test_it_catches_up_and_goes_on_after_a_restart(tmp_path: Path, kafka: Broker, topic_prefix: str) -> None:
    broker = KafkaSettings(bootstrap_servers=kafka.bootstrap_servers, topic_prefix=topic_prefix)
    using = settings_for(broker, tmp_path)
    await create_topics(broker)
    await publish(broker, BOUGHT)
    async with running(using) as (service, ends):
        found = await read_to_the_end(service, ends)
        assert (found.as_of, found.behind, found.share) == (PAID, 0, 1.0)
        assert [one.state for one in (await ask(service, search_orders, OrderFilter())).items] == ["due"]
    await publish(broker, recorded_sale(BOUGHT, settings()))
    async with running(using) as (service, _):
        assert [one.state for one in (await ask(service, search_orders, OrderFilter())).items] == ["in the books"]
