"""Cursors of lists as clients see them: opaque, and valid only for the list and the filters that they come from."""

from __future__ import annotations

from itsdangerous import BadData, URLSafeSerializer

from services.console.queries.page import InvalidCursor

LONGEST = 1000
"""Characters of a cursor."""


class CursorSigner:
    """Signs cursors together with the name and the filters of their list."""

    def __init__(self, key: str) -> None:
        self._key = key

    def sign(self, cursor: str | None, listed: str, filters: str) -> str | None:
        """The cursor for a client; None at the end of the list."""
        return None if cursor is None else self._serializer(listed, filters).dumps(cursor)

    def open(self, signed: str | None, listed: str, filters: str) -> str | None:
        """The cursor for the query. Raises `InvalidCursor` for one of another list, of other filters, or changed."""
        if signed is None:
            return None
        try:
            return str(self._serializer(listed, filters).loads(signed))
        except BadData:
            raise InvalidCursor("it is not the cursor of a page of this list with these filters") from None

    def _serializer(self, listed: str, filters: str) -> URLSafeSerializer:
        return URLSafeSerializer(self._key, salt=f"cursor {listed} {filters}")
