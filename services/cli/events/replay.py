"""Publish exported events again, to topics with another prefix or, if confirmed, to the live topics.

Ids, versions, keys, headers, values and times are unchanged, so consumers that compare versions ignore the repetition.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from aiokafka import AIOKafkaProducer

from contracts.topics import BY_NAME
from services.cli.events.records import InvalidExportLine, parse_line
from services.engine.kafka.connection import create_producer
from services.engine.kafka.record import Record
from services.engine.kafka.topics import create_topics
from services.settings.model import KafkaSettings

BATCH_SIZE = 1000
DEFAULT_PREFIX = "replay."
"""The topic prefix of a replay if none is given."""
CLOSE_TIMEOUT = 10.0
"""Seconds for closing the connection; without it the producer would wait forever for a broker that is down."""


class ReplayUnconfirmed(Exception):
    """The outcome of a replay is unknown."""


class ReplayRefused(Exception):
    """The replay was not started; the message states why."""


def choose_prefix(live: str, prefix: str | None, *, into_live: bool, yes: bool) -> str:
    """The topic prefix to publish to. Raises `ReplayRefused` if the live topics are meant but not confirmed."""
    chosen = live if into_live and prefix is None else DEFAULT_PREFIX if prefix is None else prefix
    if chosen != live:
        if into_live:
            raise ReplayRefused(
                f"--into-live means the prefix {live!r}; remove either --prefix {chosen!r} or --into-live"
            )
        return chosen
    if not (into_live and yes):
        raise ReplayRefused(f"{live!r} is the prefix of the live topics, which every service and subscriber reads. "
                          "To publish there, add --into-live --yes")  # fmt: skip
    return chosen


def read_export(path: Path) -> Iterator[Record]:
    """Yield the records of an export file. Raises `InvalidExportLine` with the line number."""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                yield _check_topic(parse_line(line))
            except InvalidExportLine as error:
                raise InvalidExportLine(f"{path}, line {number} {error}; nothing was published") from None


def _check_topic(record: Record) -> Record:
    if record.topic not in BY_NAME:
        raise InvalidExportLine(f"has the topic {record.topic!r}, which is not a Davtari topic")
    return record


async def replay_export(settings: KafkaSettings, path: Path, prefix: str) -> Counter[str]:
    """Publish an export. Returns the number of records by topic. Missing topics with another prefix are created.

    Every line is parsed before the first is sent. An interrupted replay may be repeated: it publishes the same events.
    Raises `InvalidExportLine`, `ReplayUnconfirmed`.
    """
    counts = Counter(record.topic for record in read_export(path))
    if prefix != settings.topic_prefix:
        await create_topics(settings.model_copy(update={"topic_prefix": prefix}))
    try:
        await _publish_all(settings, read_export(path), prefix)
    except TimeoutError:
        raise ReplayUnconfirmed(
            f"No acknowledgement from Kafka within {settings.send_timeout:g} s: it is unknown how much of {path} was "
            "published. Rerun the same command: it publishes the same events"
        ) from None
    return counts


async def _publish_all(settings: KafkaSettings, found: Iterator[Record], prefix: str) -> None:
    sender = create_producer(settings, "replay")
    try:
        await sender.start()
        await _publish(sender, found, prefix, settings.send_timeout)
    finally:
        async with asyncio.timeout(CLOSE_TIMEOUT):
            await sender.stop()


async def _publish(sender: AIOKafkaProducer, found: Iterator[Record], prefix: str, timeout: float) -> None:
    while some := list(islice(found, BATCH_SIZE)):
        async with asyncio.timeout(timeout):
            await _publish_batch(sender, some, prefix)


async def _publish_batch(sender: AIOKafkaProducer, some: Sequence[Record], prefix: str) -> None:
    sent = [await _send(sender, record, prefix) for record in some]
    await asyncio.gather(*sent)


async def _send(sender: AIOKafkaProducer, record: Record, prefix: str) -> asyncio.Future[object]:
    future: asyncio.Future[object] = await sender.send(
        prefix + record.topic,
        value=record.value,
        key=record.key,
        headers=list(record.headers),
        timestamp_ms=record.timestamp,
    )
    return future
