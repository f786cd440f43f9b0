"""Two versions of the schemas, folder against folder."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contracts.compatibility import breaking_changes
from contracts.generate import HERE, SCHEMAS

OURS = HERE / SCHEMAS
Schema = dict[str, Any]


class NoSchemas(Exception):
    """The folder holds no schemas, or something that is none; the message says which."""


@dataclass(frozen=True, slots=True)
class Breaking:
    """One breaking change: the schema (`OrderChanged.v1`), and where and what (`$.total: removed field`)."""

    schema: str
    change: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came of it: how many schemas both have, which are new, and what breaks."""

    compared: int
    added: tuple[str, ...]
    breaking: tuple[Breaking, ...]


def compare(old: Path, new: Path) -> Comparison:
    """Compare the schemas of two folders by the rules of `contracts.compatibility`. Raises `NoSchemas`."""
    before, after = _schemas(old), _schemas(new)
    return Comparison(
        compared=len(before.keys() & after.keys()),
        added=tuple(sorted(after.keys() - before.keys())),
        breaking=tuple(_breaking(before, after)),
    )


def _breaking(before: dict[str, Schema], after: dict[str, Schema]) -> Iterator[Breaking]:
    for name, schema in before.items():
        if name in after:
            yield from (Breaking(name, change) for change in breaking_changes(schema, after[name]))
        else:
            yield Breaking(name, "$: the schema is gone; the log still holds such events")


def _schemas(folder: Path) -> dict[str, Schema]:
    found = {path.stem: _schema(path) for path in sorted(folder.glob("*.json"))}
    if not found:
        raise NoSchemas(f"{folder} holds no schemas (*.json); a release has them in contracts/schemas")
    return found


def _schema(path: Path) -> Schema:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise NoSchemas(f"{path} cannot be read: {error}") from None
    if not isinstance(content, dict) or "x-event-type" not in content:
        raise NoSchemas(f"{path} is not the schema of an event (no x-event-type)")
    return content
