"""Who says which shop is known: store-feed, the one service that meets every shop whatever its flows are."""

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
from services.engine.outbox.outcome import Done, Outcome, Retry
from services.engine.outbox.row import Row
from services.engine.outbox.upstream_errors import AccessDenied, Rejected, UpstreamError, outcome_of
from services.engine.outbox.work import Work
from services.engine.state.records import Kind, State
from services.engine.state.store import read_kind
from services.settings.shop import ShopSettings

# Which orders a shop must still have: the newest placed ones that it has shown, or that this service has stated.

KNOWN_ORDER = Kind("known-order", PlacedOrder)
"""By shop:order; found by shop."""


def with_known_orders(handlers: Handlers) -> Handlers:
    """The rules of store-feed, which also keep the known orders of its shops right."""
    own: dict[Any, Any] = {OrderRemoved: _removed, ShopIdentified: _identified}
    return replace(handlers, remember=compose_rules(handlers.remember, own))


def _removed(envelope: Envelope[OrderRemoved], state: State) -> None:
    """An order that the shop is known to have deleted is no sign any more."""
    state.drop(KNOWN_ORDER, envelope.data.key)


def _identified(envelope: Envelope[ShopIdentified], state: State) -> None:
    """What a person has accepted may have other orders."""
    if envelope.data.how == "accepted":
        for key in state.find(KNOWN_ORDER, envelope.data.shop):
            state.drop(KNOWN_ORDER, key)


async def load_known_orders(engine: Engine, known: ShopIdentified) -> tuple[PlacedOrder, ...]:
    """The orders that a known shop must still have, newest first.

    After the state was rebuilt they are taken from the orders that were stated, unless a person has accepted the shop
    since: some of those may be the orders of the shop before.
    """
    async with engine.work() as work:
        shown = (await work.find_many(KNOWN_ORDER, [known.shop]))[known.shop]
    if shown or known.how == "accepted":
        return sort_newest_first(shown.values())
    return await _stated(engine, known.shop)


async def _stated(engine: Engine, shop: str) -> tuple[PlacedOrder, ...]:
    newest: tuple[PlacedOrder, ...] = ()
    async for key, body in read_kind(engine.database, "order"):
        if key.startswith(f"{shop}:") and (order := orjson.loads(body))["status"] not in NOT_LASTING:
            newest = sort_newest_first([*newest, _from_fact(order)])
    return newest


def _from_fact(order: dict[str, Any]) -> PlacedOrder:
    return PlacedOrder.model_validate({name: order[key] for name, key in FACT.items()})


FACT = {"order": "order_id", "created_at": "created_at", "total": "total"}
"""Which fields of `OrderChanged` tell an order from another."""


async def store_known_orders(work: Work, shop: str, placed: Iterable[PlacedOrder]) -> None:
    """Keep the newest placed orders that a shop which is ours has just shown."""
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
    """A person's last word on a shop."""

    command: str
    by: str
    why: str


ACCEPTED_SHOP = Kind("accepted", AcceptedShop)


class Markable(IdentitySource, Protocol):
    """A shop that can be marked."""

    async def create_marker(self, name: str) -> None: ...


