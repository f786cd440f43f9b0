"""The batch consumer: FastStream runs the loop, we decode, make durable, and commit exactly what was made durable."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, cast

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage
from faststream.message import StreamMessage
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, wait_random_exponential

from services.shared.delivery.record import Record
from services.shared.messaging.connection import consumer_options
from services.shared.messaging.faststream_security import faststream_access
from services.shared.messaging.reaching import bounded
from services.shared.messaging.tails import tails
from services.shared.settings.kafka import KafkaSettings
from services.shared.state.trouble import is_corrupt, passing

log = logging.getLogger(__name__)
Take = Callable[[Sequence[Record]], Awaitable[None]]
Raw = tuple[ConsumerRecord[bytes, bytes], ...]


class Consumer:
    """Reads topics in a consumer group and hands each batch to `take`; commits after `take` has returned.

    `group` contains the generation of the state database, `instance` makes the membership static, so that a
    restarted service takes its partitions back at once.
    """

    def __init__(
        self, settings: KafkaSettings, topics: Iterable[str], group: str, instance: str, take: Take, at_once: int = 500
    ) -> None:
        self.settings, self._take = settings, take
        self.assignment = _Assignment()
        self.processed: dict[TopicPartition, int] = {}
        self.progress = asyncio.Event()
        self._stopping = False
        self._broker = KafkaBroker(
            settings.bootstrap_servers,
            client_id=f"davtari-{instance}",
            allow_auto_create_topics=False,
            security=faststream_access(settings),
            logger=logging.getLogger("davtari.faststream"),
            graceful_timeout=20.0,
        )
        self._subscriber = self._broker.subscriber(
            *[settings.topic_prefix + topic for topic in topics],
            group_id=group,
            group_instance_id=instance,
            batch=True,
            max_records=at_once,
            batch_timeout_ms=200,
            ack_policy=AckPolicy.MANUAL,
            parser=_raw_batch,
            decoder=_undecoded,
            listener=self.assignment,
            **consumer_options(),
        )
        self._subscriber(self._handle)

    async def start(self) -> None:
        """Join the group and begin to read. Raises `KafkaUnreachable`."""
        await bounded(self._broker.start(), self.settings)

    async def stop(self) -> None:
        """Leave off; a batch under way that is not durable will be read again."""
        self._stopping = True
        await self._broker.stop()

    @property
    def kafka(self) -> AIOKafkaConsumer:
        """The running aiokafka consumer."""
        return cast(AIOKafkaConsumer, self._subscriber.consumer)

    async def _handle(self, message: KafkaMessage) -> None:
        raw, message.raw_message = cast(Raw, message.raw_message), ()  # timers called off keep the message for minutes
        if self._stopping:  # a batch before this one may not be durable, and this commit would cover it
            return
        await self._taken([_record(record) for record in raw])
        offsets = {TopicPartition(record.topic, record.partition): record.offset + 1 for record in raw}
        self.processed.update(offsets)
        self.progress.set()
        await self.kafka.commit(offsets)

    async def _taken(self, records: Sequence[Record]) -> None:
        """Hand over, again for as long as the state database fails.

        Giving up would lose the batch: FastStream goes on with the next one, whose commit covers this one too. Not so
        when we stop, or when the database is corrupt: the new one reads the topics from the start, in another group.
        """
        trying = AsyncRetrying(
            wait=wait_random_exponential(multiplier=0.2, max=10),
            retry=retry_if_exception(lambda error: not (self._stopping or is_corrupt(error))),
            before_sleep=_told,
            reraise=True,
        )
        async for attempt in trying:
            with attempt:
                await self._take(records)


def _told(state: RetryCallState) -> None:
    """Say why a batch is not durable yet; what a person knows already needs no traceback."""
    error = state.outcome.exception() if state.outcome else None
    why = passing(error) if error else None
    told = {"why": why or repr(error), "failures": state.attempt_number}
    log.error("a batch is not durable and not committed yet", extra=told, exc_info=None if why else error)


async def _raw_batch(raw: Any) -> StreamMessage[Any]:
    """Take the records as they are: FastStream's own parser dies on null and non-UTF-8 headers, silently."""
    return _RawBatch(body=b"", raw_message=raw, headers={}, consumer=cast(Any, None))


class _RawBatch(KafkaMessage):
    """A batch that is neither acknowledged nor rejected by FastStream: offsets are committed explicitly."""

    async def ack(self) -> None:
        return

    async def nack(self) -> None:
        return

    async def reject(self) -> None:
        return


async def _undecoded(message: StreamMessage[Any]) -> Any:
    return message


def _record(raw: ConsumerRecord[bytes, bytes]) -> Record:
    return Record(
        topic=raw.topic,
        partition=raw.partition,
        offset=raw.offset,
        timestamp=raw.timestamp,
        key=raw.key,
        value=raw.value,
        headers=raw.headers,
    )


class _Assignment(ConsumerRebalanceListener):  # type: ignore[misc]
    """Tells when the group has given us our partitions."""

    def __init__(self) -> None:
        self.made = asyncio.Event()

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        log.info("partitions revoked", extra={"partitions": len(revoked)})

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        log.info("partitions assigned", extra={"partitions": len(assigned)})
        self.made.set()


async def catch_up(consumer: Consumer) -> None:
    """Return when everything that stood in the topics at the start has been processed (the catch-up gate)."""
    await consumer.assignment.made.wait()
    ends = {tp: end for tp, end in (await tails(consumer.settings, consumer.kafka.assignment())).items() if end}
    committed = await asyncio.gather(*[consumer.kafka.committed(tp) for tp in ends])
    done = {tp: offset or 0 for tp, offset in zip(ends, committed, strict=True)}
    while any((done | consumer.processed)[tp] < end for tp, end in ends.items()):
        consumer.progress.clear()
        await consumer.progress.wait()
