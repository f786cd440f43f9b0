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


ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class ChangeAlarm:
    """One kind of alarming change: what it is, and the setting that says how large a share of the records may do so."""

    told: str
    setting: str


EMPTIED = ChangeAlarm("items have no stock any more", "largest-emptied")
FALLEN = ChangeAlarm("items cost less than half of what they did", "largest-price-falls")
VAT = ChangeAlarm("items have another VAT rate", "largest-vat-changes")
MOVED = ChangeAlarm("items are in another group", "largest-moves")


@dataclass(slots=True)
class ChangeBreaker:
    """Counts alarming changes of one snapshot."""

    seen: Counter[ChangeAlarm] = field(default_factory=Counter)

    def weigh(self, facts: Mapping[str, Observation], stated: Mapping[str, Event]) -> None:
        """Count what these facts change of what was stated before, by key."""
        for key, fact in facts.items():
            if (before := stated.get(key)) is not None:
                self.seen.update(find_alarms(before, fact))

    def tripped(self, known: int, limits: SnapshotSettings) -> str:
        """What is too much, for the person who must decide; empty when nothing is."""
        found = [self._told(alarm, known, limits) for alarm in (EMPTIED, FALLEN, VAT, MOVED)]
        return "; ".join(told for told in found if told)

    def _told(self, alarm: ChangeAlarm, known: int, limits: SnapshotSettings) -> str:
        count, share = self.seen[alarm], getattr(limits, alarm.setting.replace("-", "_"))
        if count <= max(limits.small_change, share * known):
            return ""
        return f"{count} of {known} {alarm.told} (snapshot.{alarm.setting} allows {share:.0%})"


def find_alarms(before: Event, after: Event) -> list[ChangeAlarm]:
    """What is alarming about a change."""
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
