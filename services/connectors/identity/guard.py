"""Guards lanes: nothing is sent to a shop that is not recognized, nor to Balance on its behalf.

Cost: three small calls to the shop when a lane has something to deliver and the last check is older than
`identity-check` (a minute while the shop is blocked); otherwise one read of our own database per call.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from contracts.identity import ShopIdentified
from contracts.reasons import Reason
from services.connectors.identity.evidence import (
    IdentitySource,
    IdentityVerdict,
    PlacedOrder,
    ShopObservation,
    compare_identity,
    observe_shop,
)
from services.connectors.identity.status import (
    IdentityStatus,
    describe_block,
    format_block,
    read_status,
    read_statuses,
    recognition_condition,
)
from services.engine.outbox.engine import Engine
from services.engine.outbox.lane import Deliver, Lane, Row
from services.engine.outbox.outcome import Blocked, Outcome, Retry
from services.engine.outbox.upstream_errors import Rejected, UpstreamError, outcome_of
from services.settings.base import SecretMissing
from services.settings.shop import ShopSettings

AGAIN = 5.0
"""Seconds after which a blocked lane checks again."""
RECHECK = timedelta(seconds=60)
"""How often a blocked shop is checked again: the cause may have been removed."""
Shut = Callable[[], Awaitable[Retry | None]]


@dataclass(frozen=True, slots=True)
class LastCheck:
    """The last check of a shop: the known identity, the time, and why it is blocked, if it is."""

    known: ShopIdentified | None
    at: datetime
    blocked: Retry | None


class ShopGuard:
    """Checks one shop before a service reads or writes it. The first shop that answers becomes the known one."""

    def __init__(self, name: str, shop: IdentitySource, settings: ShopSettings, clock: Callable[[], datetime]) -> None:
        self.name, self._shop, self._settings, self._clock = name, shop, settings, clock
        self._every = timedelta(seconds=settings.identity_check)
        self._last: LastCheck | None = None
        self._turn = asyncio.Lock()
        self._engine: Engine | None = None
        self._ready = asyncio.Event()

    async def attach(self, engine: Engine) -> None:
        """A task of the service: from now on the guard reads the service's state."""
        self._engine, self._last = engine, None
        self._ready.set()

    async def _attached(self) -> Engine:
        await self._ready.wait()
        assert self._engine is not None
        return self._engine

    async def shut(self) -> Retry | None:
        """Why nothing may be sent now; None if the shop is recognized. A shop that cannot be checked blocks too."""
        engine = await self._attached()
        async with self._turn:
            found = await read_status(engine.database, self.name)
            if waits := self.decided_elsewhere(found):
                return waits
            if self._last is not None and self._is_current(self._last, found.known):
                return self._last.blocked
            return await self._check(engine, found)

    def decided_elsewhere(self, found: IdentityStatus) -> Retry | None:
        """The block reported by store-feed, which checks the shop again and reports the end of the block."""
        return Retry(describe_block(found.strange), AGAIN) if found.strange else None

    def _is_current(self, last: LastCheck, known: ShopIdentified | None) -> bool:
        """Whether the last check is still valid: not after a person's decision, nor after the clock was set back."""
        every = min(self._every, RECHECK) if last.blocked else self._every
        return last.known == known and timedelta(0) <= self._clock() - last.at < every

    async def _check(self, engine: Engine, found: IdentityStatus) -> Retry | None:
        try:
            orders = await self.known_orders(engine, found)
            seen = await observe_shop(self._shop, self._settings, orders)
            blocked, known = await self.decide(engine, found, seen, orders)
        except UpstreamError as error:
            return _retry_later(error)
        except SecretMissing as error:
            return Retry(f"shop {self.name}: {error}", AGAIN)
        self._last = LastCheck(known, self._clock(), blocked)
        return blocked

    async def known_orders(self, _: Engine, __: IdentityStatus) -> tuple[PlacedOrder, ...]:
        """The known orders of the shop, newest first; only store-feed has them."""
        return ()

    async def decide(
        self, _: Engine, found: IdentityStatus, seen: ShopObservation, orders: Sequence[PlacedOrder]
    ) -> tuple[Retry | None, ShopIdentified | None]:
        """Why the shop is blocked, if it is, and the identity it was compared with."""
        verdict = compare_identity(found.known, seen, orders) if found.known else IdentityVerdict()
        return (Retry(format_block(self.name, verdict.signs), AGAIN) if verdict.blocked else None), found.known


async def allow_always() -> Retry | None:
    """No-op: never blocks."""
    return None


def _retry_later(error: UpstreamError) -> Retry:
    outcome, after = outcome_of(error), AGAIN if isinstance(error, Rejected) else None
    return outcome if isinstance(outcome, Retry) else Retry(error.message, after)


def guard_delivery(deliver: Deliver, guard: ShopGuard) -> Deliver:
    """The effect of a lane to one shop, behind its guard. While it blocks, the lane waits; no attempt is counted."""

    async def delivering(rows: Sequence[Row]) -> Sequence[Outcome]:
        shut = await guard.shut()
        return await deliver(rows) if shut is None else [shut] * len(rows)

    return delivering


def guard_lane(lane: Lane, guard: ShopGuard) -> Lane:
    """A lane to one shop, behind its guard."""
    return replace(lane, deliver=guard_delivery(lane.deliver, guard))


class DocumentGuard:
    """Guards the lanes to Balance, which all shops share: documents of a shop that is not recognized wait.

    No shop is called: store-feed reports on the operations topic which shops are not recognized.
    """

    def __init__(self) -> None:
        self._engine: Engine | None = None

    async def attach(self, engine: Engine) -> None:
        """A task of the service: from now on the guard reads the service's state."""
        self._engine = engine

    def guard_delivery(self, deliver: Deliver) -> Deliver:
        """The effect of a lane, behind this guard. The subject of a row begins with its shop."""

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
        found = await read_statuses(self._engine.database, set(shops.values()))
        strange = {shop: one.strange for shop, one in found.items() if one.strange}
        return {
            id_: Blocked(recognition_condition(shop), Reason.SHOP_NOT_RECOGNIZED, describe_block(strange[shop]))
            for id_, shop in shops.items()
            if shop in strange
        }
