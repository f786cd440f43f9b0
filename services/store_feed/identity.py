"""Recording the identity of shops: store-feed does it, since it connects to every shop whatever its flows are."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import blake2b
from typing import Any, Literal, Protocol

import orjson

from contracts.delivery_ids import order_key
from contracts.envelope import Envelope
from contracts.identity import AcceptShopRequested, ShopIdentified, ShopNotRecognized
from contracts.model import Event, Part
from contracts.operations import CommandSettled
from contracts.shop import OrderRemoved
from services.accounting.checks.findings import live_flows
from services.connectors.identity.evidence import (
    MARK,
    NOT_LASTING,
    IdentitySource,
    IdentityVerdict,
    PlacedOrder,
    ShopObservation,
    compare_identity,
    observe_shop,
    sort_newest_first,
)
from services.connectors.identity.guard import AGAIN, ShopGuard
from services.connectors.identity.status import KNOWN, IdentityStatus, format_block
from services.engine.outbox.decision import NOTHING, Decision, Delivery
from services.engine.outbox.engine import Engine
from services.engine.outbox.handlers import Handlers, compose_rules
from services.engine.outbox.lane import Row
from services.engine.outbox.outcome import Done, Outcome, Retry
from services.engine.outbox.upstream_errors import AccessDenied, Rejected, UpstreamError, outcome_of
from services.engine.outbox.work import Work
from services.engine.state.records import Kind, State
from services.engine.state.store import read_kind
from services.settings.shop import ShopSettings

KNOWN_ORDER = Kind("known-order", PlacedOrder)
"""By shop:order; found by shop."""


def with_known_orders(handlers: Handlers) -> Handlers:
    """Return the rules with those that maintain the known orders of the shops."""
    own: dict[Any, Any] = {OrderRemoved: _on_order_removed, ShopIdentified: _on_shop_identified}
    return replace(handlers, remember=compose_rules(handlers.remember, own))


def _on_order_removed(envelope: Envelope[OrderRemoved], state: State) -> None:
    """An order deleted in the shop is no longer evidence."""
    state.drop(KNOWN_ORDER, envelope.data.key)


def _on_shop_identified(envelope: Envelope[ShopIdentified], state: State) -> None:
    """A shop that a person has accepted may have other orders."""
    if envelope.data.how == "accepted":
        for key in state.find(KNOWN_ORDER, envelope.data.shop):
            state.drop(KNOWN_ORDER, key)


async def load_known_orders(engine: Engine, known: ShopIdentified) -> tuple[PlacedOrder, ...]:
    """Return the newest placed orders that a known shop must still have, newest first.

    In a rebuilt database they come from the published orders, unless a person has accepted the shop since: some of
    those may be orders of the previous shop.
    """
    async with engine.work() as work:
        shown = (await work.find_many(KNOWN_ORDER, [known.shop]))[known.shop]
    if shown or known.how == "accepted":
        return sort_newest_first(shown.values())
    return await _load_published(engine, known.shop)


async def _load_published(engine: Engine, shop: str) -> tuple[PlacedOrder, ...]:
    newest: tuple[PlacedOrder, ...] = ()
    async for key, body in read_kind(engine.database, "order"):
        if key.startswith(f"{shop}:") and (order := orjson.loads(body))["status"] not in NOT_LASTING:
            newest = sort_newest_first([*newest, _from_fact(order)])
    return newest


def _from_fact(order: dict[str, Any]) -> PlacedOrder:
    return PlacedOrder.model_validate({name: order[key] for name, key in FACT.items()})


FACT = {"order": "order_id", "created_at": "created_at", "total": "total"}
"""The fields of `OrderChanged` that identify an order."""


async def store_known_orders(work: Work, shop: str, placed: Iterable[PlacedOrder]) -> None:
    """Store the newest placed orders that a recognized shop has just shown."""
    wanted = {order_key(shop, one.order): one for one in placed}
    before = (await work.find_many(KNOWN_ORDER, [shop]))[shop]
    for key in before.keys() - wanted.keys():
        work.drop(KNOWN_ORDER, key)
    for key, order in wanted.items():
        if before.get(key) != order:
            work.put(KNOWN_ORDER, key, order, shop)


log = logging.getLogger(__name__)
ACCEPT = "shop.accept"
SUBJECT = "accept "
How = Literal["first-contact", "marked", "accepted"]


class AcceptedShop(Part):
    """A person's last acceptance of a shop."""

    command: str
    by: str
    why: str


