"""What the tests of the publisher share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import func, select

from contracts.envelope import Envelope
from contracts.model import Event
from services.engine.kafka.connection import create_producer
from services.engine.kafka.publisher import RenewableProducer
from services.engine.state.tables import events
from tests.kafka.topics import Topics, eventually
from tests.outbox.bench import Bench
from tests.outbox.sample_service import NAME


@asynccontextmanager
async def open_producer(topics: Topics) -> AsyncIterator[RenewableProducer]:
    """Open a producer while the context lasts."""
    sender = RenewableProducer(lambda: create_producer(topics.settings, NAME))
    await sender.start()
    try:
        yield sender
    finally:
        await sender.stop()


async def waiting_events(bench: Bench) -> int:
    """The number of events that wait for the publisher."""
    async with bench.database.read() as connection:
        return await connection.scalar(select(func.count()).select_from(events)) or 0


async def wait_until_empty(bench: Bench) -> None:
    """Wait until the outbox is empty."""

    async def empty() -> bool:
        return await waiting_events(bench) == 0

    await eventually(empty, "all events are published")


def versions(envelopes: list[Envelope[Event]], key: str) -> list[int]:
    """The versions of one key, in the order of the topic."""
    return [each.sequence for each in envelopes if each.data.key == key]
