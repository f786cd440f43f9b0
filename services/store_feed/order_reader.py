"""Reading one order until the answer can be its present state (claim K28)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contracts.reasons import Reason
from contracts.shop import OrderUnreadable
from services.connectors.woocommerce.readable import readable_parts
from services.engine.runtime.tbilisi import local_time
from services.store_feed.evidence import Shown, judge
from services.store_feed.looks import Answer, Reading, ReadsOrders, Wanted, named


@dataclass(frozen=True, slots=True)
class Outdated:
    """The shop answers an older state than it has shown; `listed` is what its order list shows, if that is newer.

    `cache_marks` is what the answer says of caches on its way.
    """

    answer: Shown
    known: Shown
    listed: Answer | None
    cache_marks: str


class OrderReader:
    """Reads orders of one shop past caches, and a second time where the first answer is older than what is known."""

    def __init__(self, shop: ReadsOrders, reading: Reading) -> None:
        self._shop, self._reading = shop, reading

    async def read(self, wanted: Wanted) -> Answer | Outdated | None:
        """The order as it is now; None when the shop says that it is gone. Raises `UpstreamError`."""
        answer = await self._ask(wanted.order)
        if answer is None or is_current(answer, wanted.known):
            return answer
        again = await self._ask(wanted.order)
        if again is None or again.shown is None or wanted.known is None or is_current(again, wanted.known):
            return again
        return await self._doubted(again, again.shown, wanted.known)

    async def _ask(self, order_id: int) -> Answer | None:
        json = await self._shop.order(order_id, fresh=True)
        return None if json is None else self._reading.answer(json)

    async def _doubted(self, answer: Answer, shown: Shown, known: Shown) -> Answer | Outdated:
        """Another content of the same second is believed when the order list shows it too; an older state never."""
        order_id = int(answer.json["id"])
        json = await self._shop.listed_order(order_id)
        listed = self._reading.answer(json) if json is not None else None
        if _same_second(shown, known) and listed is not None and _agree(shown, listed.shown):
            return answer
        newer = listed if listed and is_current(listed, known) else None
        return Outdated(shown, known, newer, await self._shop.order_cache_marks(order_id))


def is_current(answer: Answer, known: Shown | None) -> bool:
    """Whether an answer can be the present state; one that does not say when the order was changed last can."""
    return answer.shown is None or judge(answer.shown, known) == "current"


def _same_second(one: Shown, other: Shown) -> bool:
    return one.modified_at == other.modified_at


def _agree(one: Shown, other: Shown | None) -> bool:
    return other is not None and _same_second(one, other) and one.content == other.content


def outdated_event(wanted: Wanted, outdated: Outdated, now: datetime) -> OrderUnreadable:
    """What is said of an order while its answer is outdated; the list's newer state reserves stock."""
    listed: dict[str, Any] = readable_parts(outdated.listed.json) if outdated.listed else {}
    return OrderUnreadable(
        shop=wanted.shop,
        order_id=wanted.order,
        reason=Reason.SHOP_ORDER_OUTDATED,
        detail=_detail(wanted, outdated),
        seen_modified_at=outdated.known.modified_at,
        observed_at=now,
        **listed,
    )


def _detail(wanted: Wanted, outdated: Outdated) -> str:
    marks = f". The answer says of caches: {outdated.cache_marks}" if outdated.cache_marks else ""
    return f"{named(wanted.shop, wanted.order)}: read alone {_difference(outdated)}{marks}"


def _difference(outdated: Outdated) -> str:
    known = local_time(outdated.known.modified_at, seconds=True)
    if _same_second(outdated.answer, outdated.known):
        return f"it shows another state of {known} than the order list or an earlier read"
    changed = local_time(outdated.answer.modified_at, seconds=True)
    return (
        f"it was last changed on {changed}, but the order list, a webhook or an earlier read showed a change of {known}"
    )