ACCEPTED_SHOP = Kind("accepted", AcceptedShop)


class Markable(IdentitySource, Protocol):
    """A shop that Davtari can set its mark in."""

    async def create_marker(self, name: str) -> None: ...


class Registrar(ShopGuard):
    """The guard of store-feed: it records a shop at first contact, marks it once a flow is live, and publishes when
    another shop answers, and when the known one answers again."""

    def __init__(self, name: str, shop: Markable, settings: ShopSettings, clock: Callable[[], datetime]) -> None:
        super().__init__(name, shop, settings, clock)
        self._marks = shop

    def decided_elsewhere(self, found: IdentityStatus) -> None:
        """Ignored: this guard decides itself, and checks again while a shop is blocked."""

    async def known_orders(self, engine: Engine, found: IdentityStatus) -> tuple[PlacedOrder, ...]:
        """Return the orders that the shop must still have, newest first."""
        return await load_known_orders(engine, found.known) if found.known else ()

    async def decide(
        self, engine: Engine, found: IdentityStatus, seen: ShopObservation, orders: Sequence[PlacedOrder]
    ) -> tuple[Retry | None, ShopIdentified | None]:
        """Compare the shop with what is known of it, and publish what is new."""
        verdict = compare_identity(found.known, seen, orders) if found.known else IdentityVerdict()
        if verdict.blocked:
            await self._block(engine, found, seen, verdict.signs)
            return Retry(format_block(self.name, verdict.signs), AGAIN), found.known
        known = await self._recognize(engine, found, seen, verdict.signs)
        async with engine.work() as work:
            await store_known_orders(work, self.name, seen.placed)
        return None, known

    async def _block(self, engine: Engine, found: IdentityStatus, seen: ShopObservation, signs: Sequence[str]) -> None:
        if found.strange is None or found.strange.differences != signs:
            await self._publish(engine, not_recognized_event(self.name, seen, signs, self._clock()))

    async def _recognize(
        self, engine: Engine, found: IdentityStatus, seen: ShopObservation, signs: Sequence[str]
    ) -> ShopIdentified | None:
        """Publish what is new of a recognized shop: first contact, a mark, another key, or the end of a block."""
        known = found.known
        if known is None:
            return await self._identified(engine, seen, "first-contact", "")
        if signs or found.strange is not None:
            why = "; ".join(signs) or "there are no differences any more"
            return await self._identified(engine, seen, known.how, why, known)
        if known.marker is None and live_flows(self._settings) and not seen.hidden:
            return await self._identified(engine, seen, "marked", "", known)
        return known

    async def _identified(
        self, engine: Engine, seen: ShopObservation, how: How, why: str, known: ShopIdentified | None = None
    ) -> ShopIdentified | None:
        """Mark the shop if a flow is live, then publish it."""
        marker = await self._marker(seen, known)
        if how == "marked" and known and marker == known.marker:
            return known
        kept = {"command": known.command, "home": known.home} if known else {}
        event = identified_event(self.name, seen, how, self._clock(), **{"marker": marker, "why": why} | kept)
        await self._publish(engine, event)
        return event

    async def _marker(self, seen: ShopObservation, known: ShopIdentified | None) -> str | None:
        """The mark that the shop has, preferably the known one; a mark set before a crash is adopted."""
        last = known.marker if known else None
        if last and (seen.hidden or last in seen.markers):
            return last
        if seen.markers and not last:
            return seen.markers[0]
        return await self._set_mark(seen) if live_flows(self._settings) and not seen.hidden else None

    async def _set_mark(self, seen: ShopObservation) -> str | None:
        """Set a new mark in the shop; returns None if the key has no permission for it."""
        mark = blake2b(f"{self.name}|{seen.home}|{seen.key_mark}".encode(), digest_size=5).hexdigest()
        try:
            await self._marks.create_marker(MARK + mark)
        except (AccessDenied, Rejected) as error:
            log.warning("shop not marked: its key has no permission", extra={"shop": self.name, "why": error.message})
            return None
        return mark

    async def _publish(self, engine: Engine, event: Event) -> None:
        async with engine.work() as work:
            await work.announce([(event, None)])


