"""Who holds which SKU: one holder per SKU, letter case ignored, the trash included."""

from __future__ import annotations

from typing import Any


class Skus:
    """An index of SKUs."""

    def __init__(self) -> None:
        self._holders: dict[str, dict[str, Any]] = {}

    def holder(self, sku: str) -> dict[str, Any] | None:
        """The product or variation with this SKU."""
        return self._holders.get(sku.casefold())

    def take(self, document: dict[str, Any], sku: str) -> None:
        """Gives a SKU to a document and frees the one that it had."""
        self.free(document)
        document["sku"] = sku
        if sku:
            self._holders[sku.casefold()] = document

    def free(self, document: dict[str, Any]) -> None:
        """Frees a document's SKU."""
        if self._holders.get(document["sku"].casefold()) is document:
            del self._holders[document["sku"].casefold()]

    def unused(self, sku: str) -> str:
        """The first of sku-1, sku-2, ... that nobody holds."""
        number = 1
        while self.holder(f"{sku}-{number}"):
            number += 1
        return f"{sku}-{number}"
