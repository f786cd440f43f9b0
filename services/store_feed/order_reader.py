"""Reading one order until the answer can be its present state (claim K28)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from pydantic import Field

from contracts.model import Instant, Part
from contracts.order_statuses import TRASH
from contracts.reasons import Reason
from contracts.shop import OrderChanged, OrderUnreadable
from services.connectors.woocommerce.order import order_changed
from services.connectors.woocommerce.orders import read_modified_at, read_parts
from services.connectors.woocommerce.read import ReadError
from services.engine.clock import local_time
from services.settings.orders import OrderSettings
from services.store_feed.records import OrderState, compare_states, state_of_order

# What a look at an order needs to know, and what it reads of a shop.

Json = Mapping[str, Any]
TAXES_DIFFER = "asked for six decimals, the shop answers other taxes than without, or no more decimals: from a cache?"


class OrderReadPayload(Part):
    """A look at an order, as the outbox holds it.

    `known` is the newest state that the shop has shown; `refunds` are the refunds that it has shown. `since` is when an
    answer about the order or a refund was first not taken, `missing_since` when the shop first said that the order is
    gone, `refunds_missing` the same for refunds.
    """

    shop: str
    order: int
    asked: int
    known: OrderState | None = None
    refunds: tuple[int, ...] = ()
    since: Instant | None = None
    missing_since: Instant | None = None
    refunds_missing: dict[int, Instant] = Field(default_factory=dict)


class OrderSource(Protocol):
    """What is read of a shop. `fresh` answers come from the shop itself, not from a cache in front of it."""

    async def order(self, order_id: int, *, fresh: bool = False, dp: int | None = None) -> dict[str, Any] | None: ...
    async def listed_order(self, order_id: int) -> dict[str, Any] | None: ...
    async def order_cache_headers(self, order_id: int) -> str: ...
    async def refunds(self, order_id: int, *, fresh: bool = False, dp: int | None = None) -> list[dict[str, Any]]: ...


@dataclass(frozen=True, slots=True)
class OrderAnswer:
    """An order as the shop answered it: its fact, or why there is none; and the state that it shows, if dated."""

    json: dict[str, Any]
    fact: OrderChanged | ReadError
    shown: OrderState | None

    @property
    def status(self) -> str:
        """The order's status; empty where it cannot be read."""
        return str(self.json.get("status") or "")


@dataclass(frozen=True, slots=True)
class OrderParser:
    """How orders of one shop become facts."""

    shop: str
    settings: OrderSettings

    @property
    def keys(self) -> dict[str, Sequence[str]]:
        """The custom fields that say who the buyer is."""
        return {
            "personal_id_keys": self.settings.personal_id_keys,
            "company_id_keys": self.settings.company_id_keys,
        }

    def fact(self, json: Json) -> OrderChanged:
        """The fact about an order. Raises `ReadError`."""
        references = self.settings.payment_reference_keys
        fact: OrderChanged = order_changed(self.shop, json, **self.keys, payment_reference_keys=references)
        return fact

    def answer(self, json: dict[str, Any]) -> OrderAnswer:
        """An answer, read as far as it goes."""
        try:
            fact: OrderChanged | ReadError = self.fact(json)
        except ReadError as error:
            fact = error
        return OrderAnswer(json, fact, _shown(json, fact))


def listed_state(shop: str, json: dict[str, Any], seen_at: datetime) -> OrderState | None:
    """The state of an order that a list shows; None when it does not say when the order was changed last."""
    state = OrderParser(shop, OrderSettings()).answer(json).shown
    return state.model_copy(update={"seen_at": seen_at}) if state else None


def _shown(json: Json, fact: OrderChanged | ReadError) -> OrderState | None:
    """The state that an answer shows; None when it does not say when the order was changed last.

    The move to the trash may leave that time as it was, so that the content of an order in the trash is not compared.
    """
    changed = read_modified_at(json)
    if changed is None:
        return None
    if isinstance(fact, ReadError) or fact.status == TRASH:
        return OrderState(modified_at=changed)
    return state_of_order(fact, None).model_copy(update={"modified_at": changed})


