"""What one import saw and published, and whether its changes are plausible.

A snapshot in which too many records changed in the same alarming way waits for a person (claim I3): a warehouse that
reads as empty, prices a hundred times too small, another VAT rate, a moved catalogue. Each is valid; together they
are more likely a mistake than trade.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from contracts.balance import ItemChanged, PriceChanged, StockChanged
from contracts.model import Event
from services.balance_feed.facts import Observation
from services.balance_feed.handlers import Resource
from services.balance_feed.scratch import Differences
from services.settings.model import SnapshotSettings


@dataclass(slots=True)
class ImportReport:
    """The counts of one import. `begun` is the time before reading: facts claim nothing later.

    `differing` records have other rows than before, and `new` of them were never seen; `stated` of them led to an
    event, `invalid` cannot be used. `discounts` counts Balance's discounts, where they are read. `faults` are the
    subjects of everything that is wrong. `held` is why the snapshot is held back: all of it if it is `alarming`,
    otherwise only the withdrawal of what it lacks.
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

    def count_compared(self, found: Differences) -> None:
        """Count a batch of the comparison."""
        self.unchanged += found.unchanged
        self.differing += len(found.differing)
        self.new += found.new
        self.missing += len(found.missing)

    def count_built(self, stated: int, invalid: Iterable[str]) -> None:
        """Count the results of records that differ."""
        self.stated += stated
        before = len(self.faults)
        self.faults.update(invalid)
        self.invalid += len(self.faults) - before

    def check_loss(self, limits: SnapshotSettings) -> None:
        """Hold back a snapshot that loses more records than the settings `snapshot.*` allow."""
        if self.missing <= max(limits.small_loss, limits.largest_loss * self.known):
            return
        self.held = (
            f"{self.missing} of {self.known} known {self.resource} are missing from this snapshot of Balance; nothing "
            f"was withdrawn. If they were really removed: davtari import {self.resource} --accept-loss"
        )

    def hold_back(self, excess: str) -> None:
        """Hold back the whole snapshot: too much changed in one way, as `excess` describes."""
        self.alarming = True
        self.held = (
            f"{excess}. Nothing was imported from this snapshot of Balance's {self.resource}. "
            f"If the changes are right: davtari import {self.resource} --accept-loss"
        )

    def figures(self) -> dict[str, int]:
        """Return the counts, for people and scripts; `changed` is the number of events, in a dry run of those due."""
        seen = self.unchanged + self.differing
        counts = {"seen": seen, "unchanged": seen - self.stated - self.invalid, "changed": self.stated}
        return counts | {"missing": self.missing, "faults": len(self.faults)} | self.discounts


ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class ChangeAlarm:
    """One kind of alarming change, and the setting that limits the share of records which may change so."""

    description: str
    setting: str


EMPTIED = ChangeAlarm("items no longer have stock", "largest-emptied")
FALLEN = ChangeAlarm("items cost less than half of what they did", "largest-price-falls")
VAT = ChangeAlarm("items have another VAT rate", "largest-vat-changes")
MOVED = ChangeAlarm("items are in another group", "largest-moves")


@dataclass(slots=True)
class ChangeBreaker:
    """Counts the alarming changes of one snapshot."""

    seen: Counter[ChangeAlarm] = field(default_factory=Counter)

    def count(self, facts: Mapping[str, Observation], published: Mapping[str, Event]) -> None:
        """Count how these facts differ from those published before, by key."""
        for key, fact in facts.items():
            if (before := published.get(key)) is not None:
                self.seen.update(find_alarms(before, fact))

    def describe_excess(self, known: int, limits: SnapshotSettings) -> str:
        """Describe what exceeds its limit, for the person who decides; empty if nothing does."""
        parts = [self._describe(alarm, known, limits) for alarm in (EMPTIED, FALLEN, VAT, MOVED)]
        return "; ".join(part for part in parts if part)

    def _describe(self, alarm: ChangeAlarm, known: int, limits: SnapshotSettings) -> str:
        count, share = self.seen[alarm], getattr(limits, alarm.setting.replace("-", "_"))
        if count <= max(limits.small_change, share * known):
            return ""
        return f"{count} of {known} {alarm.description} (snapshot.{alarm.setting} allows {share:.0%})"


def find_alarms(before: Event, after: Event) -> list[ChangeAlarm]:
    """Return what is alarming about a change."""
    match before, after:
        case StockChanged(), StockChanged():
            return [EMPTIED] if _on_hand(before) > 0 >= _on_hand(after) else []
        case PriceChanged(), PriceChanged():
            return [FALLEN] if _fell(before, after) else []
        case ItemChanged(), ItemChanged():
            return [alarm for alarm, of in _OF_ITEMS.items() if of(before) != of(after)]
        case _:
            return []


_OF_ITEMS: dict[ChangeAlarm, Callable[[ItemChanged], str | None]] = {
    VAT: lambda item: item.vat_rate,
    MOVED: lambda item: item.group,
}


def _on_hand(stock: StockChanged) -> Decimal:
    return sum((row.quantity for row in stock.rows), ZERO)


def _fell(before: PriceChanged, after: PriceChanged) -> bool:
    prices = {price.price_type: price.price for price in before.prices if price.source != "Discounts"}
    now = [price for price in after.prices if price.source != "Discounts" and price.price_type in prices]
    return any(price.price * 2 < prices[price.price_type] for price in now)
