"""What a failure of SQLite means: a temporary problem of the disk or of another process, or a corrupt file."""

from __future__ import annotations

import sqlite3
from typing import TypeVar

from sqlalchemy.exc import DBAPIError

ErrorT = TypeVar("ErrorT", bound=BaseException)

_TEMPORARY = {
    sqlite3.SQLITE_FULL: "the disk is full: free some space",
    sqlite3.SQLITE_BUSY: "another process holds it: is this service running twice on one folder?",
    sqlite3.SQLITE_LOCKED: "another process holds it: is this service running twice on one folder?",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened: does state.directory exist, and may this user write there?",
    sqlite3.SQLITE_READONLY: "it is read-only: give this user the right to write in state.directory",
    sqlite3.SQLITE_PERM: "access is denied: give this user the right to read and write in state.directory",
    sqlite3.SQLITE_IOERR: "the disk fails or is full: check its health and its free space",
    sqlite3.SQLITE_PROTOCOL: "its file locks fail: state.directory must be on a local disk, not on a network share",
}
_CORRUPT = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT})
_PRIMARY = 0xFF
"""An extended result code holds the primary one in its lowest byte."""


def describe_temporary_failure(error: BaseException) -> str | None:
    """Why SQLite fails now and what to do, when it may recover by itself or by a person's action; else None."""
    return _TEMPORARY.get(_code(error))


def is_corrupt(error: BaseException) -> bool:
    """Whether the error shows that the file is not an intact database."""
    return _code(error) in _CORRUPT


def first_cause(error: BaseException) -> BaseException:
    """The first failure inside groups of failures."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def find_cause(error: BaseException, kind: type[ErrorT]) -> ErrorT | None:
    """The first failure of a kind, also inside groups of failures."""
    if isinstance(error, kind):
        return error
    inner = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    return next((found for one in inner if (found := find_cause(one, kind)) is not None), None)


def _code(error: BaseException) -> int:
    found = first_cause(error)
    own = found.orig if isinstance(found, DBAPIError) else found
    return getattr(own, "sqlite_errorcode", 0) & _PRIMARY if isinstance(own, sqlite3.Error) else 0