class Registrar(ShopGuard):
    """The guard of store-feed: it records a shop at first contact, marks it once a flow is live, and says so when
    another one answers, and when that one is gone."""

    def __init__(self, name: str, shop: Markable, settings: ShopSettings, clock: Callable[[], datetime]) -> None:
        super().__init__(name, shop, settings, clock)
        self._marks = shop

    def decided_elsewhere(self, found: IdentityStatus) -> None:
        """It is this guard that decides, and looks again while a shop is blocked."""

    async def known_orders(self, engine: Engine, found: IdentityStatus) -> tuple[PlacedOrder, ...]:
        """The orders that the shop must still have, newest first."""
        return await load_known_orders(engine, found.known) if found.known else ()

    async def decide(
        self, engine: Engine, found: IdentityStatus, seen: ShopObservation, orders: Sequence[PlacedOrder]
    ) -> tuple[Retry | None, ShopIdentified | None]:
        """Compare, and say what is new on the operations topic."""
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
            await self._say(engine, not_recognized_event(self.name, seen, signs, self._clock()))

    async def _recognize(
        self, engine: Engine, found: IdentityStatus, seen: ShopObservation, signs: Sequence[str]
    ) -> ShopIdentified | None:
        """Say what is new of a shop that is ours: met, marked, with another key, or not blocked any more."""
        known = found.known
        if known is None:
            return await self._identified(engine, seen, "first-contact", "")
        if signs or found.strange is not None:
            why = "; ".join(signs) or "what had differed is as it was"
            return await self._identified(engine, seen, known.how, why, known)
        if known.marker is None and live_flows(self._settings) and not seen.hidden:
            return await self._identified(engine, seen, "marked", "", known)
        return known

    async def _identified(
        self, engine: Engine, seen: ShopObservation, how: How, why: str, known: ShopIdentified | None = None
    ) -> ShopIdentified | None:
        """Mark the shop where a flow is live, then say it."""
        marker = await self._marker(seen, known)
        if how == "marked" and known and marker == known.marker:
            return known
        kept = {"command": known.command, "home": known.home} if known else {}
        said = identified_event(self.name, seen, how, self._clock(), **{"marker": marker, "why": why} | kept)
        await self._say(engine, said)
        return said

    async def _marker(self, seen: ShopObservation, known: ShopIdentified | None) -> str | None:
        """The mark that the shop has, ours before any other; one that a kill left unsaid is taken over."""
        had = known.marker if known else None
        if had and (seen.hidden or had in seen.markers):
            return had
        if seen.markers and not had:
            return seen.markers[0]
        return await self._marked(seen) if live_flows(self._settings) and not seen.hidden else None

    async def _marked(self, seen: ShopObservation) -> str | None:
        """A new mark of ours in the shop; None where its key may not set one."""
        mark = blake2b(f"{self.name}|{seen.home}|{seen.key_mark}".encode(), digest_size=5).hexdigest()
        try:
            await self._marks.create_marker(MARK + mark)
        except (AccessDenied, Rejected) as error:
            log.warning("the shop is not marked: its key may not", extra={"shop": self.name, "why": error.message})
            return None
        return mark

    async def _say(self, engine: Engine, event: Event) -> None:
        async with engine.work() as work:
            await work.announce([(event, None)])


def identified_event(shop: str, seen: ShopObservation, how: How, at: datetime, **more: Any) -> ShopIdentified:
    """What a shop is known by from now on."""
    return ShopIdentified.model_validate({**_shown(seen), "shop": shop, "how": how, "at": at, **more})


def not_recognized_event(shop: str, seen: ShopObservation, found: Sequence[str], at: datetime) -> ShopNotRecognized:
    """Another shop answers."""
    return ShopNotRecognized.model_validate({**_shown(seen), "shop": shop, "differences": found, "at": at})


def _shown(seen: ShopObservation) -> dict[str, Any]:
    marker = seen.markers[0] if seen.markers else None
    return {name: getattr(seen, name) for name in ("url", "home", "key_mark", "newest_order")} | {"marker": marker}


def identity_lane_name(shop: str) -> str:
    """The lane in which a shop is looked at that a person has accepted; no guard stands before it."""
    return f"shop.identity:{shop}"


def on_accept_requested(envelope: Envelope[AcceptShopRequested], state: State) -> None:
    """A person says that this is the shop."""
    asked = envelope.data
    state.put(ACCEPTED_SHOP, asked.shop, AcceptedShop(command=asked.command_id, by=asked.asked_by, why=asked.why))
    state.touch(SUBJECT + asked.shop)


def decide_acceptance(subject: str, state: State) -> Decision:
    """Look at the shop and record it, once for each word of a person."""
    shop = subject.removeprefix(SUBJECT)
    accepted, known = state.get(ACCEPTED_SHOP, shop), state.get(KNOWN, shop)
    if accepted is None or (known is not None and known.command == accepted.command):
        return NOTHING
    payload = {"shop": shop, **accepted.model_dump()}
    return Decision((Delivery(f"{ACCEPT}:{shop}", ACCEPT, identity_lane_name(shop), shop, payload),))


class AcceptDeliveries:
    """Records an accepted shop as it is now. Reads only."""

    def __init__(self, shop: IdentitySource, settings: ShopSettings, clock: Callable[[], datetime]) -> None:
        self._shop, self._settings, self._clock = shop, settings, clock

    async def deliver(self, rows: Sequence[Row]) -> Sequence[Outcome]:
        """One outcome for each word of a person."""
        return [await self._accept(row.payload) for row in rows]

    async def _accept(self, asked: dict[str, Any]) -> Outcome:
        try:
            seen = await observe_shop(self._shop, self._settings)
        except UpstreamError as error:
            return outcome_of(error)
        shop, now = str(asked["shop"]), self._clock()
        told = {name: asked[name] for name in ("by", "why", "command")}
        known = identified_event(shop, seen, "accepted", now, **told)
        return Done((known, _settled(known, now)))


def _settled(known: ShopIdentified, now: datetime) -> CommandSettled:
    detail = f"shop {known.shop} is now the one at {known.home}; its newest order is {known.newest_order}"
    return CommandSettled(command_id=known.command, service="store-feed", outcome="done", detail=detail, settled_at=now)
