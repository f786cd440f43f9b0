"""Breakers on meaning: a snapshot in which too much changed in the same alarming way waits for a person (claim I3).

A warehouse that reads as empty, prices typed a hundred times too small, another VAT class, a catalogue that was moved:
each record is sound, together they are more likely a mistake than trade.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from contracts.balance import ItemChanged, PriceChanged, StockChanged
from contracts.model import Event
from services.balance_feed.facts import Observation
from services.settings.model import SnapshotSettings

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Alarm:
    """One kind of alarming change: what it is, and the setting that says how large a share of the records may do so."""

    told: str
    setting: str


EMPTIED = Alarm("items have no stock any more", "largest-emptied")
FALLEN = Alarm("items cost less than half of what they did", "largest-price-falls")
VAT = Alarm("items have another VAT rate", "largest-vat-changes")
MOVED = Alarm("items are in another group", "largest-moves")


@dataclass(slots=True)
class Breakers:
    """Counts alarming changes of one snapshot."""

    seen: Counter[Alarm] = field(default_factory=Counter)

    def weigh(self, facts: Mapping[str, Observation], stated: Mapping[str, Event]) -> None:
        """Count what these facts change of what was stated before, by key."""
        for key, fact in facts.items():
            if (before := stated.get(key)) is not None:
                self.seen.update(alarms(before, fact))

    def tripped(self, known: int, limits: SnapshotSettings) -> str:
        """What is too much, for the person who must decide; empty when nothing is."""
        found = [self._told(alarm, known, limits) for alarm in (EMPTIED, FALLEN, VAT, MOVED)]
        return "; ".join(told for told in found if told)

    def _told(self, alarm: Alarm, known: int, limits: SnapshotSettings) -> str:
        count, share = self.seen[alarm], getattr(limits, alarm.setting.replace("-", "_"))
        if count <= max(limits.small_change, share * known):
            return ""
        return f"{count} of {known} {alarm.told} (snapshot.{alarm.setting} allows {share:.0%})"


def alarms(before: Event, after: Event) -> list[Alarm]:
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


_OF_ITEMS: dict[Alarm, Callable[[ItemChanged], str | None]] = {
    VAT: lambda item: item.vat_rate,
    MOVED: lambda item: item.group,
}


def _on_hand(stock: StockChanged) -> Decimal:
    return sum((row.quantity for row in stock.rows), ZERO)


def _fell(before: PriceChanged, after: PriceChanged) -> bool:
    prices = {price.price_type: price.price for price in before.prices if price.source != "Discounts"}
    now = [price for price in after.prices if price.source != "Discounts" and price.price_type in prices]
    return any(price.price * 2 < prices[price.price_type] for price in now)
