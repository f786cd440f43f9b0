"""What waits in the state databases of the services: read from outside, as an operator could."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from services.cli.registry import SERVICES
from services.engine.state.files import database_path


@dataclass(frozen=True, slots=True)
class Waiting:
    """A delivery that waits: `state` is pending or blocked, `attempts` were held against it (JSON)."""

    service: str
    id: str
    state: str
    attempts: str


def waiting(folder: Path, services: Iterable[str] = tuple(SERVICES)) -> list[Waiting]:
    """All deliveries that wait."""
    query = "SELECT id, state, attempts FROM outbox_deliveries"
    return [Waiting(name, *map(str, row)) for name in services for row in _rows(folder, name, query)]


def unpublished(folder: Path, services: Iterable[str] = tuple(SERVICES)) -> int:
    """How many events stand in outboxes and not yet in Kafka."""
    return sum(len(_rows(folder, name, "SELECT seq FROM outbox_events")) for name in services)


def webhooks_kept(folder: Path) -> int:
    """How many deliveries of webhooks, or looks that they ask for, store-feed has made durable."""
    query = "SELECT 1 FROM inbox UNION ALL SELECT 1 FROM records WHERE kind = 'hint'"
    return len(_rows(folder, "store-feed", query))


def _rows(folder: Path, service: str, query: str) -> list[tuple[object, ...]]:
    path = database_path(folder, service)
    if not path.exists():
        return []
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)) as database:
        try:
            return database.execute(query).fetchall()
        except sqlite3.OperationalError:  # made this moment, no tables yet
            return []


def forget(folder: Path, service: str) -> int:
    """Delete a service's state database, with all that SQLite keeps beside it; gives how many files that were."""
    files = list(folder.glob(f"{service}.*sqlite*"))
    for file in files:
        file.unlink()
    return len(files)
