"""Where the state databases stand. The file name holds the version of the tables."""

from __future__ import annotations

import re
from pathlib import Path

SCHEMA_VERSION = 5
"""Of `tables.py`: with another one a service begins a new database, and reads the topics from the start."""
_CURRENT = re.compile(rf"[a-z-]+\.v{SCHEMA_VERSION}\.sqlite(-wal|-shm|-journal)?")


def database_path(directory: Path, service: str) -> Path:
    """Where the service's database stands; its folder is made if need be."""
    directory.mkdir(parents=True, exist_ok=True)
    return directory / f"{service}.v{SCHEMA_VERSION}.sqlite"


def find_leftovers(directory: Path) -> list[Path]:
    """Databases that no service reads any more: of an older version of the tables, or set aside as corrupt."""
    files = sorted(directory.glob("*.sqlite*")) if directory.is_dir() else []
    return [file for file in files if not _CURRENT.fullmatch(file.name)]


def find_set_aside(directory: Path, service: str, what: str) -> list[Path]:
    """The databases of a service that were set aside for this reason (see `opening.py`), the oldest first."""
    name = database_path(directory, service).name
    found = directory.glob(f"{name}.{what}-*")
    return sorted(file for file in found if not file.name.endswith(("-wal", "-shm", "-journal")))
