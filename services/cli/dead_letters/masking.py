"""Personal data is shown only to whoever asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contracts.operations import FailedRecord
from services.engine.outbox.dead_letters import PERSON

MASK = "•••"
PERSONAL_TOPICS = ("shop.orders", "shop.refunds", "ledger.documents", "operations", "dead-letters")
"""Topics whose records may hold personal data; what cannot be decoded cannot be masked in part."""


def masked(value: Any) -> Any:
    """The value with everything in a `person` hidden; what is absent stays absent."""
    if isinstance(value, Mapping):
        return {name: _hidden(part) if name == PERSON else masked(part) for name, part in value.items()}
    return [masked(part) for part in value] if isinstance(value, list | tuple) else value


def _hidden(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _hidden(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_hidden(part) for part in value]
    return None if value is None else MASK


def may_hold_people(record: FailedRecord) -> bool:
    """Whether the bytes of a record may name somebody."""
    return record.topic.endswith(PERSONAL_TOPICS)
