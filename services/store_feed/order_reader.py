"""Reading one order until the answer can be its current state (claim K28)."""

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
from services.store_feed.records import OrderState, compare_states, is_dated_plausibly, state_of_order

Json = Mapping[str, Any]
TAXES_DIFFER = (
    "with six decimals requested, the shop answers other taxes, or no additional decimals; a cache may have answered"
)


class OrderReadPayload(Part):
    """The payload of a read of an order.

    `asked` is that of the hint it serves. `known` is the newest state that the shop has shown; `refunds` are the
    refunds that it has shown. `since` is when the order or a refund first could not be read, `missing_since` when the
    shop first answered that the order does not exist; `refunds_missing` is the same for refunds.
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
    """Reads orders and refunds of a shop. `fresh` answers come from the shop itself, not from a cache."""

    async def order(self, order_id: int, *, fresh: bool = False, dp: int | None = None) -> dict[str, Any] | None: ...
    async def listed_order(self, order_id: int) -> dict[str, Any] | None: ...
    async def order_cache_headers(self, order_id: int) -> str: ...
    async def refunds(self, order_id: int, *, fresh: bool = False, dp: int | None = None) -> list[dict[str, Any]]: ...


@dataclass(frozen=True, slots=True)
class OrderAnswer:
    """An order as the shop answered it: its fact, or why there is none; and its state, if it has a time."""

    json: dict[str, Any]
    fact: OrderChanged | ReadError
    shown: OrderState | None

    @property
    def status(self) -> str:
        """The order's status; empty if it cannot be read."""
        return str(self.json.get("status") or "")


@dataclass(frozen=True, slots=True)
class OrderParser:
    """Turns answers about orders of one shop into facts."""

    shop: str
    settings: OrderSettings

    @property
    def keys(self) -> dict[str, Sequence[str]]:
        """The custom fields that identify the buyer."""
        return {
            "personal_id_keys": self.settings.personal_id_keys,
            "company_id_keys": self.settings.company_id_keys,
        }

    def fact(self, json: Json) -> OrderChanged:
        """Return the fact about an order. Raises `ReadError`."""
        references = self.settings.payment_reference_keys
        fact: OrderChanged = order_changed(self.shop, json, **self.keys, payment_reference_keys=references)
        return fact

    def answer(self, json: dict[str, Any]) -> OrderAnswer:
        """Return an answer, parsed as far as possible."""
        try:
            fact: OrderChanged | ReadError = self.fact(json)
        except ReadError as error:
            fact = error
        return OrderAnswer(json, fact, _shown(json, fact))


def listed_state(shop: str, json: dict[str, Any], seen_at: datetime) -> OrderState | None:
    """Return the state of an order in a list; None if it has no modification time, or one in the future."""
    state = OrderParser(shop, OrderSettings()).answer(json).shown
    return state.model_copy(update={"seen_at": seen_at}) if state and is_dated_plausibly(state, seen_at) else None


def _shown(json: Json, fact: OrderChanged | ReadError) -> OrderState | None:
    """The state that an answer shows; None if it has no modification time.

    Moving an order to the trash may not change that time, so the content of an order in the trash is not compared.
    """
    changed = read_modified_at(json)
    if changed is None:
        return None
    if isinstance(fact, ReadError) or fact.status == TRASH:
        return OrderState(modified_at=changed)
    return state_of_order(fact, None).model_copy(update={"modified_at": changed})


def describe_order(shop: str, order_id: int) -> str:
    """Return a description of an order for people."""
    return f"shop {shop}: order {order_id}"


def retry_wait(now: datetime, since: datetime | None) -> float:
    """Return the seconds until an unreadable order is read again: the time since `since`, within limits."""
    lasted = (now - since).total_seconds() if since else 0.0
    return min(max(lasted, FIRST_WAIT), LONGEST_WAIT)


FIRST_WAIT, LONGEST_WAIT = 60.0, 3600.0


@dataclass(frozen=True, slots=True)
class OutdatedAnswer:
    """The shop answers an older state than it has shown; `listed` is the order in its order list, if that is newer.

    `cache_marks` are the headers of caches in the answer.
    """

    answer: OrderState
    known: OrderState
    listed: OrderAnswer | None
    cache_marks: str


class OrderReader:
    """Reads orders of one shop past caches, and a second time if the first answer is older than the known state."""

    def __init__(self, shop: OrderSource, reading: OrderParser) -> None:
        self._shop, self._reading = shop, reading

    async def read(self, wanted: OrderReadPayload) -> OrderAnswer | OutdatedAnswer | None:
        """Return the current order; None if the shop answers that it does not exist. Raises `UpstreamError`."""
        answer = await self._read(wanted.order)
        if answer is None or is_current_answer(answer, wanted.known):
            return answer
        again = await self._read(wanted.order)
        if again is None or again.shown is None or wanted.known is None or is_current_answer(again, wanted.known):
            return again
        return await self._compare_with_list(again, again.shown, wanted.known)

    async def _read(self, order_id: int) -> OrderAnswer | None:
        json = await self._shop.order(order_id, fresh=True)
        return None if json is None else self._reading.answer(json)

    async def _compare_with_list(
        self, answer: OrderAnswer, shown: OrderState, known: OrderState
    ) -> OrderAnswer | OutdatedAnswer:
        """Other content of the same second is accepted if the order list shows it too; an older state never is."""
        order_id = int(answer.json["id"])
        json = await self._shop.listed_order(order_id)
        listed = self._reading.answer(json) if json is not None else None
        if _same_second(shown, known) and listed is not None and _agree(shown, listed.shown):
            return answer
        newer = listed if listed and is_current_answer(listed, known) else None
        return OutdatedAnswer(shown, known, newer, await self._shop.order_cache_headers(order_id))


def is_current_answer(answer: OrderAnswer, known: OrderState | None) -> bool:
    """Return whether an answer can be the current state; one without a modification time can."""
    return answer.shown is None or compare_states(answer.shown, known) == "current"


def _same_second(one: OrderState, other: OrderState) -> bool:
    return one.modified_at == other.modified_at


def _agree(one: OrderState, other: OrderState | None) -> bool:
    return other is not None and _same_second(one, other) and one.content == other.content


def build_outdated_event(wanted: OrderReadPayload, outdated: OutdatedAnswer, now: datetime) -> OrderUnreadable:
    """Return the event about an order whose answer is outdated; the newer lines of the list reserve stock."""
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
    marks = f". Cache headers of the answer: {outdated.cache_marks}" if outdated.cache_marks else ""
    return f"{describe_order(wanted.shop, wanted.order)}: the single order {_difference(outdated)}{marks}"


def _difference(outdated: OutdatedAnswer) -> str:
    known = local_time(outdated.known.modified_at, seconds=True)
    if _same_second(outdated.answer, outdated.known):
        return f"has another state of {known} than the order list or an earlier read"
    changed = local_time(outdated.answer.modified_at, seconds=True)
    return f"was last changed on {changed}, but the order list, a webhook or an earlier read showed a change on {known}"
