"""Which items a discount of Balance is for, and what is at fault with discounts: bad ones are told and left out."""

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
from services.connectors.balance.rows import RowInvalid
from services.engine.outbox.faults import Fault
from services.settings.discounts import DiscountSettings

SUBJECT = "prices:discount"
Items = AsyncIterator[tuple[str, str]]
"""Known items and folders: uid and the JSON of what was stated last."""


@dataclass(frozen=True, slots=True)
class Discounts:
    """The discounts that hold or will hold, by item, and those for all goods; `faults` by subject.

    `left_out` counts those that a sale price cannot express.
    """

    by_item: Mapping[str, Sequence[Discount]] = field(default_factory=dict)
    for_all: Sequence[Discount] = ()
    faults: Mapping[str, Fault] = field(default_factory=dict)
    taken: int = 0
    left_out: int = 0

    def of(self, item: str) -> list[Discount]:
        """The discounts of an item, by code."""
        return sorted((*self.by_item.get(item, ()), *self.for_all), key=lambda one: one.code)

    def text(self, item: str) -> str:
        """What stands for them: an item's prices are stated again when one of them changes."""
        if not self.for_all and item not in self.by_item:
            return ""
        return "\n".join(map(str, self.of(item)))


NO_DISCOUNTS = Discounts()


async def read_discounts(
    rows: AsyncIterator[dict[str, Any]], rules: DiscountSettings, items: Items, now: datetime
) -> Discounts:
    """All discounts that are not over, laid on items. Raises `UpstreamError`: half a list would end sales."""
    found, faults, left_out = list[Discount](), dict[str, Fault](), 0
    async for row in rows:
        try:
            one = discount(row, rules)
        except RowInvalid as error:
            faults[f"{SUBJECT}:{error.uid or ''}"] = Fault(reason=error.reason, detail=error.detail)
            continue
        left_out += one is None
        found += [one] if one and (one.ends is None or one.ends > now) else []
    named = _by_target(found)
    by_item, seen = await _laid(named, items)
    for target in sorted(named.keys() - seen):
        faults |= {f"{SUBJECT}:{one.code}:{target}": _unknown(one, target, rules) for one in named[target]}
    for_all = [one for one in found if not one.items]
    return Discounts(by_item, for_all, faults, len(found), left_out)


def _by_target(found: Iterable[Discount]) -> dict[str, list[Discount]]:
    named: defaultdict[str, list[Discount]] = defaultdict(list)
    for one in found:
        for target in one.items:
            named[target].append(one)
    return dict(named)


async def _laid(named: Mapping[str, Sequence[Discount]], items: Items) -> tuple[dict[str, list[Discount]], set[str]]:
    """The discounts by item, and the targets that are known. API fact: a target may be a group: all below it."""
    by_item: dict[str, list[Discount]] = {}
    seen: set[str] = set()
    if not named:
        return by_item, seen
    async for uid, body in items:
        hit = [target for target in _targets(uid, orjson.loads(body)) if target in named]
        seen.update(hit)
        if hit:
            by_item[uid] = list({one.code: one for target in hit for one in named[target]}.values())
    return by_item, seen


def _targets(uid: str, item: Mapping[str, Any]) -> Iterator[str]:
    yield uid
    yield from dict.fromkeys([item.get("group") or "", *(step["uid"] for step in item.get("path", ()))])


def _unknown(one: Discount, target: str, rules: DiscountSettings) -> Fault:
    detail = (
        f"Balance {rules.resource}, {one.code}: Items names {target}, which is no item or group of the catalogue. "
        "Correct it in Balance, or davtari import items if it is new"
    )
    return Fault(reason=Reason.BALANCE_ROW_INVALID, detail=detail)


def apply_discounts(prices: Iterable[ItemPrice], of_item: Iterable[Discount]) -> Iterator[ItemPrice]:
    """A discounted price for each price and discount, with its window (claims S0.10, S2.23)."""
    reductions = list(of_item)
    for price in prices:
        for one in reductions:
            window = {"valid_from": one.starts, "valid_to": one.ends}
            yield price.model_copy(update={"price": one.of(price.price), "source": "Discounts", **window})
