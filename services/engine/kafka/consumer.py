"""The batch consumer: FastStream runs the loop; a batch and the positions it reaches become durable together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, cast

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage
from faststream.message import StreamMessage
from faststream.security import BaseSecurity, SASLPlaintext, SASLScram256, SASLScram512
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, wait_random_exponential

from services.engine.clock import PROCESS_CLOCK_CHECK
from services.engine.kafka.availability import await_start
from services.engine.kafka.connection import RETRY_MS, consumer_options, read_last_offsets
from services.engine.kafka.record import Record, from_aiokafka, positions_after
from services.engine.kafka.resilient import ResilientConsumer
from services.engine.kafka.security import tls_context
from services.engine.state.errors import describe_temporary_failure, is_corrupt
from services.engine.state.store import Partition, Position
from services.settings.kafka import KafkaSettings

log = logging.getLogger(__name__)
TakeBatch = Callable[[Sequence[Record]], Awaitable[None]]
"""Makes a batch durable, together with the positions after it."""
RawBatch = tuple[ConsumerRecord[bytes, bytes], ...]
COMMIT_TIMEOUT = 5.0
"""Seconds that a batch waits for its commit to Kafka, on which nothing depends."""
REJOIN_DELAY = 1.0
"""Seconds until the consumer joins the group again to get partitions that it has not been assigned."""
_MECHANISMS = {"PLAIN": SASLPlaintext, "SCRAM-SHA-256": SASLScram256, "SCRAM-SHA-512": SASLScram512}


class Consumer:
    """Reads topics in a consumer group and passes each batch to `take`.

    It reads on from `positions`, which `take` makes durable together with the batch; a partition without a position is
    read from its beginning. Offsets are committed to Kafka only to show the lag. `instance` makes the membership
    static, so that a restarted service gets its partitions back at once.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        topics: Iterable[str],
        group: str,
        instance: str,
        take: TakeBatch,
        positions: Mapping[Partition, Position],
        max_records: int = 500,
        client_id: str = "davtari-consumer",
    ) -> None:
        self.settings, self._take = settings, take
        self.positions: dict[Partition, Position] = dict(positions)
        self.assignment = _Assignment(self._take_over)
        self.on_rebalance: Callable[[], None] = lambda: None
        self.progress = asyncio.Event()
        self._stopping = False
        self._broker = KafkaBroker(
            settings.bootstrap_servers,
            client_id=client_id,
            allow_auto_create_topics=False,
            retry_backoff_ms=RETRY_MS,
            security=faststream_security(settings),
            logger=logging.getLogger("davtari.faststream"),
            graceful_timeout=20.0,
        )
        self._subscriber = self._broker.subscriber(
            *[settings.topic_prefix + topic for topic in topics],
            group_id=group,
            group_instance_id=instance,
            batch=True,
            max_records=max_records,
            batch_timeout_ms=1000,
            ack_policy=AckPolicy.MANUAL,
            parser=_keep_raw,
            decoder=_skip_decoding,
            listener=self.assignment,
            **consumer_options(),
        )
        self._subscriber(self._handle)

    async def start(self) -> None:
        """Join the group and start reading. Raises `KafkaUnreachable`."""
        await await_start(self._start(), self.settings)

    async def _start(self) -> None:
        await self._broker.connect()
        config = self._broker.config.broker_config
        config.builder = partial(ResilientConsumer, **cast("partial[AIOKafkaConsumer]", config.builder).keywords)
        await self._broker.start()

    async def stop(self) -> None:
        """Stop; a batch in progress that is not durable will be read again."""
        self._stopping = True
        await self._broker.stop()

    @property
    def kafka(self) -> AIOKafkaConsumer:
        """The running aiokafka consumer."""
        return cast(AIOKafkaConsumer, self._subscriber.consumer)

    def next_offset(self, partition: Partition) -> int:
        """The offset that is read next; 0 for a partition that has not been read yet."""
        position = self.positions.get(partition)
        return position.next_offset if position else 0

    async def _take_over(self, assigned: Collection[TopicPartition]) -> bool:
        """Seek in newly assigned partitions; returns whether these are all partitions of the topics.

        A static member that comes back gets its former partitions, even if there are more by now.
        """
        self.on_rebalance()
        await self._seek(assigned)
        topics = self._subscriber.topic_names
        existing = {TopicPartition(topic, n) for topic in topics for n in self.kafka.partitions_for_topic(topic) or ()}
        if missing := existing - set(assigned):
            log.warning("the group has not assigned all partitions; joining again", extra={"partitions": len(missing)})
            asyncio.get_running_loop().call_later(REJOIN_DELAY, self._rejoin)
        return not missing

    def _rejoin(self) -> None:
        """Join the group again as the same member: partitions are assigned as they are now."""
        if not self._stopping:
            self.kafka.subscribe(self._subscriber.topic_names, listener=self.assignment)

    async def _seek(self, assigned: Collection[TopicPartition]) -> None:
        """Read on from the positions of the state database, whatever was committed to Kafka."""
        for tp in assigned:
            if tp in self.positions:
                self.kafka.seek(tp, self.next_offset(tp))
        if fresh := [tp for tp in assigned if tp not in self.positions]:
            await self.kafka.seek_to_beginning(*fresh)

    async def _handle(self, message: KafkaMessage) -> None:
        # cancelled timers would keep the message, and its records, in memory for minutes
        raw, message.raw_message = cast(RawBatch, message.raw_message), ()
        if self._stopping:  # an earlier batch may not be durable, and this position would skip it
            return
        records = [from_aiokafka(one) for one in raw if one.offset >= self.next_offset((one.topic, one.partition))]
        if records:  # otherwise the batch was read twice: before and after a rebalance
            await self._make_durable(records)
            self.positions |= positions_after(records)
            PROCESS_CLOCK_CHECK.compare_record("Kafka", max(record.timestamp for record in records))
        self.progress.set()
        await self._commit({TopicPartition(one.topic, one.partition): one.offset + 1 for one in raw})

    async def commit_positions(self) -> None:
        """Commit the positions of this state to Kafka: an older state may have been further."""
        await self._commit({tp: self.next_offset(tp) for tp in self.kafka.assignment()})

    async def _commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Commit, so that tools can show the lag; nothing reads these offsets."""
        try:
            async with asyncio.timeout(COMMIT_TIMEOUT):
                await self.kafka.commit(dict(offsets))
        except (KafkaError, TimeoutError) as error:
            log.info("offsets were not committed; tools show a wrong lag", extra={"why": repr(error)})

    async def _make_durable(self, records: Sequence[Record]) -> None:
        """Pass the batch on, again and again while the state database fails.

        Giving up would lose it: FastStream continues with the next batch, whose positions include this one. It is given
        up when the consumer stops, or when the database is corrupt: a new one reads the topics from the start.
        """
        retrying = AsyncRetrying(
            wait=wait_random_exponential(multiplier=0.2, max=10),
            retry=retry_if_exception(lambda error: not (self._stopping or is_corrupt(error))),
            before_sleep=_log_failure,
            reraise=True,
        )
        async for attempt in retrying:
            with attempt:
                await self._take(records)


def faststream_security(settings: KafkaSettings) -> BaseSecurity:
    """TLS and SASL for FastStream. Raises `SecretMissing`, and `SettingsError` for an unusable certificate."""
    context = tls_context(settings) if settings.uses_tls else None
    if not settings.uses_sasl:
        return BaseSecurity(ssl_context=context)
    password = settings.password().get_secret_value()
    return _MECHANISMS[settings.sasl_mechanism](str(settings.user_name), password, ssl_context=context)


def _log_failure(state: RetryCallState) -> None:
    """Log why a batch is not durable yet; a known, passing error needs no traceback."""
    error = state.outcome.exception() if state.outcome else None
    why = describe_temporary_failure(error) if error else None
    extra = {"why": why or repr(error), "failures": state.attempt_number}
    log.error("a batch is not durable yet", extra=extra, exc_info=None if why else error)


async def _keep_raw(raw: Any) -> StreamMessage[Any]:
    """Keep the records as they are: FastStream's own parser fails silently on null and non-UTF-8 headers."""
    return _UnacknowledgedBatch(body=b"", raw_message=raw, headers={}, consumer=cast(Any, None))


