"""The Kafka lane of the outbox: events leave in order, pipelined, and are removed in one transaction."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import orjson
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from sqlalchemy import bindparam, delete, select

from services.shared.delivery.backoff import unavailable_wait
from services.shared.state.database import Database
from services.shared.state.tables import events

log = logging.getLogger(__name__)
AT_ONCE = 1000
Seal = Callable[[Sequence[bytes]], Awaitable[Sequence[bytes]]]
"""Makes of values what may stand in the log."""
_NEXT = select(events).order_by(events.c.seq).limit(AT_ONCE)
_SENT = delete(events).where(events.c.seq <= bindparam("last"))


async def in_clear(values: Sequence[bytes]) -> Sequence[bytes]:
    """Values as they are."""
    return values


class Publisher:
    """Publishes the outbox of one database until cancelled.

    A send that times out is unknown, not failed: it is sent again, which is safe, since an event keeps its id and
    its version.
    """

    def __init__(
        self, database: Database, producer: AIOKafkaProducer, prefix: str, timeout: float, seal: Seal = in_clear
    ) -> None:
        self._database, self._producer, self._prefix, self._timeout = database, producer, prefix, timeout
        self._seal = seal
        self._wake = asyncio.Event()
        self.failures = 0

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
                values = await self._seal([row.value for row in rows])
                pairs = zip(rows, values, strict=True)
                await asyncio.gather(*[await self._send(row, value) for row, value in pairs])
        except (TimeoutError, KafkaError, ConnectionError) as error:
            await self._failed(error)
            return False
        self.failures = 0
        return True

    async def _send(self, row: Any, value: bytes) -> asyncio.Future[Any]:
        headers = [(name, text.encode()) for name, text in orjson.loads(row.headers)]
        sent: asyncio.Future[Any] = await self._producer.send(
            self._prefix + row.topic, value=value, key=row.key.encode(), headers=headers
        )
        return sent

    async def _failed(self, error: Exception) -> None:
        self.failures += 1
        log.warning("events wait for the broker", extra={"why": repr(error), "failures": self.failures})
        await asyncio.sleep(unavailable_wait(self.failures, 0.5, 15.0))
