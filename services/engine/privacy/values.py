"""The value of a record with its person sealed, and opened again; whatever names nobody stays as it is."""

from __future__ import annotations

from typing import Any

import orjson

from services.engine.privacy.sealing import PersonKey, seal, unseal

UNNAMED = "unnamed"
"""Stands for whoever is in a `person` without a reference: nothing personal leaves unsealed."""
_CLEAR = b'"person":{'
_SEALED, _OPEN = b'"sealed"', b'"sealed":null'


def in_clear(value: bytes) -> dict[str, Any] | None:
    """The content of a value that we are about to write, if it tells something of a person; else None."""
    content = orjson.loads(value) if _CLEAR in value else {}
    return content if content.get("person") else None


def whose(content: dict[str, Any]) -> str:
    """Whose data it is."""
    return content.get("person_ref") or UNNAMED


def sealed(content: dict[str, Any], key: PersonKey) -> bytes:
    """The value with its person sealed."""
    token = seal(content["person"], key, within=orjson.dumps(content))
    return orjson.dumps({**content, "person_ref": key.ref, "person": None, "sealed": token})


def under_seal(value: bytes | None) -> dict[str, Any] | None:
    """The content of a value that is sealed; None for any other (what is no JSON is told of by whoever decodes it)."""
    if value is None or _SEALED not in value or _OPEN in value:
        return None
    try:
        content = orjson.loads(value)
    except orjson.JSONDecodeError:
        return None
    return content if isinstance(content, dict) and isinstance(content.get("sealed"), str) else None


def opened(content: dict[str, Any], key: PersonKey | None) -> bytes:
    """The value with its person opened; without a key the person was forgotten. Raises `BrokenSeal`."""
    person = unseal(content["sealed"], content.get("person_ref"), key) if key else None
    return orjson.dumps({**content, "person": person, "sealed": None})
