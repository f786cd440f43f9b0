"""Which items each discount of Balance applies to. Invalid discounts are reported and left out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from contracts.balance import ItemPrice
from contracts.reasons import Reason
from services.connectors.balance.discounts import Discount, discount
from services.connectors.balance.fields import RowInvalid
from services.engine.outbox.faults import Fault
from services.settings.balance import DiscountSettings

SUBJECT = "prices:discount"
Items = AsyncIterator[tuple[str, str]]
"""Known items and folders: the uid and the JSON of the last published fact."""


@dataclass(frozen=True, slots=True)
class Discounts:
    """The current and future discounts, by item, and those for all goods; `faults` by subject.

    `taken` counts discounts in use, `left_out` those that a sale price cannot express.
    """

    by_item: Mapping[str, Sequence[Discount]] = field(default_factory=dict)
    for_all: Sequence[Discount] = ()
    faults: Mapping[str, Fault] = field(default_factory=dict)
    taken: int = 0
    left_out: int = 0

    def for_item(self, item: str) -> list[Discount]:
        """Return the discounts of an item, sorted by code."""
        return sorted((*self.by_item.get(item, ()), *self.for_all), key=lambda discount: discount.code)

    def describe(self, item: str) -> str:
        """Return a text that changes with the discounts of an item: then its prices are published again."""
        if not self.for_all and item not in self.by_item:
            return ""
        return "\n".join(map(str, self.for_item(item)))


NO_DISCOUNTS = Discounts()


async def read_discounts(
    rows: AsyncIterator[dict[str, Any]], rules: DiscountSettings, items: Items, now: datetime
) -> Discounts:
    """Read all discounts that have not ended, by item. Raises `UpstreamError`: half a list would end sales."""
    valid, faults, left_out = list[Discount](), dict[str, Fault](), 0
    async for row in rows:
        try:
            one = discount(row, rules)
        except RowInvalid as error:
            faults[f"{SUBJECT}:{error.uid or ''}"] = Fault(reason=error.reason, detail=error.detail)
            continue
        left_out += one is None
        valid += [one] if one and (one.ends is None or one.ends > now) else []
    by_target = _group_by_target(valid)
    by_item, known_targets = await _assign_to_items(by_target, items)
    for target in sorted(by_target.keys() - known_targets):
        faults |= {f"{SUBJECT}:{one.code}:{target}": _unknown_target(one, target, rules) for one in by_target[target]}
    for_all = [one for one in valid if not one.items]
    return Discounts(by_item, for_all, faults, len(valid), left_out)


def _group_by_target(discounts: Iterable[Discount]) -> dict[str, list[Discount]]:
    by_target: defaultdict[str, list[Discount]] = defaultdict(list)
    for one in discounts:
        for target in one.items:
            by_target[target].append(one)
    return dict(by_target)


async def _assign_to_items(
    by_target: Mapping[str, Sequence[Discount]], items: Items
) -> tuple[dict[str, list[Discount]], set[str]]:
    """The discounts by item, and the targets that are known. A target can be a group, with all items below it
    (Balance fact 30)."""
    by_item: dict[str, list[Discount]] = {}
    known_targets: set[str] = set()
    if not by_target:
        return by_item, known_targets
    async for uid, body in items:
        matching = [target for target in _possible_targets(uid, orjson.loads(body)) if target in by_target]
        known_targets.update(matching)
        if matching:
            by_item[uid] = list({one.code: one for target in matching for one in by_target[target]}.values())
    return by_item, known_targets


def _possible_targets(uid: str, item: Mapping[str, Any]) -> Iterator[str]:
    """An item, and the groups that contain it."""
    yield uid
    yield from dict.fromkeys([item.get("group") or "", *(step["uid"] for step in item.get("path", ()))])


def _unknown_target(one: Discount, target: str, rules: DiscountSettings) -> Fault:
    detail = (
        f"Balance {rules.resource}, {one.code}: Items contains {target}, which is neither an item nor a group of the "
        "catalogue. Correct it in Balance; if it is new, run davtari import items"
    )
    return Fault(reason=Reason.BALANCE_ROW_INVALID, detail=detail)


def apply_discounts(prices: Iterable[ItemPrice], of_item: Iterable[Discount]) -> Iterator[ItemPrice]:
    """Yield a discounted price for each price and discount, with its period (claims S0.10, S2.23)."""
    reductions = list(of_item)
    for price in prices:
        for one in reductions:
            period = {"valid_from": one.starts, "valid_to": one.ends}
            yield price.model_copy(update={"price": one.of(price.price), "source": "Discounts", **period})
