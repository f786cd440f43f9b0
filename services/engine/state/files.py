"""The files of the state databases: their names, and how an unusable file is set aside.

A state database is a cache of the topics, so losing a file loses nothing: the file is set aside, and a new database has
a new generation, which makes the service read its topics from the start. Nothing is sent twice.
"""

from __future__ import annotations

import logging
import os
import re
import sqlite3
import stat
from collections.abc import Mapping
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path
from typing import Literal

from services.engine.state.errors import is_corrupt

log = logging.getLogger(__name__)
SCHEMA_VERSION = 8
"""The version of the tables and the stored records, part of the file name: a new one starts with an empty database."""
OTHERS = stat.S_IRWXG | stat.S_IRWXO
PARTS = ("", "-wal", "-shm", "-journal")
"""The suffixes of the files that belong to one database."""
_CURRENT = re.compile(rf"[a-z-]+\.v{SCHEMA_VERSION}\.sqlite(-wal|-shm|-journal)?")
Unusable = Literal["corrupt", "outdated", "replaced"]
"""Outdated: it was filled from another log than Kafka has now. Replaced: its own tables are another release's."""
_REBUILT = "nothing needs to be done: a new database is made and filled from the topics"
_FIXES: Mapping[Unusable, str] = {
    "corrupt": f"{_REBUILT}. Check the disk and its log; delete the file when nobody needs it",
    "outdated": (
        f"{_REBUILT}, and the feeds publish again what the topics lack. Commands of people that were only in the lost "
        "records (approvals, mappings, payments) must be given again; delete the file when nobody needs it"
    ),
    "replaced": f"{_REBUILT}. Delete the file",
}


def database_path(directory: Path, service: str) -> Path:
    """The path of a service's database; the folder is created if it is missing."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    return directory / f"{service}.v{SCHEMA_VERSION}.sqlite"


def make_private(directory: Path) -> None:
    """Take the folder and what is in it from every other user: it holds personal data until a person is forgotten.

    SQLite gives its further files the permissions of the database. What belongs to somebody else, such as the mount
    point of a volume, is left to them.
    """
    for path in (directory, *directory.iterdir()):
        with suppress(FileNotFoundError):  # SQLite removes its further files when the last service ends
            status = path.stat()
            if status.st_uid == os.getuid() and status.st_mode & OTHERS:
                path.chmod(stat.S_IMODE(status.st_mode) & ~OTHERS)


def find_leftovers(directory: Path) -> list[Path]:
    """Databases that no service reads any more: of an older version of the tables, or set aside."""
    files = sorted(directory.glob("*.sqlite*")) if directory.is_dir() else []
    return [file for file in files if not _CURRENT.fullmatch(file.name)]


def find_leftovers_of(current: Path) -> list[Path]:
    """The same for the service to which this database belongs."""
    service = current.name.partition(".")[0]
    return [file for file in find_leftovers(current.parent) if file.name.partition(".")[0] == service]


def find_set_aside(directory: Path, service: str, kind: str) -> list[Path]:
    """The databases of a service that were set aside for this reason (see `set_aside`), the oldest first."""
    name = database_path(directory, service).name
    found = directory.glob(f"{name}.{kind}-*")
    return sorted(file for file in found if not file.name.endswith(PARTS[1:]))


def find_corruption(path: Path) -> str:
    """What is wrong with a database file; empty for an intact or missing file. Raises any other failure of SQLite.

    Every page is checked: an overwritten page in the middle would otherwise be found only when it is read.
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


def set_aside(path: Path, kind: Unusable, why: str, now: datetime) -> Path:
    """Rename a database and its other parts, so that it can be examined. Returns its new path."""
    kept = _free_path(path, f"{kind}-{now:%Y%m%d-%H%M%S}")
    for part in PARTS:
        source = path.with_name(path.name + part)
        if source.exists():
            source.rename(kept.with_name(kept.name + part))
    details = {"file": str(kept), "why": why, "fix": _FIXES[kind]}
    if kind == "replaced":
        log.warning("the state database has the tables of another release and was set aside", extra=details)
    elif kind == "corrupt":
        log.error("the state database is corrupt and was set aside", extra=details)
    else:
        log.error("the state database does not match the log and was set aside", extra=details)
    return kept


def _free_path(path: Path, suffix: str) -> Path:
    kept, number = path.with_name(f"{path.name}.{suffix}"), 1
    while kept.exists():
        number += 1
        kept = path.with_name(f"{path.name}.{suffix}-{number}")
    return kept
