"""The batch consumer: FastStream runs the loop, we make batches durable together with how far they reach."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, cast

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage
from faststream.message import StreamMessage
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, wait_random_exponential

from services.engine.kafka.connection import RETRY_MS, consumer_options
from services.engine.kafka.faststream_security import faststream_access
from services.engine.kafka.raw import record_of
from services.engine.kafka.reaching import bounded
from services.engine.kafka.tails import tails
from services.engine.outbox.record import Record, positions_after
from services.engine.runtime.clock_check import OURS
from services.engine.state.positions import Partition, Position
from services.engine.state.trouble import is_corrupt, passing
from services.settings.kafka import KafkaSettings

log = logging.getLogger(__name__)
Take = Callable[[Sequence[Record]], Awaitable[None]]
Raw = tuple[ConsumerRecord[bytes, bytes], ...]
COMMIT_SECONDS = 5.0
"""How long a batch waits for its commit, which nothing depends on."""
ASK_AGAIN = 1.0
"""Seconds until the group is asked again for partitions that it has not given us."""


class Consumer:
    """Reads topics in a consumer group and hands each batch to `take`.

    It reads on from `positions`, which `take` makes durable together with the batch; a partition without one is read
    from its beginning. What is committed to Kafka only shows the lag. `instance` makes the membership static, so that
    a restarted service takes its partitions back at once.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        topics: Iterable[str],
        group: str,
        instance: str,
        take: Take,
        positions: Mapping[Partition, Position],
        at_once: int = 500,
        client_id: str = "davtari-consumer",
    ) -> None:
        self.settings, self._take = settings, take
        self.positions: dict[Partition, Position] = dict(positions)
        self.assignment = _Assignment(self._assigned)
        self.on_rebalance: Callable[[], None] = _nothing
        self.progress = asyncio.Event()
        self._stopping = False
        self._broker = KafkaBroker(
            settings.bootstrap_servers,
            client_id=client_id,
            allow_auto_create_topics=False,
            retry_backoff_ms=RETRY_MS,
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

    def next_offset(self, partition: Partition) -> int:
        """The offset that is read next; 0 for a partition of which nothing was read yet."""
        position = self.positions.get(partition)
        return position.next_offset if position else 0

    async def _assigned(self, assigned: Collection[TopicPartition]) -> bool:
        """Take over partitions; gives whether these are all there are.

        A static member that comes back is given what it had before, also if there are more partitions by now.
        """
        self.on_rebalance()
        await self._seek(assigned)
        topics = self._subscriber.topic_names
        there = {TopicPartition(topic, n) for topic in topics for n in self.kafka.partitions_for_topic(topic) or ()}
        if missing := there - set(assigned):
            log.warning("the group has not given us all partitions; asking again", extra={"partitions": len(missing)})
            asyncio.get_running_loop().call_later(ASK_AGAIN, self._ask_again)
        return not missing

    def _ask_again(self) -> None:
        """Join the group anew, as the member that we are: this time the partitions are shared out as they are now."""
        if not self._stopping:
            self.kafka.subscribe(self._subscriber.topic_names, listener=self.assignment)

    async def _seek(self, assigned: Collection[TopicPartition]) -> None:
        """Read on where the state database is, whatever was committed."""
        for tp in assigned:
            if tp in self.positions:
                self.kafka.seek(tp, self.next_offset(tp))
        if fresh := [tp for tp in assigned if tp not in self.positions]:
            await self.kafka.seek_to_beginning(*fresh)

    async def _handle(self, message: KafkaMessage) -> None:
        raw, message.raw_message = cast(Raw, message.raw_message), ()  # timers called off keep the message for minutes
        if self._stopping:  # a batch before this one may not be durable, and it would be skipped
            return
        records = [record_of(one) for one in raw if one.offset >= self.next_offset((one.topic, one.partition))]
        if records:  # else it was read twice: before and after a rebalance
            await self._taken(records)
            self.positions |= positions_after(records)
            OURS.written("Kafka", max(record.timestamp for record in records))
        self.progress.set()
        await self._show_progress({TopicPartition(one.topic, one.partition): one.offset + 1 for one in raw})

    async def show_positions(self) -> None:
        """Have Kafka show where this state is: an older one may have been further."""
        await self._show_progress({tp: self.next_offset(tp) for tp in self.kafka.assignment()})

    async def _show_progress(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Commit, so that tools can show the lag; nothing is read from there."""
        try:
            async with asyncio.timeout(COMMIT_SECONDS):
                await self.kafka.commit(dict(offsets))
        except (KafkaError, TimeoutError) as error:
            log.info("progress is not shown in Kafka", extra={"why": repr(error)})

    async def _taken(self, records: Sequence[Record]) -> None:
        """Hand over, again for as long as the state database fails.

        Giving up would lose the batch: FastStream goes on with the next one, whose positions cover this one too. Not
        so when we stop, or when the database is corrupt: the new one reads the topics from the start.
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


def _nothing() -> None:
    """Where nobody asks who else is in the group."""


def _told(state: RetryCallState) -> None:
    """Say why a batch is not durable yet; what a person knows already needs no traceback."""
    error = state.outcome.exception() if state.outcome else None
    why = passing(error) if error else None
    told = {"why": why or repr(error), "failures": state.attempt_number}
    log.error("a batch is not durable yet", extra=told, exc_info=None if why else error)


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


class _Assignment(ConsumerRebalanceListener):  # type: ignore[misc]
    """Tells when the group has given us all partitions. `take_over` is called before anything is fetched of them."""

    def __init__(self, take_over: Callable[[Collection[TopicPartition]], Awaitable[bool]]) -> None:
        self.made = asyncio.Event()
        self._take_over = take_over

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        log.info("partitions revoked", extra={"partitions": len(revoked)})

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        log.info("partitions assigned", extra={"partitions": len(assigned)})
        if await self._take_over(assigned):
            self.made.set()


async def catch_up(consumer: Consumer) -> None:
    """Return when everything that stood in the topics at the start has been processed (the catch-up gate)."""
    await consumer.assignment.made.wait()
    await consumer.show_positions()
    ends = await tails(consumer.settings, consumer.kafka.assignment())
    while any(consumer.next_offset(tp) < end for tp, end in ends.items()):
        consumer.progress.clear()
        await consumer.progress.wait()
