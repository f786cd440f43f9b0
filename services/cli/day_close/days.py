"""Days in Tbilisi as a range of moments."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from services.engine.runtime.tbilisi import TBILISI, local_day


@dataclass(frozen=True, slots=True)
class Days:
    """From the first day to the last, both included."""

    first: date
    last: date

    @property
    def begin(self) -> datetime:
        """The first moment, in UTC."""
        return datetime.combine(self.first, time(), TBILISI).astimezone(UTC)

    @property
    def end(self) -> datetime:
        """The first moment after the last day, in UTC."""
        return (datetime.combine(self.last, time(), TBILISI) + timedelta(days=1)).astimezone(UTC)

    def __contains__(self, moment: datetime) -> bool:
        return self.first <= local_day(moment) <= self.last

    def holds(self, day: str) -> bool:
        """The same for a date as documents have it, `2026-11-20`."""
        return self.first.isoformat() <= day <= self.last.isoformat()

    def __str__(self) -> str:
        return f"--from {self.first} --to {self.last}"


def one_day(day: str) -> Days:
    """One day, given as `2026-11-20`."""
    return Days(date.fromisoformat(day), date.fromisoformat(day))
