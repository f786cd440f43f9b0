"""Rows out of a JSON answer while it arrives: memory does not grow with the answer (a catalogue is one array).

A row is handed out only when it is whole; an answer that breaks off or is no JSON raises, so that half a snapshot can
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

Raw = dict[str, Any]
Rows = AsyncGenerator[Raw, None]


async def parse_rows(chunks: AsyncIterator[bytes], what: str, dialect: Dialect, *, may_be_empty: bool = False) -> Rows:
    """The rows of an answer. `what` names the call in errors; numbers come as int or Decimal.

    Raises `Unavailable` when the answer breaks off or cannot be Balance's, `Rejected` when it is an `Error` list. A
    body without any content is an error too, unless it `may_be_empty`.
    """
    parser = RowParser(what, dialect)
    async for chunk in chunks:
        for start in range(0, len(chunk), PIECE):
            for row in parser.feed(chunk[start : start + PIECE]):
                yield row
    for row in parser.end(may_be_empty=may_be_empty):
        yield row


class RowParser:
    """Takes an answer in pieces and gives the rows that are complete."""

    def __init__(self, what: str, dialect: Dialect) -> None:
        self._what, self._dialect = what, dialect
        self._shape, self._head, self._held = RowsLocator(), b"", b""
        self._found: Any = ijson.sendable_list()
        self._machine: Any = None
        self._count = self._records = 0

    def feed(self, piece: bytes) -> list[Raw]:
        """The rows that this piece completes."""
        try:
            if self._machine is None:
                return self._begin(piece)
            self._machine.send(piece)
        except ijson.JSONError:
            raise self._unreadable() from None
        return self._taken()

    def end(self, *, may_be_empty: bool) -> list[Raw]:
        """The rows that are left once the answer has ended."""
        if self._machine is None:
            return self._whole(may_be_empty)
        try:
            self._machine.close()
        except ijson.IncompleteJSONError:
            raise self._broken_off() from None
        except ijson.JSONError:
            raise self._unreadable() from None
        return self._last()

    def _begin(self, piece: bytes) -> list[Raw]:
        piece = self._without_bom(piece)
        if not piece:
            return []  # to the parser an empty piece means the end
        self._head += piece
        path = BARE if self._head.lstrip().startswith(b"[") else self._shape.rows_at(piece)
        if path is None:
            if len(self._head) > HEAD:
                raise self._bad("no list of rows")
            return []
        self._machine = ArrayParser(self._found) if path == BARE else ijson.items_coro(self._found, path)
        self._machine.send(self._head)
        self._head = b""
        return self._taken()

    def _without_bom(self, piece: bytes) -> bytes:
        """The piece; while all that came may be a byte order mark it is held back, a whole one is dropped."""
        if self._head:
            return piece
        self._held += piece
        return b"" if BOM.startswith(self._held) else self._held.removeprefix(BOM)

    def _taken(self) -> list[Raw]:
        """An element that is no record counts as one without any field, which its reader reports."""
        found = list(self._found)
        self._found.clear()
        if not self._count and found and _is_foreign(found[0]):
            raise self._bad(f'"{excerpt(str(found[0]))}"')
        rows = [row if isinstance(row, dict) else {} for row in found]
        self._count, self._records = self._count + len(rows), self._records + sum(map(bool, rows))
        return rows

    def _last(self) -> list[Raw]:
        """The rows that were left. Raises `ForeignAnswer` for a list without any record."""
        rows = self._taken()
        if self._count and not self._records:
            raise self._bad("a list of something other than records")
        return rows

    def _whole(self, may_be_empty: bool) -> list[Raw]:
        """An answer without an array of rows: a single record, an `Error` list, or nothing."""
        if not self._head.strip():
            return self._nothing(may_be_empty)
        try:
            (known,) = ijson.items(self._head, "")
        except ijson.JSONError:
            raise self._broken_off() from None
        if known is None or known == {}:
            return self._nothing(may_be_empty)
        if error_texts_of(known):
            raise build_refusal(self._what, describe_error(self._head), self._dialect, None)
        if not isinstance(known, dict) or _is_foreign(known):
            raise self._bad(f'"{excerpt(self._head.decode(errors="replace"))}"')
        return [known]

    def _nothing(self, may_be_empty: bool) -> list[Raw]:
        if may_be_empty:
            return []
        raise Unavailable(f"{self._what}: the answer is empty, where at least [] is meant; it is asked again later")

    def _broken_off(self) -> UpstreamError:
        return Unavailable(f"{self._what}: the answer broke off after {self._count} rows; it is asked again later")

    def _unreadable(self) -> UpstreamError:
        if self._count or self._head.lstrip().startswith((b"[", b"{")):
            return self._bad(f"no valid JSON after {self._count} rows")  # what it begins with may be personal
        return self._bad(f'"{excerpt(self._head.decode(errors="replace"))}"')

    def _bad(self, found: str) -> UpstreamError:
        """An answer that cannot be Balance's. Nothing follows from it, and it is asked again later."""
        return build_foreign_answer(f"{self._what}: the answer is {found}", writes=False)


def _is_foreign(row: Any) -> bool:
    return isinstance(row, dict) and bool(row) and is_refusal_object(row)


# Finds the rows of an answer from its beginning (Balance fact 19: bare array, wrapped array, single object).

BARE = "item"


class RowsLocator:
    """Looks at the beginning of an answer until it shows an array of rows."""

    def __init__(self) -> None:
        self._events: Any = ijson.sendable_list()
        self._parser: Any = ijson.basic_parse_coro(self._events)
        self._depth, self._key, self._is_record = 0, "", False

    def rows_at(self, piece: bytes) -> str | None:
        """The path of the rows (as ijson names it), once it is known. Raises `ijson.JSONError`.

        An object with a `uid` before its array is a record with a tabular part, not a wrapper.
        """
        self._parser.send(piece)
        for event, value in self._events:
            if (path := self._step(event, value)) is not None:
                return path
        self._events.clear()
        return None

    def _step(self, event: str, value: Any) -> str | None:
        if event == "start_array" and self._depth == 0:
            return BARE
        if event == "start_array" and self._wraps():
            return f"{self._key}.item"
        if event == "map_key" and self._depth == 1:
            self._key, self._is_record = value, self._is_record or value.lower() == "uid"
        self._depth += event.startswith("start_") - event.startswith("end_")
        return None

    def _wraps(self) -> bool:
        return self._depth == 1 and self._key.lower() in WRAPPERS and not self._is_record
