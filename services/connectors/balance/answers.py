"""Decodes answers of Balance in any of its known shapes."""

from __future__ import annotations

import re
from typing import Any

from services.connectors.http.json_reader import read_json
from services.connectors.http.responses import is_refusal_object

WRAPPERS = frozenset({"items", "value", "source", "data", "rows", "records"})
"""Balance fact 19: instead of a bare array an answer may be an object with one of these keys, in any letter case."""
ERROR = "error"
_BOM = b"\xef\xbb\xbf"
_UNKNOWN_PARAMETER = re.compile(r"(?:unknown parameter|неизвестный параметр|უცნობი პარამეტრი)\W*(\w*)", re.IGNORECASE)
_NO_MATCH = re.compile(r"\s*|.*(?:not found|не найден|ვერ მოიძებნა).*", re.IGNORECASE | re.DOTALL)
_LONGEST = 500


def decode_json(body: bytes) -> Any:
    """The JSON of a body, with or without a byte order mark. Raises `ValueError` for anything else."""
    return read_json(body.removeprefix(_BOM).decode())


def error_texts(body: bytes) -> tuple[str, ...]:
    """The texts of `{"Error": [...]}` (Balance fact 21); empty when the body is something else."""
    try:
        return error_texts_of(decode_json(body))
    except ValueError:
        return ()


def error_texts_of(known: Any) -> tuple[str, ...]:
    """The texts of Balance's own error object, which has no other key; empty for any other value."""
    if not isinstance(known, dict) or len(known) != 1:
        return ()
    ((key, texts),) = known.items()
    if key.lower() != ERROR or not (isinstance(texts, list) or (key == "Error" and isinstance(texts, str))):
        return ()
    return tuple(str(text).strip() for text in (texts if isinstance(texts, list) else [texts]))


def is_foreign_json(body: bytes) -> bool:
    """Whether a body is a JSON refusal by something other than Balance, such as `{"message": …}`."""
    try:
        known = decode_json(body)
    except ValueError:
        return False
    rows = known if isinstance(known, list) else [known]
    foreign = all(isinstance(row, dict) and row and is_refusal_object(row) for row in rows)
    return bool(rows) and foreign and not error_texts_of(known)


def describe_error(body: bytes) -> str:
    """The message of a failed answer on one line: its `Error` texts, else plain text; empty for JSON without them."""
    texts = error_texts(body)
    words = "; ".join(texts) if texts else _plain_text(body)
    return " ".join(words.split())[:_LONGEST]


def find_unknown_parameter(words: str) -> str | None:
    """The parameter that Balance refuses as unknown (Balance fact 20: with 404); "" when it does not name it."""
    found = _UNKNOWN_PARAMETER.search(words)
    return found[1] if found else None


def means_no_match(words: str) -> bool:
    """Whether the text of a 404 means "nothing matches" (Balance fact 20) rather than "nothing is published there"."""
    return _NO_MATCH.fullmatch(words) is not None


def read_echo(body: bytes) -> dict[str, Any] | None:
    """The record in the answer to a write; None if the body has none (Balance fact 23)."""
    try:
        rows = _unwrap(decode_json(body))
    except ValueError:
        return None
    return rows[0] if len(rows) == 1 and isinstance(rows[0], dict) else None


def _unwrap(known: Any) -> list[Any]:
    if isinstance(known, dict):
        inner = [rows for key, rows in known.items() if key.lower() in WRAPPERS and isinstance(rows, list)]
        return inner[0] if len(known) == 1 and inner else [known]
    return known if isinstance(known, list) else []


def _plain_text(body: bytes) -> str:
    words = body.removeprefix(_BOM).decode("utf-8", "replace").strip()
    return "" if words[:1] in ("{", "[", "<") else words
