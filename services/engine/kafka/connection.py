"""Kafka clients: the options that keep data safe, in one place, since the libraries' defaults lose it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from tenacity import AsyncRetrying, RetryCallState, retry_if_result, stop_after_attempt, wait_fixed

from services.engine.kafka.availability import TopicsMissing, await_start
from services.engine.kafka.resilient import ResilientConsumer
from services.engine.kafka.security import client_options
from services.settings.kafka import KafkaSettings

MAX_REQUEST_BYTES = 16 * 1024 * 1024
"""Of one record before compression. A dead letter contains a record of up to 4 MiB in base64 and must get through:
events are published in order, so everything after it would wait."""
RETRY_MS = 300
"""Milliseconds that a long-lived client waits between two attempts to reach a broker."""
SESSION_SECONDS = 10.0
"""Seconds of silence after which Kafka removes a member from its group."""
Offsets = dict[TopicPartition, int]


class _Producer(AIOKafkaProducer):  # type: ignore[misc]
    """Starts within a bounded time, or raises an error that says what is wrong."""

    def __init__(self, settings: KafkaSettings, **options: Any) -> None:
        super().__init__(**client_options(settings), **options)
        self._settings = settings

    async def start(self) -> None:
        """Raises `KafkaUnreachable`."""
        await await_start(super().start(), self._settings)


class _Reader(ResilientConsumer):
    """Starts within a bounded time, then keeps the partitions it has.

    A missing topic is reported at once: aiokafka would wait for it, and then report that Kafka does not answer.

    Outside a group, aiokafka assigns partitions again with each change of the metadata. A topic that a busy broker
    omits once, as happens with new ones, would not be read for minutes, and then from its start again.
    """

    def __init__(self, *topics: str, settings: KafkaSettings, **options: Any) -> None:
        super().__init__(*topics, **client_options(settings), **options)
        self._settings, self._topics = settings, topics

    async def start(self) -> None:
        """Raises `KafkaUnreachable` and `TopicsMissing`."""
        await check_topics(self._settings, self._topics)
        await await_start(super().start(), self._settings)
        if found := self.assignment():
            self.unsubscribe()
            self.assign(sorted(found))


def create_producer(settings: KafkaSettings, service: str) -> AIOKafkaProducer:
    """A producer whose acknowledged sends are kept: all replicas, idempotent, in order."""
    return _Producer(
        settings,
        client_id=f"davtari-{service}",
        acks="all",
        enable_idempotence=True,
        compression_type="gzip",
        linger_ms=5,
        retry_backoff_ms=RETRY_MS,
        max_batch_size=256 * 1024,
        max_request_size=MAX_REQUEST_BYTES,
    )


def consumer_options() -> dict[str, Any]:
    """The options of every group consumer. Kafka never resets a position: if the log has become shorter than what was
    read, reading on from elsewhere would hide it."""
    return {
        "auto_offset_reset": "none",
        "session_timeout_ms": int(SESSION_SECONDS * 1000),
        "heartbeat_interval_ms": 3_000,
        "max_poll_interval_ms": 600_000,
        "fetch_max_wait_ms": 1000,
    }


def create_reader(settings: KafkaSettings, topics: Iterable[str], wait_ms: int = 100) -> AIOKafkaConsumer:
    """A consumer of whole topics outside any group. `wait_ms`: how long a broker waits for new records."""
    return _Reader(
        *[settings.topic_prefix + topic for topic in topics],
        settings=settings,
        client_id="davtari-reader",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=wait_ms,
    )


@asynccontextmanager
async def open_partition_reader(
    settings: KafkaSettings, partitions: Collection[TopicPartition]
) -> AsyncIterator[AIOKafkaConsumer]:
    """A reader of these partitions, paused. Asked for offsets of topics that are not assigned, aiokafka would look up
    each of them separately, and wait each time."""
    consumer = create_reader(settings, ())
    try:
        await consumer.start()
        consumer.assign(list(partitions))
        consumer.pause(*partitions)
        yield consumer
    finally:
        await consumer.stop()


@asynccontextmanager
async def open_admin(settings: KafkaSettings) -> AsyncIterator[AIOKafkaAdminClient]:
    """An admin client, closed at the end. Raises `KafkaUnreachable`."""
    client = AIOKafkaAdminClient(**client_options(settings), client_id="davtari-admin", request_timeout_ms=30_000)
    try:
        await await_start(client.start(), settings)
        yield client
    finally:
        await client.close()


async def check_topics(settings: KafkaSettings, names: Iterable[str]) -> None:
    """Check that these topics, by full name, exist. Raises `KafkaUnreachable` and `TopicsMissing`."""
    wanted = list(names)
    async with open_admin(settings) as client:

        async def find_missing() -> list[str]:
            existing = set(await client.list_topics())
            return [name for name in wanted if name not in existing]

        # a topic that was just created is not in the metadata of every broker yet
        retrying = AsyncRetrying(
            stop=stop_after_attempt(4),
            wait=wait_fixed(0.5),
            retry=retry_if_result(bool),
            retry_error_callback=_last_result,
        )
        missing: list[str] = await retrying(find_missing)
        if missing:
            raise topics_missing_error(settings, missing)


def _last_result(state: RetryCallState) -> list[str]:
    result: list[str] = state.outcome.result() if state.outcome else []
    return result


def topics_missing_error(settings: KafkaSettings, names: Iterable[str]) -> TopicsMissing:
    """The error to raise when Kafka does not list these topics."""
    user = settings.user_name or "this client"
    return TopicsMissing(
        f"Kafka at {settings.bootstrap_servers} lists no topic {', '.join(names)}",
        f"Run davtari topics create, correct kafka.topic-prefix, or allow {user} to describe the topics (ops/acl)",
    )


async def read_last_offsets(settings: KafkaSettings, partitions: Collection[TopicPartition]) -> Offsets:
    """The offset after the last record of each partition; 0 for an empty one.

    An end offset can be larger: the markers of another program's transactions take offsets too but are never delivered
    to a consumer, so waiting for the end offset could take for ever.
    """
    async with open_partition_reader(settings, partitions) as consumer:
        starts, ends = await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)
        return dict.fromkeys(partitions, 0) | await _search_last_records(consumer, starts, ends)


async def read_end_offsets(settings: KafkaSettings, partitions: Collection[TopicPartition]) -> Offsets:
    """The end offset of each partition."""
    if not partitions:
        return {}
    async with open_partition_reader(settings, partitions) as consumer:
        found: Offsets = await consumer.end_offsets(partitions)
        return found


async def _search_last_records(consumer: AIOKafkaConsumer, starts: Offsets, ends: Offsets) -> Offsets:
    """Read at the last offset, and further back where nothing is found."""
    found: Offsets = {}
    left, back = {tp for tp in ends if ends[tp] > starts[tp]}, 1
    while left:
        found |= await _read_last_records(consumer, {tp: max(starts[tp], ends[tp] - back) for tp in left}, ends)
        left = {tp for tp in left if tp not in found and ends[tp] - back > starts[tp]}
        back *= 8
    return found


async def _read_last_records(consumer: AIOKafkaConsumer, start: Offsets, ends: Mapping[TopicPartition, int]) -> Offsets:
    found: Offsets = {}
    consumer.assign(list(start))
    for tp, offset in start.items():
        consumer.seek(tp, offset)
    while left := [tp for tp in start if await consumer.position(tp) < ends[tp]]:
        for tp, records in (await consumer.getmany(*left, timeout_ms=200)).items():
            found[tp] = records[-1].offset + 1
    return found
