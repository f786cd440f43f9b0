"""What a REST resource is: documents that are created, read, updated, deleted and searched."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from services.sandbox.woocommerce.shop import Document, Shop

Query = Mapping[str, str]


@dataclass(frozen=True)
class Found:
    """What a search found, in order, and how one of them is shown; a few lists have no pages."""

    documents: Sequence[Document]
    show: Callable[[Document], Document]
    paged: bool = True


class Searchable(Protocol):
    """Documents that can be listed."""

    def search(self, query: Query) -> Found:
        """The documents that a list's query asks for."""
        ...


class Resource(Searchable, Protocol):
    """A collection of documents of one shop; `strict` asks for the schema checks of the single endpoints.

    Every method raises RestError in WooCommerce's words.
    """

    def create(self, body: Document, *, strict: bool) -> Document:
        """Makes a document; answers it as shown."""
        ...

    def read(self, document_id: int) -> Document:
        """One document as shown."""
        ...

    def update(self, document_id: int, body: Document, *, strict: bool) -> Document:
        """Changes a document; answers it as shown."""
        ...

    def delete(self, document_id: int, *, force: bool) -> Document:
        """Moves a document to the trash, or deletes it for good; answers it as it was."""
        ...


Factory = Callable[[Shop, Mapping[str, int]], Resource]


def truthy(value: Any) -> bool:
    """A boolean as PHP reads it from a query or a body."""
    return value in (True, 1, "1", "true", "yes")
