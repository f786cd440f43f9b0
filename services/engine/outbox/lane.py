"""A lane is one way to an upstream, with its own pace, batch size and effect; a row is one delivery waiting for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from contracts.envelope import Cause
from contracts.ledger import Attempt
from services.engine.outbox.breaker import Breaker
from services.engine.outbox.outcome import Outcome


@dataclass(frozen=True, slots=True)
class StoredCause:
    """The id, correlation id and trace of an event."""

    id: str
    correlationid: str
    traceparent: str | None


def dump_cause(cause: Cause | None) -> str | None:
    """The cause as text for a database row."""
    if cause is None:
        return None
    fields = {"id": cause.id, "correlationid": cause.correlationid, "traceparent": cause.traceparent}
    return orjson.dumps(fields).decode()


def load_cause(text: str | None) -> StoredCause | None:
    """The cause from a database row."""
    return None if text is None else StoredCause(**orjson.loads(text))


@dataclass(frozen=True, slots=True)
class Row:
    """A due delivery. `attempts` holds those that did not simply succeed; `version` grows when it is replaced."""

    id: str
    kind: str
    lane: str
    key: str
    subject: str
    payload: dict[str, Any]
    attempts: tuple[Attempt, ...] = ()
    version: int = 1
    blocked_on: str | None = None


Deliver = Callable[[Sequence[Row]], Awaitable[Sequence[Outcome]]]


def deliver_each(one: Callable[[Row], Awaitable[Outcome]]) -> Deliver:
    """The effect of a lane whose rows are calls of their own, made side by side; a row alone needs no task for it."""

    async def deliver(rows: Sequence[Row]) -> Sequence[Outcome]:
        return [await one(rows[0])] if len(rows) == 1 else await asyncio.gather(*map(one, rows))

    return deliver


@dataclass(frozen=True, slots=True)
class Lane:
    """`deliver` takes up to `batch` rows of different keys and gives one outcome each, in order."""

    name: str
    deliver: Deliver
    breaker: Breaker
    batch: int = 1
    concurrency: int = 4
