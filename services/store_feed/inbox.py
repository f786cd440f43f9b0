"""Hints from webhooks: stored durably before the webhook is answered (group commit), processed afterwards."""

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

from contracts.json_text import to_json
from services.connectors.http.json_reader import read_json
from services.connectors.identity.evidence import normalize_address
from services.connectors.identity.status import KNOWN
from services.connectors.woocommerce import php
from services.engine.outbox.engine import Engine
from services.engine.outbox.lane import StoredCause
from services.engine.outbox.work import Work
from services.engine.state.database import Database
from services.engine.state.group_commit import GroupCommit
from services.engine.state.tables import inbox
from services.store_feed.records import CUSTOMERS, ORDER, HintSource, OrderState, is_dated_plausibly, request_refreshes

log = logging.getLogger(__name__)
AT_ONCE = 500
LONGEST = 500
"""Characters stored of a sender's address."""
NOWHERE: Mapping[str, str] = {}
_NEXT = select(inbox).order_by(inbox.c.seq).limit(AT_ONCE)
_SEEN = delete(inbox).where(inbox.c.seq <= bindparam("last"))


@dataclass(frozen=True, slots=True)
class WebhookDelivery:
    """A webhook with a valid signature, which covers neither its topic, e.g. `order.updated`, nor its source."""

    shop: str
    topic: str
    body: bytes
    traceparent: str
    source: str = ""


class Inbox:
    """Stores webhooks durably and turns them into hints: read this order, or account."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._commits: GroupCommit[WebhookDelivery] = GroupCommit(self._store)
        self._arrived = asyncio.Event()

    async def accept(self, received: WebhookDelivery) -> None:
        """Store a webhook; returns once it is durable. Raises what the database raises."""
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
        """Turn webhooks into hints until cancelled; several about one order cause one read."""
        while True:
            self._arrived.clear()
            if not await self.process(engine):
                await self._arrived.wait()

    async def process(self, engine: Engine) -> int:
        """Turn the oldest webhooks into hints. Returns how many there were."""
        async with self._database.read() as connection:
            rows = (await connection.execute(_NEXT)).all()
        if rows:
            async with engine.work() as work:
                homes = await _home_addresses(work, {row.shop for row in rows})
                await request_refreshes(
                    work, parse_hints((row for row in rows if not _of_customer(row)), work.now, homes)
                )
                await self._hint_at_accounts(work, parse_hints((row for row in rows if _of_customer(row)), work.now))
                await work.connection.execute(_SEEN, {"last": rows[-1].seq})
        return len(rows)

    async def _hint_at_accounts(self, work: Work, accounts: Mapping[str, HintSource]) -> None:
        """Accounts without a known order are ignored: shops delete many that never bought anything."""
        orders = await work.find_many(ORDER, accounts)
        await request_refreshes(work, {key: source for key, source in accounts.items() if orders[key]}, CUSTOMERS)


def _of_customer(row: Any) -> bool:
    return str(row.topic).startswith("customer.")


async def _home_addresses(work: Work, shops: Iterable[str]) -> dict[str, str]:
    """The home addresses of the shops, as far as they are known."""
    return {shop: known.home for shop, known in (await work.get_many(KNOWN, shops)).items()}


def parse_hints(rows: Iterable[Any], now: datetime, homes: Mapping[str, str] = NOWHERE) -> dict[str, HintSource]:
    """Return the orders (or accounts) that webhooks are about, each with the trace of its newest webhook."""
    hints: dict[str, HintSource] = {}
    for row in rows:
        delivery = orjson.loads(row.body)
        if (object_id := delivery.get("id")) is None:
            log.info("webhook without an id; the sweep will find what changed", extra={"shop": row.shop})
            continue
        id_, key = str(uuid4()), f"{row.shop}:{object_id}"
        shown = _newer(_shown_state(delivery, homes.get(row.shop), now), hints.get(key))
        hints[key] = HintSource(StoredCause(id_, id_, row.traceparent), shown=shown)
    return hints


def _shown_state(delivery: Mapping[str, Any], home: str | None, now: datetime) -> OrderState | None:
    """The state that a webhook shows, which is its time alone. A webhook of a copy of the shop shows nothing."""
    changed = php.moment(delivery.get("modified"))
    elsewhere = home is not None and delivery.get("source") and normalize_address(delivery["source"]) != home
    if changed is None or elsewhere:
        return None
    shown = OrderState(modified_at=changed, seen_at=now)
    return shown if is_dated_plausibly(shown, now) else None


def _newer(shown: OrderState | None, before: HintSource | None) -> OrderState | None:
    known = before.shown if before else None
    if shown is None or known is None:
        return shown or known
    return max(known, shown, key=lambda one: one.modified_at)


def compact_body(body: bytes, source: str = "") -> bytes:
    """Return what is stored of a webhook: the id of the object and when it changed; nothing about the buyer."""
    delivery = _object(body)
    object_id = php.whole(delivery.get("id"))
    if isinstance(delivery.get("id"), bool) or object_id is None or object_id <= 0:
        return b"{}"
    changed = php.moment(delivery.get("date_modified_gmt"))
    modified = changed.isoformat() if changed else None
    return to_json({"id": object_id, "modified": modified, "source": source[:LONGEST]})


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = read_json(body.decode())
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
