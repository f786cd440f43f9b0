"""The Kafka lane of the outbox: events leave in order, pipelined, and are removed in one transaction."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

import orjson
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    InvalidTopicError,
    KafkaError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
)
from sqlalchemy import bindparam, delete, select

from services.engine.kafka.sender import Sender
from services.engine.outbox.backoff import unavailable_wait
from services.engine.state.database import Database
from services.engine.state.tables import events

log = logging.getLogger(__name__)
AT_ONCE = 1000
Seal = Callable[[Sequence[bytes]], Awaitable[Sequence[bytes]]]
"""Makes of values what may stand in the log."""
_NEXT = select(events).order_by(events.c.seq).limit(AT_ONCE)
_TOO_LARGE = "raise max.message.bytes of its topic: davtari topics create --mend sets what Davtari needs"
_FIXES: Mapping[type[BaseException], str] = {
    MessageSizeTooLargeError: _TOO_LARGE,
    RecordListTooLargeError: _TOO_LARGE,
    InvalidTopicError: "give kafka.topic-prefix a name that Kafka allows",
    TopicAuthorizationFailedError: "give kafka.user-name the right Write on its topics (ops/acl)",
    ClusterAuthorizationFailedError: "give kafka.user-name the right IdempotentWrite on the cluster (ops/acl)",
}
"""What Kafka refuses however often it is sent, and what a person does about it."""
_SENT = delete(events).where(events.c.seq <= bindparam("last"))


async def in_clear(values: Sequence[bytes]) -> Sequence[bytes]:
    """Values as they are."""
    return values


class Publisher:
    """Publishes the outbox of one database until cancelled.

    What was handed over and is not acknowledged in time is unknown, not failed: it is waited for again, since the
    producer sends it as soon as it can. What Kafka has refused is sent again by another producer, which is safe: an
    event keeps its id and its version.
    """

    def __init__(self, database: Database, sender: Sender, prefix: str, timeout: float, seal: Seal = in_clear) -> None:
        self._database, self._sender, self._prefix, self._timeout = database, sender, prefix, timeout
        self._seal = seal
        self._wake = asyncio.Event()
        self._handed_over: dict[int, asyncio.Future[Any]] = {}
        self.failures = 0
        self.why = ""

    def wake(self) -> None:
        """There may be events to publish."""
        self._wake.set()

    async def run(self) -> None:
        """Publish whatever is there, then wait to be woken."""
        while True:
            self._wake.clear()
            if not await self.publish_once():
                await self._wake.wait()

    async def publish_once(self) -> int:
        """Publish the next events, at most `AT_ONCE`; gives how many. A broker that fails makes it wait."""
        async with self._database.read() as connection:
            rows = (await connection.execute(_NEXT)).all()
        if rows and await self._sent(rows):
            async with self._database.write() as connection:
                await connection.execute(_SENT, {"last": rows[-1].seq})
        return len(rows)

    async def _sent(self, rows: Sequence[Any]) -> bool:
        try:
            async with asyncio.timeout(self._timeout):
                await self._hand_over([row for row in rows if row.seq not in self._handed_over])
                await asyncio.wait(self._handed_over.values())
        except (TimeoutError, KafkaError, ConnectionError) as error:
            await self._failed(error)
            return False
        if refused := _refusal(self._handed_over.values()):
            await self._refused(refused)
            return False
        self._handed_over.clear()
        self.failures, self.why = 0, ""
        return True

    async def _hand_over(self, rows: Sequence[Any]) -> None:
        values = await self._seal([row.value for row in rows]) if rows else ()
        for row, value in zip(rows, values, strict=True):
            headers = [(name, text.encode()) for name, text in orjson.loads(row.headers)]
            topic, key = self._prefix + row.topic, row.key.encode()
            self._handed_over[row.seq] = await self._sender.send(topic, value=value, key=key, headers=headers)

    async def _refused(self, error: BaseException) -> None:
        """The next round hands all of it over again, to another producer."""
        self._handed_over.clear()
        await self._failed(error)
        try:
            await self._sender.renew()
        except (KafkaError, OSError) as away:
            log.info("the producer is replaced later", extra={"why": str(away)})

    async def _failed(self, error: BaseException) -> None:
        self.failures += 1
        fix = _FIXES.get(type(error))
        self.why = f"{type(error).__name__}: {error}" + (f"; {fix}" if fix else "")
        if fix:
            log.error("Kafka refuses an event: nothing behind it is published", extra={"why": repr(error), "fix": fix})
        else:
            log.warning("events wait for the broker", extra={"why": repr(error), "failures": self.failures})
        await asyncio.sleep(unavailable_wait(self.failures, 0.5, 15.0))


def _refusal(sent: Iterable[asyncio.Future[Any]]) -> BaseException | None:
    """The first failure; one that only a person can put right comes first."""
    failures = [error for one in sent if (error := one.exception()) is not None]
    return min(failures, key=lambda error: type(error) not in _FIXES, default=None)
