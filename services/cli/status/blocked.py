"""What blocked deliveries wait for, by thing: as far as the state databases of the services are on this machine."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.markup import escape

from services.cli.registry import configured_services
from services.engine.runtime.tbilisi import local_time
from services.engine.state.files import database_file
from services.settings.model import Settings

MOST = 10
"""More things than these are only counted: `davtari orders --held` lists every order."""
_BLOCKED = """
    SELECT blocked_on, blocked_reason, count(*), min(created), min(blocked_detail) FROM outbox_deliveries
    WHERE state != 'pending' GROUP BY blocked_on, blocked_reason ORDER BY min(created)
"""


@dataclass(frozen=True, slots=True)
class Blocked:
    """Deliveries of a service that wait for one named thing since a moment; `detail` is that of one of them."""

    service: str
    waits_for: str
    reason: str
    count: int
    since: datetime
    detail: str


def blocked(settings: Settings) -> list[Blocked]:
    """What deliveries wait for, longest first."""
    found = [
        one
        for name in configured_services(settings)
        for one in _of(name, database_file(settings.state.directory, name))
    ]
    return sorted(found, key=lambda one: one.since)


def _of(service: str, path: Path) -> Iterator[Blocked]:
    if not path.exists():
        return
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        for on, reason, count, oldest, detail in db.execute(_BLOCKED):
            yield Blocked(service, on, reason, count, datetime.fromtimestamp(oldest, UTC), detail)


def lines(found: Iterable[Blocked]) -> Iterator[str]:
    """A line for each thing."""
    every = list(found)
    for one in every[:MOST]:
        what = f"{one.count} of {one.service} wait for {one.waits_for} since {local_time(one.since)}"
        yield escape(f"{what}: {one.detail} ({one.reason})")
    if every:
        more = f"{len(every) - MOST} more things are waited for; " if len(every) > MOST else ""
        yield f"{more}davtari orders --held names every order and refund that waits."