def identified_event(shop: str, seen: ShopObservation, how: How, at: datetime, **more: Any) -> ShopIdentified:
    """Return the event that identifies a shop from now on."""
    return ShopIdentified.model_validate({**_identity(seen), "shop": shop, "how": how, "at": at, **more})


def not_recognized_event(shop: str, seen: ShopObservation, found: Sequence[str], at: datetime) -> ShopNotRecognized:
    """Return the event that another shop answers."""
    return ShopNotRecognized.model_validate({**_identity(seen), "shop": shop, "differences": found, "at": at})


def _identity(seen: ShopObservation) -> dict[str, Any]:
    marker = seen.markers[0] if seen.markers else None
    return {name: getattr(seen, name) for name in ("url", "home", "key_mark", "newest_order")} | {"marker": marker}


def identity_lane_name(shop: str) -> str:
    """Return the lane that reads the identity of an accepted shop; it has no guard."""
    return f"shop.identity:{shop}"


def on_accept_requested(envelope: Envelope[AcceptShopRequested], state: State) -> None:
    """A person accepts a shop as the right one."""
    event = envelope.data
    state.put(ACCEPTED_SHOP, event.shop, AcceptedShop(command=event.command_id, by=event.asked_by, why=event.why))
    state.touch(SUBJECT + event.shop)


def decide_acceptance(subject: str, state: State) -> Decision:
    """Read the identity of an accepted shop and record it, once for each acceptance."""
    shop = subject.removeprefix(SUBJECT)
    accepted, known = state.get(ACCEPTED_SHOP, shop), state.get(KNOWN, shop)
    if accepted is None or (known is not None and known.command == accepted.command):
        return NOTHING
    payload = {"shop": shop, **accepted.model_dump()}
    return Decision((Delivery(f"{ACCEPT}:{shop}", ACCEPT, identity_lane_name(shop), shop, payload),))


class AcceptDeliveries:
    """Records the identity of an accepted shop. It only reads."""

    def __init__(self, shop: IdentitySource, settings: ShopSettings, clock: Callable[[], datetime]) -> None:
        self._shop, self._settings, self._clock = shop, settings, clock

    async def deliver(self, rows: Sequence[Row]) -> Sequence[Outcome]:
        """Return one outcome per row."""
        return [await self._accept(row.payload) for row in rows]

    async def _accept(self, payload: dict[str, Any]) -> Outcome:
        try:
            seen = await observe_shop(self._shop, self._settings)
        except UpstreamError as error:
            return outcome_of(error)
        shop, now = str(payload["shop"]), self._clock()
        acceptance = {name: payload[name] for name in ("by", "why", "command")}
        known = identified_event(shop, seen, "accepted", now, **acceptance)
        return Done((known, _settle(known, now)))


def _settle(known: ShopIdentified, now: datetime) -> CommandSettled:
    detail = f"shop {known.shop} is now the one at {known.home}; its newest order is {known.newest_order}"
    return CommandSettled(command_id=known.command, service="store-feed", outcome="done", detail=detail, settled_at=now)
