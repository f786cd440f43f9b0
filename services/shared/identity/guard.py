"""Guards of lanes: nothing leaves toward a shop, or toward Balance on behalf of one, that is not recognized.

What it costs: three small calls to the shop when a lane has something to deliver and the last look is older than
`identity-check`; otherwise one read of our own database for each call that leaves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from contracts.identity import ShopIdentified
from contracts.reasons import Reason
from services.shared.delivery.engine import Engine
from services.shared.delivery.failure import outcome_of
from services.shared.delivery.lane import Deliver, Lane
from services.shared.delivery.outcome import Blocked, Outcome, Retry
from services.shared.delivery.row import Row
from services.shared.identity.kept import standing, standings
from services.shared.identity.seen import Seen, ShowsItself, differences, look
from services.shared.identity.standing import awaited, refusal, told
from services.shared.settings.shop import ShopSettings
from services.shared.upstream.errors import Rejected, UpstreamError

AGAIN = 5.0
"""Seconds after which a lane that is shut asks again whether the shop was accepted."""
Shut = Callable[[], Awaitable[Retry | None]]
NEVER = datetime.min.replace(tzinfo=UTC)


class Guard:
    """Before what a service reads from or writes to one shop. Where nobody has met the shop yet, the first is right."""

    def __init__(self, name: str, shop: ShowsItself, settings: ShopSettings, clock: Callable[[], datetime]) -> None:
        self.name, self._shop, self._settings, self._clock = name, shop, settings, clock
        self._every = timedelta(seconds=settings.identity_check)
        self._trusted: ShopIdentified | None = None
        self._until = NEVER
        self._turn = asyncio.Lock()
        self._engine: Engine | None = None
        self._ready = asyncio.Event()

    async def attach(self, engine: Engine) -> None:
        """A task of the service: from now on the guard knows what the service remembers."""
        self._engine, self._trusted, self._until = engine, None, NEVER
        self._ready.set()

    async def _attached(self) -> Engine:
        await self._ready.wait()
        assert self._engine is not None
        return self._engine

    async def shut(self) -> Retry | None:
        """Why nothing may pass now; None when the shop is recognized. Also shut: a shop that cannot be looked at."""
        engine = await self._attached()
        async with self._turn:
            found = await standing(engine.database, self.name)
            if found.strange:
                return Retry(told(found.strange), AGAIN)
            if found.known == self._trusted and self._clock() < self._until:
                return None
            return await self._looked(engine, found.known)

    async def _looked(self, engine: Engine, known: ShopIdentified | None) -> Retry | None:
        try:
            seen = await look(self._shop, self._settings, await self.newest_known(engine, known))
            shut, trusted = await self.judge(engine, known, seen)
        except UpstreamError as error:
            return _unseen(error)
        if shut is None:
            self._trusted, self._until = trusted, self._clock() + self._every
        return shut

    async def newest_known(self, _: Engine, known: ShopIdentified | None) -> int:
        """The highest order number that this shop must have reached."""
        return known.newest_order if known else 0

    async def judge(
        self, _: Engine, known: ShopIdentified | None, seen: Seen
    ) -> tuple[Retry | None, ShopIdentified | None]:
        """Whether to shut, and the identity that is trusted until the next look."""
        found = differences(known, seen) if known else ()
        return (Retry(refusal(self.name, found), AGAIN) if found else None), known


async def always_open() -> Retry | None:
    """No guard."""
    return None


def _unseen(error: UpstreamError) -> Retry:
    outcome, after = outcome_of(error), AGAIN if isinstance(error, Rejected) else None
    return outcome if isinstance(outcome, Retry) else Retry(error.message, after)


def guarded(deliver: Deliver, guard: Guard) -> Deliver:
    """The effect of a lane toward one shop, behind its guard. While it is shut the lane waits; no attempt counts."""

    async def delivering(rows: Sequence[Row]) -> Sequence[Outcome]:
        shut = await guard.shut()
        return await deliver(rows) if shut is None else [shut] * len(rows)

    return delivering


def guarded_lane(lane: Lane, guard: Guard) -> Lane:
    """A lane toward one shop, behind its guard."""
    return replace(lane, deliver=guarded(lane.deliver, guard))


class ByShop:
    """Before the lanes toward Balance, which documents of all shops share: those of a shop that is not recognized wait.

    No shop is asked: store-feed says on the operations topic which of them are strange.
    """

    def __init__(self) -> None:
        self._engine: Engine | None = None

    async def attach(self, engine: Engine) -> None:
        """A task of the service: from now on the guard knows what the service remembers."""
        self._engine = engine

    def guarded(self, deliver: Deliver) -> Deliver:
        """The effect of a lane, behind this guard. A row's subject begins with its shop."""

        async def delivering(rows: Sequence[Row]) -> Sequence[Outcome]:
            waits = await self._waits(rows)
            passing = [row for row in rows if row.id not in waits]
            outcomes = dict(zip([row.id for row in passing], await deliver(passing), strict=True)) if passing else {}
            return [waits.get(row.id) or outcomes[row.id] for row in rows]

        return delivering

    async def _waits(self, rows: Sequence[Row]) -> dict[str, Blocked]:
        if self._engine is None:
            raise RuntimeError("a lane was opened before its guard was attached to the engine")
        shops = {row.id: row.subject.partition(":")[0] for row in rows}
        found = await standings(self._engine.database, set(shops.values()))
        strange = {shop: one.strange for shop, one in found.items() if one.strange}
        return {
            id_: Blocked(awaited(shop), Reason.SHOP_NOT_RECOGNIZED, told(strange[shop]))
            for id_, shop in shops.items()
            if shop in strange
        }
