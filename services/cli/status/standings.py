"""How things stand: what each service has still to read, what waits to be delivered, what needs a person."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from aiokafka import TopicPartition

from services.cli.registry import configured_services
from services.engine.kafka.connection import open_admin, read_end_offsets
from services.engine.state.files import database_file
from services.settings.model import KafkaSettings, Settings

_WAITING = "SELECT lane, state, count(*), min(created) FROM outbox_deliveries GROUP BY lane, state"


@dataclass(frozen=True, slots=True)
class Waiting:
    """Deliveries of a lane that wait; `oldest` is a timestamp."""

    lane: str
    state: str
    count: int
    oldest: float


@dataclass(slots=True)
class Standing:
    """The state of one service. `lag` is None while its consumer group has committed nothing.

    `generation` is None when its state database is not on this machine: what waits there is then unknown, and so are
    `unpublished` and `waiting`.
    """

    service: str
    generation: str | None = None
    lag: int | None = None
    unpublished: int | None = None
    waiting: list[Waiting] | None = None

    @property
    def is_elsewhere(self) -> bool:
        """Whether the service has run, but keeps its state on another machine or in another container."""
        return self.generation is None and self.lag is not None


async def standings(settings: Settings) -> list[Standing]:
    """How every service stands, from its state database and its consumer group."""
    found = [_local(name, database_file(settings.state.directory, name)) for name in configured_services(settings)]
    known = {settings.kafka.group(one.service): one for one in found}
    committed = await _committed(settings.kafka, known)
    ends = await read_end_offsets(settings.kafka, {tp for offsets in committed.values() for tp in offsets})
    for group, offsets in committed.items():
        known[group].lag = sum(max(0, ends[tp] - offset) for tp, offset in offsets.items())
    return found


async def _committed(settings: KafkaSettings, groups: Iterable[str]) -> dict[str, dict[TopicPartition, int]]:
    """The offsets of each group that has committed any."""
    async with open_admin(settings) as asked:
        found = {group: await asked.list_consumer_group_offsets(group) for group in groups}
    return {group: {tp: meta.offset for tp, meta in offsets.items()} for group, offsets in found.items() if offsets}


def _local(service: str, path: Path) -> Standing:
    if not path.exists():
        return Standing(service)
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        generation = db.execute("SELECT value FROM meta WHERE name = 'generation'").fetchone()
        unpublished = db.execute("SELECT count(*) FROM outbox_events").fetchone()[0]
        waiting = [Waiting(*row) for row in db.execute(_WAITING)]
    return Standing(service, generation[0] if generation else None, None, unpublished, waiting)
