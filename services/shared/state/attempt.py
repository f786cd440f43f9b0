"""One run of a rule over the projection: what it has asked for and what it wants to change, before any of it counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from pydantic import BaseModel

Slot = tuple[str, str]
"""(kind, key) of a record, or (kind, reference)."""


class NotLoaded(Exception):
    """A rule asks for a record, or for all records of a reference, that is not in memory yet."""

    def __init__(self, slot: Slot, *, by_ref: bool) -> None:
        super().__init__(slot)
        self.slot, self.by_ref = slot, by_ref


def give_up(miss: NotLoaded) -> None:
    """A rule that runs at one go cannot wait for what it misses."""
    raise miss


@dataclass(slots=True, eq=False)
class Attempt:
    """`begun` orders it among the changes of other rules. `suspend` returns when what is missed has been loaded."""

    begun: int = 0
    suspend: Callable[[NotLoaded], object] = give_up
    put: dict[Slot, tuple[BaseModel | None, str]] = field(default_factory=dict)
    touched: list[str] = field(default_factory=list)
    released: list[str] = field(default_factory=list)
    read: list[Slot] = field(default_factory=list)
    found: list[Slot] = field(default_factory=list)