def describe_order(shop: str, order_id: int) -> str:
    """How an order is named to a person."""
    return f"shop {shop}: order {order_id}"


def retry_wait(now: datetime, since: datetime | None) -> float:
    """Seconds until an answer that was not taken is asked for again: as long as it lasts already, within bounds."""
    lasted = (now - since).total_seconds() if since else 0.0
    return min(max(lasted, FIRST_WAIT), LONGEST_WAIT)


FIRST_WAIT, LONGEST_WAIT = 60.0, 3600.0


@dataclass(frozen=True, slots=True)
class OutdatedAnswer:
    """The shop answers an older state than it has shown; `listed` is what its order list shows, if that is newer.

    `cache_marks` is what the answer says of caches on its way.
    """

    answer: OrderState
    known: OrderState
    listed: OrderAnswer | None
    cache_marks: str


class OrderReader:
    """Reads orders of one shop past caches, and a second time where the first answer is older than what is known."""

    def __init__(self, shop: OrderSource, reading: OrderParser) -> None:
        self._shop, self._reading = shop, reading

    async def read(self, wanted: OrderReadPayload) -> OrderAnswer | OutdatedAnswer | None:
        """The order as it is now; None when the shop says that it is gone. Raises `UpstreamError`."""
        answer = await self._ask(wanted.order)
        if answer is None or is_current_answer(answer, wanted.known):
            return answer
        again = await self._ask(wanted.order)
        if again is None or again.shown is None or wanted.known is None or is_current_answer(again, wanted.known):
            return again
        return await self._doubted(again, again.shown, wanted.known)

    async def _ask(self, order_id: int) -> OrderAnswer | None:
        json = await self._shop.order(order_id, fresh=True)
        return None if json is None else self._reading.answer(json)

    async def _doubted(self, answer: OrderAnswer, shown: OrderState, known: OrderState) -> OrderAnswer | OutdatedAnswer:
        """Another content of the same second is believed when the order list shows it too; an older state never."""
        order_id = int(answer.json["id"])
        json = await self._shop.listed_order(order_id)
        listed = self._reading.answer(json) if json is not None else None
        if _same_second(shown, known) and listed is not None and _agree(shown, listed.shown):
            return answer
        newer = listed if listed and is_current_answer(listed, known) else None
        return OutdatedAnswer(shown, known, newer, await self._shop.order_cache_headers(order_id))


def is_current_answer(answer: OrderAnswer, known: OrderState | None) -> bool:
    """Whether an answer can be the present state; one that does not say when the order was changed last can."""
    return answer.shown is None or compare_states(answer.shown, known) == "current"


def _same_second(one: OrderState, other: OrderState) -> bool:
    return one.modified_at == other.modified_at


def _agree(one: OrderState, other: OrderState | None) -> bool:
    return other is not None and _same_second(one, other) and one.content == other.content


def build_outdated_event(wanted: OrderReadPayload, outdated: OutdatedAnswer, now: datetime) -> OrderUnreadable:
    """What is said of an order while its answer is outdated; the list's newer state reserves stock."""
    listed: dict[str, Any] = read_parts(outdated.listed.json) if outdated.listed else {}
    return OrderUnreadable(
        shop=wanted.shop,
        order_id=wanted.order,
        reason=Reason.SHOP_ORDER_OUTDATED,
        detail=_detail(wanted, outdated),
        seen_modified_at=outdated.known.modified_at,
        observed_at=now,
        **listed,
    )


def _detail(wanted: OrderReadPayload, outdated: OutdatedAnswer) -> str:
    marks = f". The answer says of caches: {outdated.cache_marks}" if outdated.cache_marks else ""
    return f"{describe_order(wanted.shop, wanted.order)}: read alone {_difference(outdated)}{marks}"


def _difference(outdated: OutdatedAnswer) -> str:
    known = local_time(outdated.known.modified_at, seconds=True)
    if _same_second(outdated.answer, outdated.known):
        return f"it shows another state of {known} than the order list or an earlier read"
    changed = local_time(outdated.answer.modified_at, seconds=True)
    return (
        f"it was last changed on {changed}, but the order list, a webhook or an earlier read showed a change of {known}"
    )
