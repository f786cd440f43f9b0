"""Reads topics from the start to their present end, outside any group: for the command line and for checks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from aiokafka import AIOKafkaConsumer

from contracts.envelope import Envelope, Undecodable, decode
from contracts.model import Event
from services.engine.client.unreadable import note_unreadable
from services.engine.kafka.connection import create_reader
from services.engine.privacy.opener import open_opener
from services.settings.kafka import KafkaSettings

EVERYTHING: Mapping[str, datetime] = {}


async def read_events(
    settings: KafkaSettings,
    topics: Iterable[str],
    *,
    as_sealed: bool = False,
    since: Mapping[str, datetime] = EVERYTHING,
) -> AsyncIterator[Envelope[Event]]:
    """All valid events that are in the topics now, each partition in order.

    Their personal data is opened, unless `as_sealed`. `since`: topics that are read only from a moment on. A record
    that is not a valid event is skipped: `collect_unreadable` names it, and a service has a dead letter about it.
    """
    async with open_opener(settings) as opener, _reading(settings, topics) as consumer:
        await _skip(consumer, {settings.topic_prefix + topic: moment for topic, moment in since.items()})
        async for raw in _records(consumer):
            try:
                yield decode(raw.headers, raw.value if as_sealed else await opener.value(raw.value))
            except Undecodable as error:
                note_unreadable(f"{raw.topic}/{raw.partition}/{raw.offset}", str(error))


@asynccontextmanager
async def _reading(settings: KafkaSettings, topics: Iterable[str]) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = create_reader(settings, topics)
    try:
        await consumer.start()
        yield consumer
    finally:
        await consumer.stop()


async def _skip(consumer: AIOKafkaConsumer, since: Mapping[str, datetime]) -> None:
    """Begin later in some topics."""
    times = {tp: int(since[tp.topic].timestamp() * 1000) for tp in consumer.assignment() if tp.topic in since}
    if times:
        ends = await consumer.end_offsets(times)
        for tp, found in (await consumer.offsets_for_times(times)).items():
            consumer.seek(tp, found.offset if found else ends[tp])


async def _records(consumer: AIOKafkaConsumer) -> AsyncIterator[Any]:
    ends = await consumer.end_offsets(consumer.assignment())
    while left := [tp for tp, end in ends.items() if await consumer.position(tp) < end]:
        for records in (await consumer.getmany(*left, timeout_ms=500)).values():
            for record in records:
                yield record
