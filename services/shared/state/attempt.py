"""One run of a rule over the projection: what it wants to change, before any of it counts."""

from __future__ import annotations

from dataclasses import dataclass, field

from pydantic import BaseModel

Slot = tuple[str, str]
"""(kind, key) of a record, or (kind, reference)."""


class NotLoaded(Exception):
    """A rule asks for a record, or for all records of a reference, that is not in memory yet."""

    def __init__(self, slot: Slot, *, by_ref: bool) -> None:
        super().__init__(slot)
        self.slot, self.by_ref = slot, by_ref


@dataclass(slots=True, eq=False)
class Attempt:
    """What counts once the rule has come to its end."""

    put: dict[Slot, tuple[BaseModel | None, str]] = field(default_factory=dict)
    touched: list[str] = field(default_factory=list)
    released: list[str] = field(default_factory=list)
