"""Who holds which SKU, GTIN or slug: one holder per value, letter case ignored, the trash included."""

from __future__ import annotations

from typing import Any


class Holders:
    """An index of the documents that hold a value in one field."""

    def __init__(self, field: str) -> None:
        self.field = field
        self._holders: dict[str, dict[str, Any]] = {}

    def holder(self, value: str) -> dict[str, Any] | None:
        """The document with this value."""
        return self._holders.get(value.casefold())

    def __contains__(self, value: object) -> bool:
        return isinstance(value, str) and self.holder(value) is not None

    def take(self, document: dict[str, Any], value: str) -> None:
        """Gives a value to a document and frees the one that it had."""
        self.free(document)
        document[self.field] = value
        if value:
            self._holders[value.casefold()] = document

    def free(self, document: dict[str, Any]) -> None:
        """Frees a document's value."""
        value = document.get(self.field, "").casefold()
        if self._holders.get(value) is document:
            del self._holders[value]

    def unused(self, value: str) -> str:
        """The first of value-1, value-2, ... that nobody holds."""
        number = 1
        while self.holder(f"{value}-{number}"):
            number += 1
        return f"{value}-{number}"
