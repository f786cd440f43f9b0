"""Copies of a state database as operators make them, and how they put one back."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

HEADER = 32
"""Bytes of a write-ahead log before its first frame."""
Copy = Callable[[Path, Path], object]


def copy_without_log(from_: Path, to: Path) -> None:
    """Copy the file alone."""
    shutil.copy(from_, to)


def copy_snapshot(from_: Path, to: Path) -> None:
    """Copy with SQLite's own backup."""
    with closing(sqlite3.connect(from_)) as source, closing(sqlite3.connect(to)) as target:
        source.backup(target)


def copy_with_truncated_log(from_: Path, to: Path) -> None:
    """Copy the file, and of its log only the header."""
    shutil.copy(from_, to)
    to.with_name(f"{to.name}-wal").write_bytes(from_.with_name(f"{from_.name}-wal").read_bytes()[:HEADER])


def put_back(copy: Path, path: Path) -> None:
    """Restore a copy as an operator does: all files of the database are replaced."""
    for part in ("", "-wal", "-shm"):
        path.with_name(path.name + part).unlink(missing_ok=True)
        with suppress(FileNotFoundError):
            shutil.copy(copy.with_name(copy.name + part), path.with_name(path.name + part))
