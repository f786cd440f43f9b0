"""Where the rows stand in an answer, told from its beginning (API fact: bare array, wrapped array, single object)."""

from __future__ import annotations

from typing import Any

import ijson

from services.connectors.balance.answers import WRAPPERS

BARE = "item"


class Shape:
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
