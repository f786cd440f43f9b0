"""Parses the rows of a JSON answer while it arrives, in bounded memory: a whole catalogue is one array.

A row is returned only when it is complete. An answer that breaks off or is not JSON raises, so that half a snapshot can
never look like a whole one.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import ijson

from services.connectors.balance.answers import WRAPPERS, describe_error, error_texts_of
from services.connectors.balance.array import ArrayParser
from services.connectors.balance.refusals import build_foreign_answer, build_refusal
from services.connectors.http.responses import excerpt, is_refusal_object
from services.engine.outbox.upstream_errors import Unavailable, UpstreamError
from services.settings.balance import Dialect

PIECE = 32 * 1024
"""Bytes parsed at once: it bounds the rows that wait in memory, however large the network's pieces are."""
HEAD = 1024 * 1024
"""Bytes within which an answer must show an array of rows; a single object must fit into them."""
BOM = b"\xef\xbb\xbf"
BARE = "item"
"""ijson's path of the rows of a bare array."""

Raw = dict[str, Any]
Rows = AsyncGenerator[Raw, None]


async def parse_rows(chunks: AsyncIterator[bytes], what: str, dialect: Dialect, *, may_be_empty: bool = False) -> Rows:
    """The rows of an answer; numbers are int or Decimal. `what` names the call in errors.

    Raises `Unavailable` when the answer breaks off or cannot be Balance's, `Rejected` when it is an `Error` list. An
    empty body is an error too, unless it `may_be_empty`.
    """
    parser = RowParser(what, dialect)
    async for chunk in chunks:
        for start in range(0, len(chunk), PIECE):
            for row in parser.feed(chunk[start : start + PIECE]):
                yield row
    for row in parser.end(may_be_empty=may_be_empty):
        yield row


class RowParser:
    """Parses an answer piece by piece and returns the rows that are complete."""

    def __init__(self, what: str, dialect: Dialect) -> None:
        self._what, self._dialect = what, dialect
        self._locator, self._head, self._bom = RowsLocator(), b"", b""
        self._found: Any = ijson.sendable_list()
        self._parser: Any = None
        self._count = self._records = 0

    def feed(self, piece: bytes) -> list[Raw]:
        """The rows that this piece completes."""
        try:
            if self._parser is None:
                return self._begin(piece)
            self._parser.send(piece)
        except ijson.JSONError:
            raise self._unreadable() from None
        return self._take_rows()

    def end(self, *, may_be_empty: bool) -> list[Raw]:
        """The remaining rows after the end of the answer."""
        if self._parser is None:
            return self._read_whole(may_be_empty)
        try:
            self._parser.close()
        except ijson.IncompleteJSONError:
            raise self._broken_off() from None
        except ijson.JSONError:
            raise self._unreadable() from None
        return self._take_last_rows()

    def _begin(self, piece: bytes) -> list[Raw]:
        piece = self._remove_bom(piece)
        if not piece:
            return []  # the parser takes an empty piece as the end
        self._head += piece
        path = BARE if self._head.lstrip().startswith(b"[") else self._locator.find_rows(piece)
        if path is None:
            if len(self._head) > HEAD:
                raise self._build_foreign("no list of rows")
            return []
        self._parser = ArrayParser(self._found) if path == BARE else ijson.items_coro(self._found, path)
        self._parser.send(self._head)
        self._head = b""
        return self._take_rows()

    def _remove_bom(self, piece: bytes) -> bytes:
        """The piece without a byte order mark; while all bytes so far may be part of one, they are kept back."""
        if self._head:
            return piece
        self._bom += piece
        return b"" if BOM.startswith(self._bom) else self._bom.removeprefix(BOM)

    def _take_rows(self) -> list[Raw]:
        """The rows found so far. An element that is not a record becomes an empty one, which its reader reports."""
        found = list(self._found)
        self._found.clear()
        if not self._count and found and _is_foreign(found[0]):
            raise self._build_foreign(f'"{excerpt(str(found[0]))}"')
        rows = [row if isinstance(row, dict) else {} for row in found]
        self._count, self._records = self._count + len(rows), self._records + sum(map(bool, rows))
        return rows

    def _take_last_rows(self) -> list[Raw]:
        """The last rows. Raises `ForeignAnswer` for a list without any record."""
        rows = self._take_rows()
        if self._count and not self._records:
            raise self._build_foreign("a list of something other than records")
        return rows

    def _read_whole(self, may_be_empty: bool) -> list[Raw]:
        """An answer without an array of rows: a single record, an `Error` list, or nothing."""
        if not self._head.strip():
            return self._accept_empty(may_be_empty)
        try:
            (value,) = ijson.items(self._head, "")
        except ijson.JSONError:
            raise self._broken_off() from None
        if value is None or value == {}:
            return self._accept_empty(may_be_empty)
        if error_texts_of(value):
            raise build_refusal(self._what, describe_error(self._head), self._dialect, None)
        if not isinstance(value, dict) or _is_foreign(value):
            raise self._build_foreign(f'"{excerpt(self._head.decode(errors="replace"))}"')
        return [value]

    def _accept_empty(self, may_be_empty: bool) -> list[Raw]:
        if may_be_empty:
            return []
        raise Unavailable(f"{self._what}: the answer is empty instead of []; it will be read again later")

    def _broken_off(self) -> UpstreamError:
        return Unavailable(f"{self._what}: the answer broke off after {self._count} rows; it will be read again later")

    def _unreadable(self) -> UpstreamError:
        if self._count or self._head.lstrip().startswith((b"[", b"{")):
            return self._build_foreign(f"no valid JSON after {self._count} rows")  # its beginning may be personal data
        return self._build_foreign(f'"{excerpt(self._head.decode(errors="replace"))}"')

    def _build_foreign(self, found: str) -> UpstreamError:
        """The error of an answer that cannot be Balance's: nothing follows from it, and it is read again later."""
        return build_foreign_answer(f"{self._what}: the answer is {found}", writes=False)


class RowsLocator:
    """Finds the array of rows at the beginning of an answer (Balance fact 19: bare, within an object, or none)."""

    def __init__(self) -> None:
        self._events: Any = ijson.sendable_list()
        self._parser: Any = ijson.basic_parse_coro(self._events)
        self._depth, self._key, self._is_record = 0, "", False

    def find_rows(self, piece: bytes) -> str | None:
        """The path of the rows in ijson's notation; None while it is unknown. Raises `ijson.JSONError`.

        An object with a `uid` before its array is a record with a tabular part, not a wrapper.
        """
        self._parser.send(piece)
        for event, value in self._events:
            if (path := self._read_event(event, value)) is not None:
                return path
        self._events.clear()
        return None

    def _read_event(self, event: str, value: Any) -> str | None:
        if event == "start_array" and self._depth == 0:
            return BARE
        if event == "start_array" and self._is_wrapper():
            return f"{self._key}.item"
        if event == "map_key" and self._depth == 1:
            self._key, self._is_record = value, self._is_record or value.lower() == "uid"
        self._depth += event.startswith("start_") - event.startswith("end_")
        return None

    def _is_wrapper(self) -> bool:
        return self._depth == 1 and self._key.lower() in WRAPPERS and not self._is_record


def _is_foreign(row: Any) -> bool:
    return isinstance(row, dict) and bool(row) and is_refusal_object(row)
