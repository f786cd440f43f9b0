"""The backlog of each service and its blocked deliveries, from the state databases on this machine and from Kafka."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from aiokafka import TopicPartition

from services.cli.registry import configured_services
from services.engine.clock import local_time
from services.engine.kafka.connection import open_admin, read_end_offsets
from services.engine.state.files import database_path
from services.settings.model import KafkaSettings, Settings

MOST_BLOCKED = 10
"""The most causes that are listed; the others are counted."""
_BLOCKED = """
    SELECT blocked_on, blocked_reason, count(*), min(created), min(blocked_detail) FROM outbox_deliveries
    WHERE state != 'pending' GROUP BY blocked_on, blocked_reason ORDER BY min(created)
"""


@dataclass(frozen=True, slots=True)
class BlockedDeliveries:
    """Deliveries of a service that wait for the same thing; `detail` is that of one of them."""

    service: str
    waits_for: str
    reason: str
    count: int
    since: datetime
    detail: str


def read_blocked(settings: Settings) -> list[BlockedDeliveries]:
    """Read what deliveries wait for, the longest wait first."""
    found = [
        one
        for name in configured_services(settings)
        for one in _of(name, database_path(settings.state.directory, name))
    ]
    return sorted(found, key=lambda one: one.since)


def _of(service: str, path: Path) -> Iterator[BlockedDeliveries]:
    if not path.exists():
        return
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        for on, reason, count, oldest, detail in db.execute(_BLOCKED):
            yield BlockedDeliveries(service, on, reason, count, datetime.fromtimestamp(oldest, UTC), detail)


def blocked_lines(found: Iterable[BlockedDeliveries]) -> Iterator[str]:
    """A line for each cause."""
    every = list(found)
    for one in every[:MOST_BLOCKED]:
        what = f"{one.service}: {one.count} waiting for {one.waits_for} since {local_time(one.since)}"
        yield f"{what}: {one.detail} ({one.reason})"
    if every:
        more = f"{len(every) - MOST_BLOCKED} more causes; " if len(every) > MOST_BLOCKED else ""
        yield f"{more}davtari orders --held lists every waiting order and refund."


_WAITING = "SELECT lane, state, count(*), min(created) FROM outbox_deliveries GROUP BY lane, state"


@dataclass(frozen=True, slots=True)
class WaitingDeliveries:
    """Waiting deliveries of a lane; `oldest` is a Unix timestamp."""

    lane: str
    state: str
    count: int
    oldest: float


@dataclass(slots=True)
class ServiceStatus:
    """The state of a service. `lag` is None until its consumer group has committed an offset.

    `generation`, `unpublished` and `waiting` are None if its state database is not on this machine.
    """

    service: str
    generation: str | None = None
    lag: int | None = None
    unpublished: int | None = None
    waiting: list[WaitingDeliveries] | None = None

    @property
    def is_elsewhere(self) -> bool:
        """Whether the service has run, but its state is on another machine or in another container."""
        return self.generation is None and self.lag is not None


async def read_service_statuses(settings: Settings) -> list[ServiceStatus]:
    """Read the state of every service from its state database and its consumer group."""
    found = [_local(name, database_path(settings.state.directory, name)) for name in configured_services(settings)]
    known = {settings.kafka.group(one.service): one for one in found}
    committed = await _committed(settings.kafka, known)
    ends = await read_end_offsets(settings.kafka, {tp for offsets in committed.values() for tp in offsets})
    for group, offsets in committed.items():
        known[group].lag = sum(max(0, ends[tp] - offset) for tp, offset in offsets.items())
    return found


async def _committed(settings: KafkaSettings, groups: Iterable[str]) -> dict[str, dict[TopicPartition, int]]:
    """The committed offsets of each consumer group that has any."""
    async with open_admin(settings) as asked:
        found = {group: await asked.list_consumer_group_offsets(group) for group in groups}
    return {group: {tp: meta.offset for tp, meta in offsets.items()} for group, offsets in found.items() if offsets}


def _local(service: str, path: Path) -> ServiceStatus:
    if not path.exists():
        return ServiceStatus(service)
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        generation = db.execute("SELECT value FROM meta WHERE name = 'generation'").fetchone()
        unpublished = db.execute("SELECT count(*) FROM outbox_events").fetchone()[0]
        waiting = [WaitingDeliveries(*row) for row in db.execute(_WAITING)]
    return ServiceStatus(service, generation[0] if generation else None, None, unpublished, waiting)
