"""A document as it was sent: fields by their proper names, values read, and what could not be read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from services.sandbox.balance import fields
from services.sandbox.balance.errors import Refused, text
from services.sandbox.balance.record import Row, is_empty
from services.sandbox.balance.settings import BalanceSandboxSettings


@dataclass
class Draft:
    """A document before posting; `faults` are Balance's texts about what is wrong with it."""

    language: str
    header: Row = field(default_factory=dict)
    lines: list[Row] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def fault(self, key: str, **values: Any) -> None:
        """Notes a fault by the key of its text."""
        self.faults.append(text(self.language, key, **values))


def bodies(body: bytes, settings: BalanceSandboxSettings) -> list[Row]:
    """The records in a request's body. Raises `Refused` when it is no JSON array of objects (API fact: always one)."""
    try:
        sent = orjson.loads(body)
    except orjson.JSONDecodeError:
        sent = None
    if not isinstance(sent, list) or not sent or not all(isinstance(each, dict) for each in sent):
        raise Refused(settings.rules.error_status, [text(settings.dialect.language, "array")])
    return sent


def drafted(sent: Mapping[str, Any], settings: BalanceSandboxSettings) -> Draft:
    """Reads one document. `Items` become lines; other tabular parts stay in the header as they are."""
    draft = Draft(settings.dialect.language)
    strict = settings.dialect.unknown_fields == "refused"
    posted = settings.dialect.posted_field
    known = {**fields.PROPER_HEADER, **({posted.lower(): posted} if posted else {})}
    draft.header = named(sent, known, draft, strict)
    read_moments(draft)
    lines = table(draft, draft.header.pop("Items", None) or [])
    draft.lines = [line_of(each, number, draft, strict) for number, each in enumerate(lines, start=1)]
    return draft


def table(draft: Draft, sent: Any) -> list[Row]:
    """The rows of a tabular part; a fault when it is none."""
    if isinstance(sent, list) and all(isinstance(each, dict) for each in sent):
        return sent
    draft.fault("array")
    return []


def named(sent: Mapping[str, Any], names: Mapping[str, str], draft: Draft, strict: bool) -> Row:
    """The known fields under their proper names; the others are dropped, or faults when `strict`."""
    row = {}
    for written, value in sent.items():
        name = names.get(written.lower())
        if name is not None:
            row[name] = "" if value is None else value
        elif strict:
            draft.fault("field", field=written)
    return row


def read_moments(draft: Draft) -> None:
    """Turns the header's dates into moments."""
    for name in fields.MOMENTS & draft.header.keys():
        read_into(draft.header, name, lambda _, value: fields.moment(value), lambda **at: draft.fault("date", **at))


def line_of(sent: Mapping[str, Any], number: int, draft: Draft, strict: bool) -> Row:
    """One line, its figures read."""
    row = named(sent, fields.PROPER_LINE, draft, strict)
    for name in fields.PLACES.keys() & row.keys():
        read_into(row, name, fields.figure, lambda **at: draft.fault("number", line=number, **at))
    return row


def read_into(row: Row, name: str, reader: Callable[[str, Any], Any], complain: Callable[..., None]) -> None:
    """Replaces a field's written value by what it means; an empty or unreadable one leaves the row."""
    written = row.pop(name)
    if is_empty(written):
        return
    try:
        row[name] = reader(name, written)
    except ValueError:
        complain(field=name, value=written)
