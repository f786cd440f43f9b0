"""The schema of a record's headers: CloudEvents 1.0 in Kafka's binary mode, with the extensions that Davtari uses."""

from __future__ import annotations

from typing import Any

TRACEPARENT = r"^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$"


def header_schema() -> dict[str, Any]:
    """What the headers of every record have in common; every value is UTF-8 text."""
    return {
        "title": "CloudEventHeaders",
        "description": "CloudEvents 1.0 attributes as Kafka headers (binary mode). Every value is UTF-8 text.",
        "type": "object",
        "properties": {name: {"type": "string", **rule} for name, rule in HEADERS.items()},
        "required": [name for name in HEADERS if name not in OPTIONAL],
    }


OPTIONAL = frozenset({"ce_causationid", "ce_replayof", "ce_commandsignature", "traceparent"})

HEADERS: dict[str, dict[str, Any]] = {
    "ce_specversion": {"const": "1.0"},
    "ce_id": {
        "format": "uuid",
        "description": "The same for every repetition of the event: UUIDv5 of type, subject and version.",
    },
    "ce_type": {"description": "The event's type, with the version of its schema."},
    "ce_source": {"format": "uri-reference", "description": "The service that states it."},
    "ce_subject": {"description": "What the event is about; versions are counted per topic and subject."},
    "ce_time": {"format": "date-time", "description": "When it was stated."},
    "ce_partitionkey": {"description": "The record's key."},
    "ce_sequence": {
        "pattern": "^[1-9][0-9]*$",
        "description": "The version of the subject: it grows by one. Ignore what is not newer than what you hold.",
    },
    "ce_correlationid": {"description": "The same for everything that followed from one first event."},
    "ce_causationid": {"description": "The id of the event that brought this one about."},
    "ce_replayof": {"description": "The dead letter that this event corrects: a person has edited and replayed it."},
    "ce_commandsignature": {
        "pattern": "^[A-Za-z0-9_-]{86}$",
        "description": "On what people do, and on corrected records: an Ed25519 signature in base64url of the topic, "
        "the key, all other `ce_` headers and the value (contracts/README.md).",
    },
    "traceparent": {"pattern": TRACEPARENT, "description": "W3C Trace Context."},
    "content-type": {"const": "application/json"},
}
