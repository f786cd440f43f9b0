"""A Kafka record in CloudEvents' binary mode as one JSON object (structured mode), which is what a webhook posts."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

Headers = Iterable[tuple[str, bytes | None]]
CONTENT_TYPE = "application/cloudevents+json"


def cloud_event(headers: Headers, value: bytes | None) -> dict[str, Any] | None:
    """The event that a record holds; None if it holds none (Davtari's own dead letters name such a record)."""
    attributes = {_attribute(name): raw.decode(errors="replace") for name, raw in headers if raw is not None}
    if not {"id", "source", "type"} <= attributes.keys():
        return None
    try:
        return {**attributes, "data": json.loads(value or b"")}
    except ValueError:
        return None


def without_person(event: dict[str, Any]) -> dict[str, Any]:
    """The same event without its personal data, which is in `person` and `sealed` only, and may be missing."""
    return event | {"data": {name: value for name, value in event["data"].items() if name not in ("person", "sealed")}}


def _attribute(header: str) -> str:
    return "datacontenttype" if header == "content-type" else header.removeprefix("ce_")
