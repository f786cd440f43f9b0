"""The headers by which ordinary Kafka tools show what is wrong with a dead letter: those of Kafka Connect.

They stand beside our own and say nothing that the value does not say. `topic`, `partition` and `offset` are there only
where a record has failed: a delivery that an upstream refused is not mended by writing anything to a topic again.
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
    "exception.message": "What a person is told; the whole stands in `detail` of the value.",
}
STAGES = {
    "record.bad-headers": "HEADER_CONVERTER",
    "record.unknown-type": "HEADER_CONVERTER",
    "record.tombstone": "VALUE_CONVERTER",
    "record.invalid-data": "VALUE_CONVERTER",
    "record.rule-failed": "TRANSFORMATION",
    "decision.failed": "TRANSFORMATION",
}


def connect_headers(letter: DeadLettered) -> list[tuple[str, str]]:
    """The headers of a dead letter in the style of Kafka Connect, as text."""
    told = _place(letter) | {
        "connector.name": letter.service,
        "task.id": "0",
        "stage": STAGES.get(letter.reason, "TASK_PUT"),
        "class.name": letter.delivery.kind if letter.delivery else "record",
        "exception.class.name": letter.reason,
        "exception.message": letter.detail[:LONGEST],
    }
    return [(PREFIX + name, text) for name, text in told.items()]


def _place(letter: DeadLettered) -> dict[str, str]:
    record = letter.record
    if record is None:
        return {}
    return {"topic": record.topic, "partition": str(record.partition), "offset": str(record.offset)}


def connect_header_schema() -> dict[str, Any]:
    """The schemas of these headers, by name."""
    return {PREFIX + name: {"type": "string", "description": about} for name, about in ABOUT.items()}
