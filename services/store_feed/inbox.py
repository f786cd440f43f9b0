"""Hints from webhooks: durable before they are answered (group commit), looked at afterwards."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import orjson
from sqlalchemy import bindparam, delete, insert, select

from services.shared.delivery.cause import KeptCause
from services.shared.delivery.engine import Engine
from services.shared.state.database import Database
from services.shared.state.group_commit import GroupCommit
from services.shared.state.tables import inbox
from services.store_feed.hints import Why, hint_at

log = logging.getLogger(__name__)
AT_ONCE = 500
_NEXT = select(inbox).order_by(inbox.c.seq).limit(AT_ONCE)
_SEEN = delete(inbox).where(inbox.c.seq <= bindparam("last"))


@dataclass(frozen=True, slots=True)
class Received:
    """A delivery whose signature was right."""

    shop: str
    body: bytes
    traceparent: str


class Inbox:
    """Takes deliveries in durably and turns them into hints: look at this order."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._commits: GroupCommit[Received] = GroupCommit(self._store)
        self._arrived = asyncio.Event()

    async def accept(self, received: Received) -> None:
        """Returns when the delivery is durable. Raises what the database raises."""
        await self._commits.submit(received)

    async def _store(self, group: Sequence[Received]) -> None:
        rows = [{"shop": r.shop, "body": kept(r.body), "traceparent": r.traceparent} for r in group]
        async with self._database.write() as connection:
            await connection.execute(insert(inbox), rows)
        self._arrived.set()

    async def run(self, engine: Engine) -> None:
        """Turn deliveries into hints until cancelled; repeated ones for an order become one look."""
        while True:
            self._arrived.clear()
            if not await self.look(engine):
                await self._arrived.wait()

    async def look(self, engine: Engine) -> int:
        """Turn the oldest deliveries into hints; gives how many there were."""
        async with self._database.read() as connection:
            rows = (await connection.execute(_NEXT)).all()
        if rows:
            async with engine.work() as work:
                await hint_at(work, hints(rows))
                await work.connection.execute(_SEEN, {"last": rows[-1].seq})
        return len(rows)


def hints(rows: Iterable[Any]) -> dict[str, Why]:
    """The orders that deliveries are about, each with the trace of its newest one."""
    found: dict[str, Why] = {}
    for row in rows:
        order_id = order_of(row.body)
        if order_id is None:
            log.info("webhook names no order; the sweep will find what changed", extra={"shop": row.shop})
            continue
        id_ = str(uuid4())
        found[f"{row.shop}:{order_id}"] = Why(KeptCause(id_, id_, row.traceparent))
    return found


def kept(body: bytes) -> bytes:
    """What is kept of a delivery: which order it is about, and nothing about the buyer."""
    id_ = order_of(body)
    return b"{}" if id_ is None else b'{"id":%d}' % id_


def order_of(body: bytes) -> int | None:
    """The order that a delivery is about; None when it does not say (an order gone before it was sent)."""
    try:
        known = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    id_ = known.get("id") if isinstance(known, dict) else None
    return id_ if isinstance(id_, int) and not isinstance(id_, bool) and id_ > 0 else None
