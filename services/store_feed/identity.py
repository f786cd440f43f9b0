"""Who says which shop is known: store-feed, the one service that meets every shop whatever its flows are."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Any, Literal, Protocol

from contracts.envelope import Envelope
from contracts.identity import AcceptShopRequested, ShopIdentified, ShopNotRecognized
from contracts.model import Event, Part
from contracts.operations import CommandSettled
from services.accounting.checks.finding import live
from services.connectors.identity.evidence import Verdict, judge
from services.connectors.identity.guard import AGAIN, Guard
from services.connectors.identity.orders import PlacedOrder
from services.connectors.identity.seen import MARK, Seen, ShowsItself, look
from services.connectors.identity.standing import KNOWN, Standing, refusal
from services.engine.outbox.decision import NOTHING, Decision, Delivery
from services.engine.outbox.engine import Engine
from services.engine.outbox.failure import outcome_of
from services.engine.outbox.outcome import Done, Outcome, Retry
from services.engine.outbox.row import Row
from services.engine.outbox.upstream_errors import AccessDenied, Rejected, UpstreamError
from services.engine.state.records import Kind, State
from services.settings.shop import ShopSettings
from services.store_feed.known_orders import known_orders, remember

log = logging.getLogger(__name__)
ACCEPT = "shop.accept"
SUBJECT = "accept "
How = Literal["first-contact", "marked", "accepted"]


class Accepted(Part):
    """A person's last word on a shop."""

    command: str
    by: str
    why: str


ACCEPTED = Kind("accepted", Accepted)


class Markable(ShowsItself, Protocol):
    """A shop that can be marked."""

    async def mark(self, name: str) -> None: ...


class Registrar(Guard):
    """The guard of store-feed: it records a shop at first contact, marks it once a flow is live, and says so when
    another one answers, and when that one is gone."""

    def __init__(self, name: str, shop: Markable, settings: ShopSettings, clock: Callable[[], datetime]) -> None:
        super().__init__(name, shop, settings, clock)
        self._marks = shop

    def decided_elsewhere(self, found: Standing) -> None:
        """It is this guard that decides, and looks again while a shop is blocked."""

    async def known_orders(self, engine: Engine, found: Standing) -> tuple[PlacedOrder, ...]:
        """The orders that the shop must still have, newest first."""
        return await known_orders(engine, found.known) if found.known else ()

    async def judge(
        self, engine: Engine, found: Standing, seen: Seen, orders: Sequence[PlacedOrder]
    ) -> tuple[Retry | None, ShopIdentified | None]:
        """Compare, and say what is new on the operations topic."""
        verdict = judge(found.known, seen, orders) if found.known else Verdict()
        if verdict.blocked:
            await self._block(engine, found, seen, verdict.signs)
            return Retry(refusal(self.name, verdict.signs), AGAIN), found.known
        known = await self._recognize(engine, found, seen, verdict.signs)
        async with engine.work() as work:
            await remember(work, self.name, seen.placed)
        return None, known

    async def _block(self, engine: Engine, found: Standing, seen: Seen, signs: Sequence[str]) -> None:
        if found.strange is None or found.strange.differences != signs:
            await self._say(engine, strange(self.name, seen, signs, self._clock()))

    async def _recognize(
        self, engine: Engine, found: Standing, seen: Seen, signs: Sequence[str]
    ) -> ShopIdentified | None:
        """Say what is new of a shop that is ours: met, marked, with another key, or not blocked any more."""
        known = found.known
        if known is None:
            return await self._identified(engine, seen, "first-contact", "")
        if signs or found.strange is not None:
            why = "; ".join(signs) or "what had differed is as it was"
            return await self._identified(engine, seen, known.how, why, known)
        if known.marker is None and live(self._settings) and not seen.hidden:
            return await self._identified(engine, seen, "marked", "", known)
        return known

    async def _identified(
        self, engine: Engine, seen: Seen, how: How, why: str, known: ShopIdentified | None = None
    ) -> ShopIdentified | None:
        """Mark the shop where a flow is live, then say it."""
        marker = await self._marker(seen, known)
        if how == "marked" and known and marker == known.marker:
            return known
        kept = {"command": known.command, "home": known.home} if known else {}
        said = identified(self.name, seen, how, self._clock(), **{"marker": marker, "why": why} | kept)
        await self._say(engine, said)
        return said

    async def _marker(self, seen: Seen, known: ShopIdentified | None) -> str | None:
        """The mark that the shop has, ours before any other; one that a kill left unsaid is taken over."""
        had = known.marker if known else None
        if had and (seen.hidden or had in seen.markers):
            return had
        if seen.markers and not had:
            return seen.markers[0]
        return await self._marked(seen) if live(self._settings) and not seen.hidden else None

    async def _marked(self, seen: Seen) -> str | None:
        """A new mark of ours in the shop; None where its key may not set one."""
        mark = blake2b(f"{self.name}|{seen.home}|{seen.key_mark}".encode(), digest_size=5).hexdigest()
        try:
            await self._marks.mark(MARK + mark)
        except (AccessDenied, Rejected) as error:
            log.warning("the shop is not marked: its key may not", extra={"shop": self.name, "why": error.message})
            return None
        return mark

    async def _say(self, engine: Engine, event: Event) -> None:
        async with engine.work() as work:
            await work.announce([(event, None)])


