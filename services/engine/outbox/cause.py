"""What is kept of the event that brought a delivery about, so that its followers name it."""

from __future__ import annotations

from dataclasses import dataclass

import orjson

from contracts.envelope import Cause


@dataclass(frozen=True, slots=True)
class KeptCause:
    """The id, correlation id and trace of an event."""

    id: str
    correlationid: str
    traceparent: str | None


def keep(cause: Cause | None) -> str | None:
    """The cause as text for a database row."""
    if cause is None:
        return None
    said = {"id": cause.id, "correlationid": cause.correlationid, "traceparent": cause.traceparent}
    return orjson.dumps(said).decode()


def kept(text: str | None) -> KeptCause | None:
    """The cause out of a database row."""
    return None if text is None else KeptCause(**orjson.loads(text))
