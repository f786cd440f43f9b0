"""What stands in an answer of Balance, in any of the shapes that it is known to use."""

from __future__ import annotations

import re
from typing import Any

import orjson

from services.connectors.http.refusal_objects import is_refusal

WRAPPERS = frozenset({"items", "value", "source", "data", "rows", "records"})
"""API fact: instead of a bare array there may be an object around it with one of these keys, in any letter case."""
ERROR = "error"
_BOM = b"\xef\xbb\xbf"
_UNKNOWN_PARAMETER = re.compile(r"(?:unknown parameter|неизвестный параметр|უცნობი პარამეტრი)\W*(\w*)", re.IGNORECASE)
_NO_MATCH = re.compile(r"\s*|.*(?:not found|не найден|ვერ მოიძებნა).*", re.IGNORECASE | re.DOTALL)
_LONGEST = 500


def decoded(body: bytes) -> Any:
    """The JSON of a body, with or without a byte order mark. Raises `ValueError` when it is none."""
    return orjson.loads(body.removeprefix(_BOM))


def error_texts(body: bytes) -> tuple[str, ...]:
    """The texts of `{"Error": [...]}` (API fact); empty when the body is something else."""
    try:
        return stated_errors(decoded(body))
    except ValueError:
        return ()


def stated_errors(known: Any) -> tuple[str, ...]:
    """The texts of Balance's own error object, which holds nothing else; empty for any other."""
    if not isinstance(known, dict) or len(known) != 1:
        return ()
    ((key, texts),) = known.items()
    if key.lower() != ERROR or not (isinstance(texts, list) or (key == "Error" and isinstance(texts, str))):
        return ()
    return tuple(str(text).strip() for text in (texts if isinstance(texts, list) else [texts]))


def is_foreign(body: bytes) -> bool:
    """Whether a body is JSON in which something else than Balance refuses: `{"message": …}` and the like."""
    try:
        known = decoded(body)
    except ValueError:
        return False
    rows = known if isinstance(known, list) else [known]
    foreign = all(isinstance(row, dict) and row and is_refusal(row) for row in rows)
    return bool(rows) and foreign and not stated_errors(known)


def said(body: bytes) -> str:
    """What a failed answer says, on one line: its `Error` texts, else the plain text; empty for JSON without them."""
    texts = error_texts(body)
    words = "; ".join(texts) if texts else _plain(body)
    return " ".join(words.split())[:_LONGEST]


def unknown_parameter(words: str) -> str | None:
    """The parameter that Balance refuses as unknown (API fact: with 404); "" when it does not name it."""
    found = _UNKNOWN_PARAMETER.search(words)
    return found[1] if found else None


def states_no_match(words: str) -> bool:
    """Whether the text of a 404 means that nothing matches (API fact), rather than that nothing is published there."""
    return _NO_MATCH.fullmatch(words) is not None


def echoed(body: bytes) -> dict[str, Any] | None:
    """The record that answers a write; None when the body shows none (its shape is not known for sure)."""
    try:
        rows = _unwrapped(decoded(body))
    except ValueError:
        return None
    return rows[0] if len(rows) == 1 and isinstance(rows[0], dict) else None


def _unwrapped(known: Any) -> list[Any]:
    if isinstance(known, dict):
        inner = [rows for key, rows in known.items() if key.lower() in WRAPPERS and isinstance(rows, list)]
        return inner[0] if len(known) == 1 and inner else [known]
    return known if isinstance(known, list) else []


def _plain(body: bytes) -> str:
    words = body.removeprefix(_BOM).decode("utf-8", "replace").strip()
    return "" if words[:1] in ("{", "[", "<") else words
