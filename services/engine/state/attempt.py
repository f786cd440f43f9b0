"""One run of a rule over the projection: what it wants to change, before any of it counts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from pydantic import BaseModel

Slot = tuple[str, str]
"""(kind, key) of a record, or (kind, reference)."""


class Miss(NamedTuple):
    """A record, or all records of a reference (`by_ref`), that is not in memory yet."""

    slot: Slot
    by_ref: bool


class NotLoaded(Exception):
    """What a rule has asked for is not in memory yet."""

    def __init__(self, missing: Iterable[Miss]) -> None:
        self.missing = tuple(missing)
        super().__init__(self.missing)


@dataclass(slots=True, eq=False)
class Attempt:
    """What counts once the rule has come to its end; `missing` is what it must be run again for."""

    put: dict[Slot, tuple[BaseModel | None, str]] = field(default_factory=dict)
    touched: list[str] = field(default_factory=list)
    released: list[str] = field(default_factory=list)
    missing: dict[Miss, None] = field(default_factory=dict)
