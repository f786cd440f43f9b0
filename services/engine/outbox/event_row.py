"""An event of our own as it stands in the outbox, ready to be published."""

from __future__ import annotations

from typing import Any

import orjson

from contracts.connect_headers import connect_headers
from contracts.envelope import Envelope, headers, value
from contracts.model import Event
from contracts.operations import DeadLettered


def event_row(envelope: Envelope[Event]) -> dict[str, Any]:
    """The values of its row; a dead letter carries Kafka Connect's headers beside ours."""
    pairs = [(name, raw.decode()) for name, raw in headers(envelope)]
    if isinstance(envelope.data, DeadLettered):
        pairs += connect_headers(envelope.data)
    return {
        "topic": envelope.data.TOPIC,
        "key": envelope.data.key,
        "headers": orjson.dumps(pairs),
        "value": value(envelope),
    }
