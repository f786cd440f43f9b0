"""How far changes have been read, in UTC."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

ONE_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Cursor:
    """Everything modified up to `at` has been seen; reading starts `overlap` earlier.

    The overlap covers times of a whole second (API fact), clocks that differ and changes that were saved late.
    """

    at: datetime
    overlap: timedelta = timedelta(seconds=120)

    @property
    def start(self) -> datetime:
        """The first moment to read again."""
        return self.at - self.overlap

    def moved_to(self, modified: datetime) -> Cursor:
        """The cursor after a record of that moment was durably published; it never goes back."""
        return replace(self, at=max(self.at, modified))
