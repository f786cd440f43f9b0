"""How we talk to Kafka: the settings that keep data safe, in one place (the libraries' defaults lose it)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from tenacity import AsyncRetrying, RetryCallState, retry_if_result, stop_after_attempt, wait_fixed

from services.engine.kafka.reaching import TopicsMissing, bounded
from services.engine.kafka.security import access
from services.settings.kafka import KafkaSettings

LARGEST = 16 * 1024 * 1024
"""Bytes of one record before compression: a dead letter holds a record of up to 4 MiB in base64, and must get through,
since everything that is announced after it waits behind it."""

RETRY_MS = 300
"""How long a client that lasts waits between two attempts to reach a broker."""
SESSION_SECONDS = 10.0
"""Seconds after which Kafka gives up a member of a group that says nothing."""


class _Producer(AIOKafkaProducer):  # type: ignore[misc]
    """Starts within a bounded time, or says what is not there."""

    def __init__(self, settings: KafkaSettings, **options: Any) -> None:
        super().__init__(**access(settings), **options)
        self._settings = settings

    async def start(self) -> None:
        """Raises `KafkaUnreachable`."""
        await bounded(super().start(), self._settings)


class _Reader(AIOKafkaConsumer):  # type: ignore[misc]
    """Starts within a bounded time, or says what is not there; then it reads the same partitions to its end.

    A topic that is missing is named at once: aiokafka would wait for it, and then say that Kafka does not answer.

    Outside a group, aiokafka assigns anew with each change of the metadata: a topic that a busy broker leaves out once,
    as it does with new ones, would not be read for minutes, and then from its start again.
    """

    def __init__(self, *topics: str, settings: KafkaSettings, **options: Any) -> None:
        super().__init__(*topics, **access(settings), **options)
        self._settings, self._topics = settings, topics

    async def start(self) -> None:
        """Raises `KafkaUnreachable` and `TopicsMissing`."""
        await check_topics(self._settings, self._topics)
        await bounded(super().start(), self._settings)
        if found := self.assignment():
            self.unsubscribe()
            self.assign(sorted(found))


def producer(settings: KafkaSettings, service: str) -> AIOKafkaProducer:
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
        max_request_size=LARGEST,
    )


def consumer_options() -> dict[str, Any]:
    """What every group consumer is started with. Nothing moves its position but we: a log that has become shorter than
    what was read must not be read from anywhere else without a word."""
    return {
        "auto_offset_reset": "none",
        "session_timeout_ms": int(SESSION_SECONDS * 1000),
        "heartbeat_interval_ms": 3_000,
        "max_poll_interval_ms": 600_000,
        "fetch_max_wait_ms": 200,
    }


def reader(settings: KafkaSettings, topics: Iterable[str], wait_ms: int = 100) -> AIOKafkaConsumer:
    """A consumer of whole topics outside any group: it only looks. `wait_ms`: how long a broker waits for news."""
    return _Reader(
        *[settings.topic_prefix + topic for topic in topics],
        settings=settings,
        client_id="davtari-reader",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=wait_ms,
    )


@asynccontextmanager
async def admin(settings: KafkaSettings) -> AsyncIterator[AIOKafkaAdminClient]:
    """An administrator's connection, closed at the end. Raises `KafkaUnreachable`."""
    client = AIOKafkaAdminClient(**access(settings), client_id="davtari-admin", request_timeout_ms=30_000)
    try:
        await bounded(client.start(), settings)
        yield client
    finally:
        await client.close()


async def check_topics(settings: KafkaSettings, names: Iterable[str]) -> None:
    """Whether topics, by their full names, are there. Raises `KafkaUnreachable` and `TopicsMissing`."""
    wanted = list(names)
    async with admin(settings) as asked:

        async def missing() -> list[str]:
            known = set(await asked.list_topics())
            return [name for name in wanted if name not in known]

        # a topic that was created just now is not in the metadata of every broker yet
        trying = AsyncRetrying(
            stop=stop_after_attempt(4), wait=wait_fixed(0.5), retry=retry_if_result(bool), retry_error_callback=_last
        )
        gone: list[str] = await trying(missing)
        if gone:
            raise topics_missing(settings, gone)


def _last(state: RetryCallState) -> list[str]:
    result: list[str] = state.outcome.result() if state.outcome else []
    return result


def topics_missing(settings: KafkaSettings, names: Iterable[str]) -> TopicsMissing:
    """The error to raise when Kafka shows no such topics."""
    who = settings.user_name or "this client"
    told = f"Kafka at {settings.bootstrap_servers} shows no topic {', '.join(names)}"
    return TopicsMissing(
        told, f"davtari topics create; or correct kafka.topic-prefix, or let {who} describe them (ops/acl)"
    )
