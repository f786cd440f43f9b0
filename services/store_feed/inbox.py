"""Hints from webhooks: durable before they are answered (group commit), looked at afterwards."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import orjson
from sqlalchemy import bindparam, delete, insert, select

from services.shared.delivery.cause import KeptCause
from services.shared.delivery.engine import Engine
from services.shared.delivery.work import Work
from services.shared.state.database import Database
from services.shared.state.group_commit import GroupCommit
from services.shared.state.tables import inbox
from services.store_feed.handlers import ORDER
from services.store_feed.hints import CUSTOMERS, Why, hint_at

log = logging.getLogger(__name__)
AT_ONCE = 500
_NEXT = select(inbox).order_by(inbox.c.seq).limit(AT_ONCE)
_SEEN = delete(inbox).where(inbox.c.seq <= bindparam("last"))


@dataclass(frozen=True, slots=True)
class Received:
    """A delivery whose signature was right; it does not cover the topic, e.g. `order.updated`."""

    shop: str
    topic: str
    body: bytes
    traceparent: str


class Inbox:
    """Takes deliveries in durably and turns them into hints: look at this order, or account."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._commits: GroupCommit[Received] = GroupCommit(self._store)
        self._arrived = asyncio.Event()

    async def accept(self, received: Received) -> None:
        """Returns when the delivery is durable. Raises what the database raises."""
        await self._commits.submit(received)

    async def _store(self, group: Sequence[Received]) -> None:
        rows = [{"shop": r.shop, "topic": r.topic, "body": kept(r.body), "traceparent": r.traceparent} for r in group]
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
                await hint_at(work, hints(row for row in rows if not _of_customer(row)))
                await self._ask_for(work, hints(row for row in rows if _of_customer(row)))
                await work.connection.execute(_SEEN, {"last": rows[-1].seq})
        return len(rows)

    async def _ask_for(self, work: Work, accounts: Mapping[str, Why]) -> None:
        """Accounts that no known order names are left alone: shops delete many that never bought anything."""
        named = await work.find_many(ORDER, accounts)
        await hint_at(work, {key: why for key, why in accounts.items() if named[key]}, CUSTOMERS)


def _of_customer(row: Any) -> bool:
    return str(row.topic).startswith("customer.")


def hints(rows: Iterable[Any]) -> dict[str, Why]:
    """The orders (or accounts) that deliveries are about, each with the trace of its newest one."""
    found: dict[str, Why] = {}
    for row in rows:
        named = id_of(row.body)
        if named is None:
            log.info("webhook names nothing; the sweep will find what changed", extra={"shop": row.shop})
            continue
        id_ = str(uuid4())
        found[f"{row.shop}:{named}"] = Why(KeptCause(id_, id_, row.traceparent))
    return found


def kept(body: bytes) -> bytes:
    """What is kept of a delivery: which order or account it is about, and nothing about the buyer."""
    id_ = id_of(body)
    return b"{}" if id_ is None else b'{"id":%d}' % id_


def id_of(body: bytes) -> int | None:
    """The order or account that a delivery is about; None when it does not say (an order gone before it was sent)."""
    try:
        known = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    id_ = known.get("id") if isinstance(known, dict) else None
    return id_ if isinstance(id_, int) and not isinstance(id_, bool) and id_ > 0 else None
