"""Following topics: what was said since a moment, then what is said now."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from services.cli.events.filter import Filter
from services.cli.events.line import Heard
from services.cli.events.reading import first_since, listened, stand_at, topics_open
from services.settings.model import KafkaSettings


async def tail(settings: KafkaSettings, wanted: Filter, count: int | None = None) -> AsyncGenerator[Heard]:
    """The records that are wanted, without end, or the first `count` of them.

    It begins at the filter's `since`, or at the present end of the topics. Raises `NotThere`, `NoSuchName`.
    """
    async with topics_open(settings, wanted.reads) as consumer:
        ends = await consumer.end_offsets(consumer.assignment())
        stand_at(consumer, await first_since(consumer, wanted.since) if wanted.since else ends)
        seen = 0
        async for raw in consumer:
            one = listened(raw, settings.topic_prefix)
            if wanted.wants(one):
                yield one
                seen += 1
            if seen == count:
                return
