"""What a look at an order needs to know, and what it reads of a shop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from pydantic import Field

from contracts.model import Instant, Part
from contracts.order_statuses import TRASH
from contracts.shop import OrderChanged
from services.connectors.woocommerce.order import order_changed
from services.connectors.woocommerce.read import ReadError
from services.connectors.woocommerce.readable import modified_at
from services.settings.orders import OrderSettings
from services.store_feed.evidence import Shown, shown

Json = Mapping[str, Any]
OTHER_TAXES = "asked for six decimals, the shop answers other taxes than without, or no more decimals: from a cache?"


class Wanted(Part):
    """A look at an order, as the outbox holds it.

    `known` is the newest state that the shop has shown; `refunds` are the refunds that it has shown. `since` is when an
    answer about the order or a refund was first not taken, `missing_since` when the shop first said that the order is
    gone, `refunds_missing` the same for refunds.
    """

    shop: str
    order: int
    asked: int
    known: Shown | None = None
    refunds: tuple[int, ...] = ()
    since: Instant | None = None
    missing_since: Instant | None = None
    refunds_missing: dict[int, Instant] = Field(default_factory=dict)


class ReadsOrders(Protocol):
    """What is read of a shop. `fresh` answers come from the shop itself, not from a cache in front of it."""

    async def order(self, order_id: int, *, fresh: bool = False, dp: int | None = None) -> dict[str, Any] | None: ...
    async def listed_order(self, order_id: int) -> dict[str, Any] | None: ...
    async def order_cache_marks(self, order_id: int) -> str: ...
    async def refunds(self, order_id: int, *, fresh: bool = False, dp: int | None = None) -> list[dict[str, Any]]: ...


@dataclass(frozen=True, slots=True)
class Answer:
    """An order as the shop answered it: its fact, or why there is none; and the state that it shows, if dated."""

    json: dict[str, Any]
    fact: OrderChanged | ReadError
    shown: Shown | None

    @property
    def status(self) -> str:
        """The order's status; empty where it cannot be read."""
        return str(self.json.get("status") or "")


@dataclass(frozen=True, slots=True)
class Reading:
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

    def answer(self, json: dict[str, Any]) -> Answer:
        """An answer, read as far as it goes."""
        try:
            fact: OrderChanged | ReadError = self.fact(json)
        except ReadError as error:
            fact = error
        return Answer(json, fact, _shown(json, fact))


def shown_by(shop: str, json: dict[str, Any], seen_at: datetime) -> Shown | None:
    """The state of an order that a list shows; None when it does not say when the order was changed last."""
    state = Reading(shop, OrderSettings()).answer(json).shown
    return state.model_copy(update={"seen_at": seen_at}) if state else None


def _shown(json: Json, fact: OrderChanged | ReadError) -> Shown | None:
    """The state that an answer shows; None when it does not say when the order was changed last.

    The move to the trash may leave that time as it was, so that the content of an order in the trash is not compared.
    """
    changed = modified_at(json)
    if changed is None:
        return None
    if isinstance(fact, ReadError) or fact.status == TRASH:
        return Shown(modified_at=changed)
    return shown(fact, None).model_copy(update={"modified_at": changed})


def named(shop: str, order_id: int) -> str:
    """How an order is named to a person."""
    return f"shop {shop}: order {order_id}"


def wait_of(now: datetime, since: datetime | None) -> float:
    """Seconds until an answer that was not taken is asked for again: as long as it lasts already, within bounds."""
    lasted = (now - since).total_seconds() if since else 0.0
    return min(max(lasted, FIRST_WAIT), LONGEST_WAIT)


FIRST_WAIT, LONGEST_WAIT = 60.0, 3600.0
