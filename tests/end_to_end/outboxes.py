"""The waiting deliveries in the state databases of the services, read from outside as an operator could."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from services.cli.registry import SERVICES
from services.engine.state.files import database_path


@dataclass(frozen=True, slots=True)
class WaitingDelivery:
    """A waiting delivery: `state` is pending or blocked, `attempts` are the counted attempts (JSON)."""

    service: str
    id: str
    state: str
    attempts: str


def list_waiting_deliveries(folder: Path, services: Iterable[str] = tuple(SERVICES)) -> list[WaitingDelivery]:
    """All deliveries that are waiting."""
    query = "SELECT id, state, attempts FROM outbox_deliveries"
    return [WaitingDelivery(name, *map(str, row)) for name in services for row in _rows(folder, name, query)]


def count_unpublished_events(folder: Path, services: Iterable[str] = tuple(SERVICES)) -> int:
    """How many events are in outboxes and not yet in Kafka."""
    return sum(len(_rows(folder, name, "SELECT seq FROM outbox_events")) for name in services)


def count_stored_webhooks(folder: Path) -> int:
    """How many webhook deliveries, or requests to read an order, store-feed has stored."""
    query = "SELECT 1 FROM inbox UNION ALL SELECT 1 FROM records WHERE kind = 'hint'"
    return len(_rows(folder, "store-feed", query))


def _rows(folder: Path, service: str, query: str) -> list[tuple[object, ...]]:
    path = database_path(folder, service)
    if not path.exists():
        return []
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)) as database:
        try:
            return database.execute(query).fetchall()
        except sqlite3.OperationalError:  # just created, no tables yet
            return []


def delete_state_database(folder: Path, service: str) -> int:
    """Delete a service's state databaseand SQLite's files next to it; returns the number of files."""
    files = list(folder.glob(f"{service}.*sqlite*"))
    for file in files:
        file.unlink()
    return len(files)