class _UnacknowledgedBatch(KafkaMessage):
    """A batch that FastStream neither acknowledges nor rejects: offsets are committed explicitly."""

    async def ack(self) -> None:
        return

    async def nack(self) -> None:
        return

    async def reject(self) -> None:
        return


async def _skip_decoding(message: StreamMessage[Any]) -> Any:
    return message


class _Assignment(ConsumerRebalanceListener):  # type: ignore[misc]
    """Knows when the group has assigned all partitions. `take_over` is called before anything is fetched from them."""

    def __init__(self, take_over: Callable[[Collection[TopicPartition]], Awaitable[bool]]) -> None:
        self.complete = asyncio.Event()
        self._take_over = take_over

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        log.info("partitions revoked", extra={"partitions": len(revoked)})

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        log.info("partitions assigned", extra={"partitions": len(assigned)})
        if await self._take_over(assigned):
            self.complete.set()


async def wait_until_caught_up(consumer: Consumer) -> None:
    """Return when everything that was in the topics at the start has been processed (the catch-up gate)."""
    await consumer.assignment.complete.wait()
    await consumer.commit_positions()
    ends = await read_last_offsets(consumer.settings, consumer.kafka.assignment())
    while any(consumer.next_offset(tp) < end for tp, end in ends.items()):
        consumer.progress.clear()
        await consumer.progress.wait()
