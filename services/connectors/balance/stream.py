"""Parses the rows of a JSON answer while it arrives, in bounded memory: a whole catalogue is one array.

A row is returned only when it is complete. An answer that breaks off or is not JSON raises, so that half a snapshot can
never look like a whole one.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import ijson

from services.connectors.balance.answers import WRAPPERS, decode_json, describe_error, error_texts_of
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
_TOKEN = re.compile(rb'"((?:[^"\\]|\\.)*+)"(\s*:\s*)?|[][{}]', re.DOTALL)
"""A string, with the colon if it is the name of a member, or a bracket."""

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
        self._head = self._bom = b""
        self._found: list[Any] = []
        self._parser: ArrayParser | None = None
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
        self._head += self._remove_bom(piece)
        begins = find_rows(self._head)
        if begins is None:
            if len(self._head) > HEAD:
                raise self._build_foreign("no list of rows")
            return []
        self._parser = ArrayParser(self._found, enclosed=self._head.lstrip().startswith(b"{"))
        self._parser.send(self._head[begins:])
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
            value = decode_json(self._head)
        except ValueError:
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


def find_rows(head: bytes) -> int | None:
    """Where the array of rows begins (Balance fact 19: bare, or within an object); None while it is unknown.

    An object with a `uid` before its array is a record with a tabular part, not a wrapper. Raises `ijson.JSONError`.
    """
    if head.lstrip()[:1] not in (b"[", b"{") and not b"null".startswith(head.strip()):
        raise ijson.JSONError("neither a list nor an object")
    depth = 0
    for token in _TOKEN.finditer(head):
        if token[0] == b"[" and depth == 0:
            return token.start()
        if depth == 1 and token[2]:
            name = token[1].decode(errors="replace").lower()
            if name == "uid":
                return None
            if name in WRAPPERS and head[token.end() : token.end() + 1] == b"[":
                return token.end()
        depth += (token[0] in b"[{") - (token[0] in b"]}")
    return None


def _is_foreign(row: Any) -> bool:
    return isinstance(row, dict) and bool(row) and is_refusal_object(row)
