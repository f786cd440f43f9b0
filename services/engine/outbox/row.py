"""One row of the outbox as a delivery sees it, and the cause that is stored with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from contracts.envelope import Cause
from contracts.ledger import Attempt


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
