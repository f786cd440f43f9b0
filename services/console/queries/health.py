"""What is wrong with feeds, machines, gates and shops, by what the services have stated."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.alerts import FeedStateChanged, ServiceStateChanged
from contracts.gates import GateChecked
from contracts.identity import ShopNotRecognized
from services.console.model.health import FEED_HEALTH, GATE_HEALTH, SERVICE_HEALTH, UNRECOGNIZED_SHOP
from services.engine.state.records import Kind, RecordT
from services.engine.state.tables import records


@dataclass(frozen=True, slots=True)
class StatedHealth:
    """The last statement of each feed, service and gate, and the shops that are not recognized.

    A service that states nothing is not among them: silence is no sign of health.
    """

    feeds: tuple[FeedStateChanged, ...]
    services: tuple[ServiceStateChanged, ...]
    gates: tuple[GateChecked, ...]
    unrecognized_shops: tuple[ShopNotRecognized, ...]

    @property
    def is_well(self) -> bool:
        """Whether nothing is stale, in trouble, shut, lost or unknown."""
        stale = any(one.freshness == "stale" for one in self.feeds)
        troubled = any(one.condition == "troubled" for one in self.services)
        closed = any(one.verdict != "passed" for one in self.gates)
        return not (stale or troubled or closed or self.unrecognized_shops)


async def read_health(connection: AsyncConnection) -> StatedHealth:
    """What the services have stated last, each sorted by its name."""
    return StatedHealth(
        feeds=await _read(connection, FEED_HEALTH),
        services=await _read(connection, SERVICE_HEALTH),
        gates=await _read(connection, GATE_HEALTH),
        unrecognized_shops=await _read(connection, UNRECOGNIZED_SHOP),
    )


async def _read(connection: AsyncConnection, kind: Kind[RecordT]) -> tuple[RecordT, ...]:
    bodies = await connection.scalars(select(records.c.body).where(records.c.kind == kind.name).order_by(records.c.key))
    return tuple(kind.model.model_validate_json(body) for body in bodies)
