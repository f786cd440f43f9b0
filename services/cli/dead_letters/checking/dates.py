"""Dates of edited documents: real ones, in an open period, and such as the document can have."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

AHEAD = timedelta(days=31)
"""No document is dated later than that from today on: it is a slip of the pen."""
BACK = timedelta(days=366)
"""Nor so long before its order was placed."""
WRITTEN = re.compile(r"(\d{4}-\d\d-\d\d)(T.*)?")


@dataclass(slots=True)
class Dates:
    """Judges the new dates of a document. `faults` cannot be, `doubts` are for a person to confirm."""

    today: date
    placed: date | None = None
    locked_until: date | None = None
    judged: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)

    def judge(self, pointer: str, text: str, before: str) -> None:
        """Judge a date that was `before` and is `text` now; the same day of several fields once."""
        day = day_of(text)
        if str(day or text) in self.judged:
            return
        self.judged.add(str(day or text))
        if day is None:
            self.faults.append(f"{pointer}: {text!r} is no date, write 2026-12-01 as it was written before")
        elif fault := next(self._impossible(day), ""):
            self.faults.append(f"{pointer}: {day} is {fault}")
        else:
            self.doubts += [f"{pointer}: {day} is {doubt}" for doubt in self._unusual(day, day_of(before))]

    def _impossible(self, day: date) -> Iterator[str]:
        if day > self.today + AHEAD:
            yield f"more than {AHEAD.days} days ahead: documents are dated today or earlier"
        if self.placed and day < self.placed - BACK:
            yield f"more than a year before the order was placed ({self.placed})"

    def _unusual(self, day: date, before: date | None) -> Iterator[str]:
        if day > self.today:
            yield "in the future"
        if self.locked_until and day <= self.locked_until:
            yield f"in a closed period (orders.locked-until {self.locked_until})"
        if self.placed and day < self.placed:
            yield f"before the order was placed ({self.placed})"
        if before and (day.year, day.month) != (before.year, before.month):
            yield f"in another VAT month than {before}"


def day_of(text: str) -> date | None:
    """The day in a date or date-time as documents have it; None when it is none."""
    found = WRITTEN.fullmatch(text)
    try:
        return date.fromisoformat(found[1]) if found else None
    except ValueError:
        return None
