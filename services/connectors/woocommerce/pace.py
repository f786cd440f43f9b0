"""How large the pages of a list may be: smaller after a page that failed, larger again as long as all goes well."""

from __future__ import annotations

from dataclasses import dataclass

SIZES = (100, 50, 25, 5, 1)
"""API fact: more than 100 is refused. Each divides the larger ones, so pages of different sizes fit together."""
PATIENCE = 32
"""So many pages must be answered, at most, before a larger one is tried again."""


@dataclass(slots=True)
class Pace:
    """The size of pages at present, remembered from one reading of a list to the next."""

    level: int = 0
    answered: int = 0
    patience: int = 1

    def size_at(self, position: int) -> int:
        """The size of the page that begins at this position: a divisor of it."""
        return next(size for size in SIZES[self.level :] if position % size == 0)

    def failed(self, size: int) -> None:
        """A page of this size failed: smaller ones follow, and more of them before a larger one is tried again."""
        self.level = min(SIZES.index(size) + 1, len(SIZES) - 1)
        self.answered, self.patience = 0, min(2 * self.patience, PATIENCE)

    def went_well(self) -> None:
        """A full page was answered: a shorter one proves nothing."""
        self.answered += 1
        if self.level == 0:
            self.patience = 1
        elif self.answered >= self.patience:
            self.level, self.answered = self.level - 1, 0

    def blame_record(self) -> None:
        """It was one record on which pages failed, not their size: larger ones soon."""
        self.patience = 1