def identified(shop: str, seen: Seen, how: How, at: datetime, **more: Any) -> ShopIdentified:
    """What a shop is known by from now on."""
    return ShopIdentified.model_validate({**_shown(seen), "shop": shop, "how": how, "at": at, **more})


def strange(shop: str, seen: Seen, found: Sequence[str], at: datetime) -> ShopNotRecognized:
    """Another shop answers."""
    return ShopNotRecognized.model_validate({**_shown(seen), "shop": shop, "differences": found, "at": at})


def _shown(seen: Seen) -> dict[str, Any]:
    marker = seen.markers[0] if seen.markers else None
    return {name: getattr(seen, name) for name in ("url", "home", "key_mark", "newest_order")} | {"marker": marker}


def lane(shop: str) -> str:
    """The lane in which a shop is looked at that a person has accepted; no guard stands before it."""
    return f"shop.identity:{shop}"


def accept_requested(envelope: Envelope[AcceptShopRequested], state: State) -> None:
    """A person says that this is the shop."""
    asked = envelope.data
    state.put(ACCEPTED, asked.shop, Accepted(command=asked.command_id, by=asked.asked_by, why=asked.why))
    state.touch(SUBJECT + asked.shop)


def decide_accept(subject: str, state: State) -> Decision:
    """Look at the shop and record it, once for each word of a person."""
    shop = subject.removeprefix(SUBJECT)
    accepted, known = state.get(ACCEPTED, shop), state.get(KNOWN, shop)
    if accepted is None or (known is not None and known.command == accepted.command):
        return NOTHING
    payload = {"shop": shop, **accepted.model_dump()}
    return Decision((Delivery(f"{ACCEPT}:{shop}", ACCEPT, lane(shop), shop, payload),))


class Accepts:
    """Records an accepted shop as it is now. Reads only."""

    def __init__(self, shop: ShowsItself, settings: ShopSettings, clock: Callable[[], datetime]) -> None:
        self._shop, self._settings, self._clock = shop, settings, clock

    async def deliver(self, rows: Sequence[Row]) -> Sequence[Outcome]:
        """One outcome for each word of a person."""
        return [await self._accept(row.payload) for row in rows]

    async def _accept(self, asked: dict[str, Any]) -> Outcome:
        try:
            seen = await look(self._shop, self._settings)
        except UpstreamError as error:
            return outcome_of(error)
        shop, now = str(asked["shop"]), self._clock()
        told = {name: asked[name] for name in ("by", "why", "command")}
        known = identified(shop, seen, "accepted", now, **told)
        return Done((known, _settled(known, now)))


def _settled(known: ShopIdentified, now: datetime) -> CommandSettled:
    detail = f"shop {known.shop} is now the one at {known.home}; its newest order is {known.newest_order}"
    return CommandSettled(command_id=known.command, service="store-feed", outcome="done", detail=detail, settled_at=now)
