"""The headers by which ordinary Kafka tools show what is wrong with a dead letter: those of Kafka Connect.

They are in addition to our own and contain nothing that the value does not. `topic`, `partition` and `offset` are set
only where a record failed: a delivery that an upstream refused is not corrected by writing a record again.
"""

from __future__ import annotations

from typing import Any

from contracts.operations import DeadLettered

PREFIX = "__connect.errors."
LONGEST = 1000
"""Characters of the message: it is there to be seen in a list."""

ABOUT = {
    "topic": "The topic of the record that could not be handled.",
    "partition": "Its partition.",
    "offset": "Its offset.",
    "connector.name": "The service that failed.",
    "task.id": "Always 0: one replica of each service.",
    "stage": "HEADER_CONVERTER, VALUE_CONVERTER (undecodable), TRANSFORMATION (a rule failed), TASK_PUT (a delivery).",
    "class.name": "What was being done: the kind of delivery, or `record`.",
    "exception.class.name": "The reason code.",
    "exception.message": "The message for a person; the value's `detail` has all of it.",
}
STAGES = {
    "record.bad-headers": "HEADER_CONVERTER",
    "record.unknown-type": "HEADER_CONVERTER",
    "record.tombstone": "VALUE_CONVERTER",
    "record.invalid-data": "VALUE_CONVERTER",
    "record.wrong-topic": "HEADER_CONVERTER",
    "command.signature": "HEADER_CONVERTER",
    "command.unknown": "HEADER_CONVERTER",
    "record.rule-failed": "TRANSFORMATION",
    "decision.failed": "TRANSFORMATION",
}


def connect_headers(dead_letter: DeadLettered) -> list[tuple[str, str]]:
    """The headers of a dead letter in the style of Kafka Connect, as text."""
    texts = _place(dead_letter) | {
        "connector.name": dead_letter.service,
        "task.id": "0",
        "stage": STAGES.get(dead_letter.reason, "TASK_PUT"),
        "class.name": dead_letter.delivery.kind if dead_letter.delivery else "record",
        "exception.class.name": dead_letter.reason,
        "exception.message": dead_letter.detail[:LONGEST],
    }
    return [(PREFIX + name, text) for name, text in texts.items()]


def _place(dead_letter: DeadLettered) -> dict[str, str]:
    record = dead_letter.record
    if record is None:
        return {}
    return {"topic": record.topic, "partition": str(record.partition), "offset": str(record.offset)}


def connect_header_schema() -> dict[str, Any]:
    """The schemas of these headers, by name."""
    return {PREFIX + name: {"type": "string", "description": about} for name, about in ABOUT.items()}
