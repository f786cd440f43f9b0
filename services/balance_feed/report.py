"""What one import saw and stated."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from services.balance_feed.compare import Differences
from services.balance_feed.handlers import Resource
from services.settings.model import SnapshotSettings


@dataclass(slots=True)
class Report:
    """The counts of one import. `begun` is the moment before reading: facts claim nothing later than it.

    `differing` records have other rows than before, `new` of them were never seen; `stated` of them mean something
    else than before, `invalid` cannot be used. `discounts` are counts of Balance's discounts, where they are read.
    `faults` holds the subjects of all that is at fault. `held` says why the snapshot is held back: wholly when it is
    `alarming`, else only what it lacks.
    """

    resource: Resource
    begun: datetime
    unchanged: int = 0
    differing: int = 0
    new: int = 0
    stated: int = 0
    invalid: int = 0
    missing: int = 0
    discounts: dict[str, int] = field(default_factory=dict)
    faults: set[str] = field(default_factory=set)
    held: str = ""
    alarming: bool = False

    @property
    def known(self) -> int:
        """How many records were known before."""
        return self.unchanged + self.differing - self.new + self.missing

    def compared(self, found: Differences) -> None:
        """Count a stretch of the comparison."""
        self.unchanged += found.unchanged
        self.differing += len(found.differing)
        self.new += found.new
        self.missing += len(found.missing)

    def understood(self, stated: int, invalid: Iterable[str]) -> None:
        """Count what became of records that differ."""
        self.stated += stated
        before = len(self.faults)
        self.faults.update(invalid)
        self.invalid += len(self.faults) - before

    def judge(self, limits: SnapshotSettings) -> None:
        """Hold a snapshot back that loses more than a snapshot may (`snapshot.*` of the settings)."""
        if self.missing <= max(limits.small_loss, limits.largest_loss * self.known):
            return
        self.held = (
            f"{self.missing} of {self.known} known {self.resource} are missing from this snapshot of Balance; nothing "
            f"was withdrawn. If that is right: davtari import {self.resource} --accept-loss"
        )

    def alarm(self, told: str) -> None:
        """Hold the whole snapshot back: too much changed in one way."""
        self.alarming = True
        self.held = (
            f"{told}. Nothing of this snapshot of Balance's {self.resource} was taken. "
            f"If that is right: davtari import {self.resource} --accept-loss"
        )

    def figures(self) -> dict[str, int]:
        """The counts, for people and scripts; `changed` are the facts stated, or to be stated after a dry run."""
        seen = self.unchanged + self.differing
        counts = {"seen": seen, "unchanged": seen - self.stated - self.invalid, "changed": self.stated}
        return counts | {"missing": self.missing, "faults": len(self.faults)} | self.discounts
