"""Answers with other values: the habits of PHP and of plugins, which no handler here has by itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def rewritten(body: bytes, record: int | str | None, fields: Mapping[str, Any] | None) -> bytes:
    """A JSON answer in which `fields` replace those of its records, or of the one with this id or uid."""
    answer = json.loads(body)
    if isinstance(answer, list):
        return json.dumps([_record(each, record, fields) for each in answer]).encode()
    return json.dumps(_record(answer, record, fields)).encode()


def _record(answered: Any, record: int | str | None, fields: Mapping[str, Any] | None) -> Any:
    if not isinstance(answered, dict) or (record is not None and answered.get("id", answered.get("uid")) != record):
        return answered
    if fields is None:
        return None
    for way, value in fields.items():
        _set(answered, way.split("."), value)
    return answered


def _set(inner: Any, way: list[str], value: Any) -> None:
    """Replace one value; a way that leads nowhere changes nothing."""
    step, *rest = way
    key: Any = int(step) if isinstance(inner, list) else step
    if not rest and isinstance(inner, dict | list):
        inner[key] = value
    elif (isinstance(inner, dict) and key in inner) or (isinstance(inner, list) and key < len(inner)):
        _set(inner[key], rest, value)
