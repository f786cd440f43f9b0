"""Opening a service's state database whatever state it is in: waited for, or set aside and made anew.

It is a cache of the topics, so a file that is no sound database is no loss: a new one has a new generation, which makes
the service read its topics from the start, and nothing is sent twice.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Literal

from services.engine.state.database import Database, open_database
from services.engine.state.errors import describe_temporary_failure, is_corrupt
from services.engine.state.files import database_path

log = logging.getLogger(__name__)
AGAIN = 2.0
"""Seconds between two tries."""
PARTS = ("", "-wal", "-shm", "-journal")
Unusable = Literal["corrupt", "outdated"]
"""Outdated: it was filled from another log than Kafka has now."""
_REBUILT = "nothing needs to be done: a new database is made and filled from the topics"
_FIXES: Mapping[Unusable, str] = {
    "corrupt": f"{_REBUILT}. Look at the disk and at its log; delete the file when nobody needs it",
    "outdated": (
        f"{_REBUILT}, and the feeds publish again what the topics lack. Commands of people that only the lost records "
        "held (approvals, mappings, payments) must be given again; delete the file when nobody needs it"
    ),
}


async def open_when_available(
    directory: Path, service: str, clock: Callable[[], datetime], waits: Callable[[str], None] = lambda _: None
) -> Database:
    """The service's database, sound. `waits` is told why it is waited for, "" at the end.

    A file that is no sound database is renamed with the time in its name, and a new one is made.
    """
    begun = time.monotonic()
    while True:
        try:
            database = await _sound(directory, service, clock)
        except Exception as error:
            why = _why(error, directory)
            if why is None:
                raise
            told = {"why": why, "waited": round(time.monotonic() - begun), "in_seconds": AGAIN, "file": str(directory)}
            log.warning("waiting for the state database", extra=told)
            waits(f"its state database in {directory}: {why}")
            await asyncio.sleep(AGAIN)
        else:
            waits("")
            return database


def _why(error: Exception, directory: Path) -> str | None:
    if isinstance(error, OSError):
        return f"{error.strerror}: does {directory} exist, and may this user write there?"
    return describe_temporary_failure(error)


async def _sound(directory: Path, service: str, clock: Callable[[], datetime]) -> Database:
    """Raises what `open_database` raises, but for a corrupt file, which is set aside."""
    path = database_path(directory, service)
    fault = await asyncio.to_thread(find_corruption, path)
    if fault:
        set_aside(path, "corrupt", fault, clock())
    try:
        return await open_database(directory, service)
    except Exception as error:
        if not is_corrupt(error):
            raise
        set_aside(path, "corrupt", str(error), clock())
        return await open_database(directory, service)


def find_corruption(path: Path) -> str:
    """What is wrong with a database file; empty for a sound one and for none. Raises what is not the file's fault.

    Every page is looked at: what was overwritten in the middle would otherwise come to light only when it is read.
    """
    if not path.exists():
        return ""
    try:
        with closing(sqlite3.connect(path, timeout=1.0)) as connection:
            answer = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    except sqlite3.DatabaseError as error:
        if is_corrupt(error):
            return str(error)
        raise
    return "" if answer == "ok" else answer


def set_aside(path: Path, what: Unusable, why: str, now: datetime) -> Path:
    """Rename a database with all that belongs to it; gives the new name. It is kept for whoever wants to look at it."""
    kept = path.with_name(f"{path.name}.{what}-{now:%Y%m%d-%H%M%S}")
    number = 1
    while kept.exists():
        number += 1
        kept = path.with_name(f"{path.name}.{what}-{now:%Y%m%d-%H%M%S}-{number}")
    for part in PARTS:
        source = path.with_name(path.name + part)
        if source.exists():
            source.rename(kept.with_name(kept.name + part))
    told = {"file": str(kept), "why": why, "fix": _FIXES[what]}
    if what == "corrupt":
        log.error("the state database is corrupt and was set aside", extra=told)
    else:
        log.error("the state database does not match the log and was set aside", extra=told)
    return kept
