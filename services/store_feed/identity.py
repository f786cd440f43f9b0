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
from services.shared.checks.finding import live
from services.shared.delivery.decision import NOTHING, Decision, Delivery
from services.shared.delivery.engine import Engine
from services.shared.delivery.failure import outcome_of
from services.shared.delivery.outcome import Done, Outcome, Retry
from services.shared.delivery.row import Row
from services.shared.identity.guard import AGAIN, Guard
from services.shared.identity.seen import MARK, Seen, ShowsItself, differences, look
from services.shared.identity.standing import KNOWN, refusal
from services.shared.settings.shop import ShopSettings
from services.shared.state.records import Kind, State
from services.shared.state.store import read_kind
from services.shared.upstream.errors import AccessDenied, Rejected, UpstreamError

log = logging.getLogger(__name__)
ACCEPT = "shop.accept"
SUBJECT = "accept "
How = Literal["first-contact", "marked", "accepted"]


class Reached(Part):
    """The highest order number seen so far."""

    order: int


class Accepted(Part):
    """A person's last word on a shop."""

    command: str
    by: str
    why: str


REACHED = Kind("reached", Reached)
ACCEPTED = Kind("accepted", Accepted)


class Markable(ShowsItself, Protocol):
    """A shop that can be marked."""

    async def mark(self, name: str) -> None: ...


class Registrar(Guard):
    """The guard of store-feed: it records a shop at first contact, marks it once a flow is live, and says so when
    another one answers."""

    def __init__(self, name: str, shop: Markable, settings: ShopSettings, clock: Callable[[], datetime]) -> None:
        super().__init__(name, shop, settings, clock)
        self._marks = shop

    async def newest_known(self, engine: Engine, known: ShopIdentified | None) -> int:
        """What was seen at the last look, or what this service has stated."""
        async with engine.work() as work:
            reached = (await work.get_many(REACHED, [self.name])).get(self.name)
        at_least = known.newest_order if known else 0
        return max(at_least, reached.order if reached else await self._stated(engine))

    async def _stated(self, engine: Engine) -> int:
        orders = [key.split(":") async for key, _ in read_kind(engine.database, "order")]
        return max((int(number) for shop, number in orders if shop == self.name), default=0)

    async def judge(
        self, engine: Engine, known: ShopIdentified | None, seen: Seen
    ) -> tuple[Retry | None, ShopIdentified | None]:
        """Compare, and say what is new on the operations topic."""
        if known is None:
            return None, await self._identified(engine, seen, "first-contact")
        reached = known.model_copy(update={"newest_order": await self.newest_known(engine, known)})
        if found := differences(reached, seen):
            await self._say(engine, strange(self.name, seen, found, self._clock()))
            return Retry(refusal(self.name, found), AGAIN), None
        async with engine.work() as work:
            work.put(REACHED, self.name, Reached(order=seen.newest_order))
        if known.marker is None and live(self._settings) and not seen.hidden:
            return None, await self._identified(engine, seen, "marked", known)
        return None, known

    async def _identified(
        self, engine: Engine, seen: Seen, how: How, known: ShopIdentified | None = None
    ) -> ShopIdentified | None:
        """Mark the shop where a flow is live, then say it; a mark that a kill left unsaid is found and taken over."""
        marker = seen.marker or (await self._marked(seen) if live(self._settings) and not seen.hidden else None)
        if how == "marked" and marker is None:
            return known
        said = identified(self.name, seen, how, self._clock(), marker=marker)
        if known:
            said = said.model_copy(update={"command": known.command})
        await self._say(engine, said)
        return said

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
    names = ("url", "home", "key_mark", "marker", "newest_order")
    return {name: getattr(seen, name) for name in names}


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
        reached = ((REACHED, shop, Reached(order=seen.newest_order)),)
        return Done((known, _settled(known, now)), keep=reached)


def _settled(known: ShopIdentified, now: datetime) -> CommandSettled:
    detail = f"shop {known.shop} is now the one at {known.home}; its newest order is {known.newest_order}"
    return CommandSettled(command_id=known.command, service="store-feed", outcome="done", detail=detail, settled_at=now)
