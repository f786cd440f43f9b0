"""Reading one field of a row, whatever its letter case (Balance fact 15: `VATRate` and `VATrate` both occur).

`""`, null and a missing field are alike (Balance fact 13). A value that cannot be read raises `FieldInvalid`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from pydantic import ValidationError

from contracts.model import FINEST
from contracts.reasons import Reason
from contracts.validation import problem
from services.connectors.balance.values import format_number, parse_moment, parse_number

Row = Mapping[str, Any]
"""One record of an answer."""


class FieldInvalid(ValueError):
    """A field of a row cannot be read; `problem` continues a sentence that begins with the field's name."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field} {problem}")
        self.field, self.problem = field, problem


class RowInvalid(Exception):
    """A row that cannot be used; `detail` names the record of Balance to correct, and the field."""

    def __init__(self, resource: str, uid: str | None, field: str, problem: str) -> None:
        self.reason = Reason.BALANCE_ROW_INVALID
        self.resource, self.uid, self.field = resource, uid, field
        self.detail = (
            f"Balance {resource}, {uid or 'a row without uid'}: {field} {problem}. "
            "Correct it in Balance; the next import reads it again"
        )
        super().__init__(self.detail)


@contextmanager
def reading_row(resource: str, uid: str | None) -> Iterator[None]:
    """Add resource and uid to faults of a row that is read inside. Raises `RowInvalid`."""
    try:
        yield
    except FieldInvalid as error:
        raise RowInvalid(resource, uid, error.field, error.problem) from None
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in fault["loc"])
        raise RowInvalid(resource, uid, field, problem(fault, value=True)) from None


_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_NO_REFERENCE = re.compile(r"(?:0*-)+0*")
"""Balance fact 12: an empty reference is the zero GUID, `-0000-0000-0000-`, or empty text."""
_TRUE = frozenset({"true", "1", "yes", "да", "დიახ", "კი"})
_DELETED = frozenset({"deletionmark", "isdeleted", "markedfordeletion"})


def value(row: Row, name: str) -> Any:
    """The raw value of a field; None if it is missing."""
    if name in row:
        return row[name]
    spelled = _spelled(tuple(row), name.lower())
    return None if spelled is None else row[spelled]


def text(row: Row, name: str) -> str | None:
    """The trimmed text of a field; None if empty. A number becomes its digits; an object or array is empty."""
    found = value(row, name)
    if isinstance(found, str):
        return found.strip() or None
    if isinstance(found, bool):
        return str(found).lower()
    if isinstance(found, Decimal) and abs(found.adjusted()) > FINEST:
        return str(found)
    return format_number(found) if isinstance(found, int | Decimal) else None


def reference(row: Row, name: str) -> str | None:
    """The uid in a field, in lower case; None for any form of the empty reference. Other text is unchanged."""
    found = text(row, name)
    if found is None or (found[0] in "0-" and _NO_REFERENCE.fullmatch(found)):
        return None
    return found.lower() if _GUID.fullmatch(found) else found


def flag(row: Row, name: str) -> bool:
    """Whether a field is true, as a boolean or as a word for it; anything else is false."""
    found = value(row, name)
    return found.strip().lower() in _TRUE if isinstance(found, str) else found is True or found == 1


def number(row: Row, name: str) -> Decimal | None:
    """The number in a field, None if empty. Raises `FieldInvalid` for anything else."""
    found = value(row, name)
    try:
        return parse_number(found)
    except ValueError as error:
        raise FieldInvalid(name, f"{_shown(found)} {error}") from None


def moment(row: Row, name: str) -> datetime | None:
    """The moment in a field (UTC), None if empty. Raises `FieldInvalid` for anything else."""
    found = value(row, name)
    try:
        return parse_moment(found)
    except ValueError as error:
        raise FieldInvalid(name, f"{_shown(found)} {error}") from None


def needed_reference(row: Row, name: str) -> str:
    """The uid in a field. Raises `FieldInvalid` when it is empty."""
    found = reference(row, name)
    if found is None:
        raise FieldInvalid(name, "is empty")
    return found


def needed_number(row: Row, name: str) -> Decimal:
    """The number in a field. Raises `FieldInvalid` when it is empty or no number."""
    found = number(row, name)
    if found is None:
        raise FieldInvalid(name, "is empty")
    return found


def deleted(row: Row) -> bool:
    """Whether the record is marked for deletion, under any known name of the mark."""
    marks = _marks(tuple(row))
    return bool(marks) and any(flag(row, name) for name in marks)


def tabular(row: Row, name: str) -> list[Row]:
    """The rows of a tabular part; a single object counts as one row. Raises `FieldInvalid` for anything else."""
    found = value(row, name)
    rows = [found] if isinstance(found, dict) else found or []
    if not isinstance(rows, list) or not all(isinstance(each, dict) for each in rows):
        raise FieldInvalid(name, "is not a list of rows")
    return rows


@lru_cache(maxsize=4096)
def _marks(names: tuple[str, ...]) -> tuple[str, ...]:
    """The fields of a row that may mark it for deletion."""
    return tuple(name for name in names if name.lower() in _DELETED)


@lru_cache(maxsize=4096)
def _spelled(names: tuple[str, ...], lowered: str) -> str | None:
    """The spelling of a field in a row with these fields; cached per shape of row, of which an answer has few."""
    return next((name for name in names if name.lower() == lowered), None)


def _shown(found: Any) -> str:
    return f'"{str(found)[:60]}"'
