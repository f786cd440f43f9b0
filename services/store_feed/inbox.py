"""Hints from webhooks: durable before they are answered (group commit), looked at afterwards."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

import orjson
from sqlalchemy import bindparam, delete, insert, select

from services.connectors.identity.evidence import normalize_address
from services.connectors.identity.status import KNOWN
from services.connectors.woocommerce import php
from services.engine.outbox.engine import Engine
from services.engine.outbox.row import StoredCause
from services.engine.outbox.work import Work
from services.engine.state.database import Database
from services.engine.state.group_commit import GroupCommit
from services.engine.state.tables import inbox
from services.store_feed.records import CUSTOMERS, ORDER, HintSource, OrderState, request_refreshes

log = logging.getLogger(__name__)
AT_ONCE = 500
LONGEST = 500
"""Characters kept of a sender's normalize_address."""
NOWHERE: Mapping[str, str] = {}
_NEXT = select(inbox).order_by(inbox.c.seq).limit(AT_ONCE)
_SEEN = delete(inbox).where(inbox.c.seq <= bindparam("last"))


@dataclass(frozen=True, slots=True)
class WebhookDelivery:
    """A delivery whose signature was right; that covers neither its topic, e.g. `order.updated`, nor its source."""

    shop: str
    topic: str
    body: bytes
    traceparent: str
    source: str = ""


class Inbox:
    """Takes deliveries in durably and turns them into hints: look at this order, or account."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._commits: GroupCommit[WebhookDelivery] = GroupCommit(self._store)
        self._arrived = asyncio.Event()

    async def accept(self, received: WebhookDelivery) -> None:
        """Returns when the delivery is durable. Raises what the database raises."""
        await self._commits.submit(received)

    async def _store(self, group: Sequence[WebhookDelivery]) -> None:
        rows = [
            {"shop": r.shop, "topic": r.topic, "body": compact_body(r.body, r.source), "traceparent": r.traceparent}
            for r in group
        ]
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
                homes = await _homes(work, {row.shop for row in rows})
                await request_refreshes(
                    work, parse_hints((row for row in rows if not _of_customer(row)), work.now, homes)
                )
                await self._ask_for(work, parse_hints((row for row in rows if _of_customer(row)), work.now))
                await work.connection.execute(_SEEN, {"last": rows[-1].seq})
        return len(rows)

    async def _ask_for(self, work: Work, accounts: Mapping[str, HintSource]) -> None:
        """Accounts that no known order names are left alone: shops delete many that never bought anything."""
        named = await work.find_many(ORDER, accounts)
        await request_refreshes(work, {key: why for key, why in accounts.items() if named[key]}, CUSTOMERS)


def _of_customer(row: Any) -> bool:
    return str(row.topic).startswith("customer.")


async def _homes(work: Work, shops: Iterable[str]) -> dict[str, str]:
    """The addresses at which the shops live, as far as they are known."""
    return {shop: known.home for shop, known in (await work.get_many(KNOWN, shops)).items()}


def parse_hints(rows: Iterable[Any], now: datetime, homes: Mapping[str, str] = NOWHERE) -> dict[str, HintSource]:
    """The orders (or accounts) that deliveries are about, each with the trace of its newest one."""
    found: dict[str, HintSource] = {}
    for row in rows:
        delivery = orjson.loads(row.body)
        if (named := delivery.get("id")) is None:
            log.info("webhook names nothing; the sweep will find what changed", extra={"shop": row.shop})
            continue
        id_, key = str(uuid4()), f"{row.shop}:{named}"
        shown = _newer(_shown(delivery, homes.get(row.shop), now), found.get(key))
        found[key] = HintSource(StoredCause(id_, id_, row.traceparent), shown=shown)
    return found


def _shown(delivery: Mapping[str, Any], home: str | None, now: datetime) -> OrderState | None:
    """The state that a delivery showed: its time alone. That of another shop, a copy of ours, shows nothing."""
    changed = php.moment(delivery.get("modified"))
    elsewhere = home is not None and delivery.get("source") and normalize_address(delivery["source"]) != home
    return None if changed is None or elsewhere else OrderState(modified_at=changed, seen_at=now)


def _newer(shown: OrderState | None, before: HintSource | None) -> OrderState | None:
    known = before.shown if before else None
    if shown is None or known is None:
        return shown or known
    return max(known, shown, key=lambda one: one.modified_at)


def compact_body(body: bytes, source: str = "") -> bytes:
    """What is kept of a delivery: which order or account it is about and when that changed, nothing about the buyer."""
    delivery = _object(body)
    named = php.whole(delivery.get("id"))
    if isinstance(delivery.get("id"), bool) or named is None or named <= 0:
        return b"{}"
    changed = php.moment(delivery.get("date_modified_gmt"))
    return orjson.dumps({"id": named, "modified": changed.isoformat() if changed else None, "source": source[:LONGEST]})


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}
