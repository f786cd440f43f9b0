"""What deliveries wait for, by their id, as far as the state databases of the services are on this machine."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

from services.engine.state.files import database_file
from services.settings.model import Settings

Waits = Mapping[str, str]
NO_WAITS: Waits = {}
EXPORTERS = ("order-exporter", "refund-exporter")
_ROWS = "SELECT id, state, blocked_detail FROM outbox_deliveries"


def waits_of(settings: Settings) -> Waits:
    """Why each delivery of the exporters has not left yet: what it is blocked on, or that it is being sent."""
    return {id_: why for name in EXPORTERS for id_, why in _rows(database_file(settings.state.directory, name))}


def _rows(path: Path) -> Iterator[tuple[str, str]]:
    if not path.exists():
        return
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        for id_, state, detail in db.execute(_ROWS):
            yield id_, "waiting to be sent to Balance" if state == "pending" else f"waits: {detail}"
