"""The shop's state in memory: documents by id, in the shapes that REST answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from services.sandbox import recorded
from services.sandbox.woocommerce.holders import Holders
from services.sandbox.woocommerce.settings import Settings

Document = dict[str, Any]
UNCATEGORIZED = 15


class Ids:
    """Hands out ids, larger than every id that was seen."""

    def __init__(self, last: int = 0) -> None:
        self.last = last

    def __call__(self) -> int:
        """The next id."""
        self.last += 1
        return self.last

    def seen(self, taken: int) -> None:
        """Takes note of an id that came from elsewhere."""
        self.last = max(self.last, taken)


class Shop:
    """One store: its documents, its clock, and who is told when something changes.

    `announce("order.updated", 17)` tells the listeners; the webhook queue is one.
    """

    def __init__(self, settings: Settings, now: Callable[[], datetime]) -> None:
        self.settings = settings
        self.now = now
        self.home_url = (settings.home_url or "").rstrip("/")
        self.post_ids, self.item_ids, self.meta_ids = Ids(9), Ids(), Ids()
        self.term_ids, self.webhook_ids, self.note_ids = Ids(UNCATEGORIZED), Ids(), Ids()
        self.products: dict[int, Document] = {}
        self.variations: dict[int, Document] = {}
        self.skus, self.gtins, self.slugs = Holders("sku"), Holders("global_unique_id"), Holders("slug")
        self.categories: dict[int, Document] = {UNCATEGORIZED: uncategorized()}
        self.user_ids = Ids(1)
        self.customers: dict[int, Document] = {}
        self.orders: dict[int, Document] = {}
        self.refunds: dict[int, Document] = {}
        self.notes: dict[int, Document] = {}
        self.mails: list[Document] = []
        self.return_requests: dict[int, Any] = {}
        self.webhooks: dict[int, Document] = {}
        self.store = recorded.store()
        self.taxes: dict[int, Document] = {tax["id"]: tax for tax in self.store["taxes"]}
        self.listeners: list[Callable[[str, int], None]] = []

    def announce(self, topic: str, document_id: int) -> None:
        """Says that something happened to a document."""
        for listener in self.listeners:
            listener(topic, document_id)

    def mail(self, kind: str, order: Document, text: str = "") -> None:
        """Keeps a mail that the customer of an order would get; nothing is sent."""
        to = order["billing"].get("email", "")
        self.mails.append({"kind": kind, "order_id": order["id"], "to": to, "text": text})

    def url(self, path: str) -> str:
        """A page of the shop; `path` starts with a slash."""
        return f"{self.home_url}{path}"

    def rest_url(self, path: str) -> str:
        """A resource of the REST API; `path` starts with a slash."""
        return self.url(f"/wp-json/wc/v3{path}")

    def refunds_of(self, order_id: int) -> list[Document]:
        """An order's refunds, newest first."""
        found = [refund for refund in self.refunds.values() if refund["parent_id"] == order_id]
        return sorted(found, key=lambda refund: -refund["id"])

    def free(self, document: Document) -> None:
        """Frees the SKU, GTIN and slug of a product or variation."""
        for holders in (self.skus, self.gtins, self.slugs):
            holders.free(document)

    def stocked(self) -> Iterator[Document]:
        """Every product and variation."""
        yield from self.products.values()
        yield from self.variations.values()

    def sellable(self, document_id: int) -> Document | None:
        """The product or variation of an id."""
        return self.variations.get(document_id) or self.products.get(document_id)

    def links(self, path: str, collection: str, allow: str = "GET POST PUT PATCH DELETE") -> Document:
        """A document's `_links`."""
        hints = {"allow": allow.split()}
        return {
            "self": [{"href": self.rest_url(path), "targetHints": hints}],
            "collection": [{"href": self.rest_url(collection)}],
        }

    def link(self, path: str) -> list[Document]:
        """One further entry of `_links`."""
        return [{"href": self.rest_url(path)}]


def uncategorized() -> Document:
    """The category of everything that has no other."""
    return {
        "id": UNCATEGORIZED,
        "name": "Uncategorized",
        "slug": "uncategorized",
        "parent": 0,
        "description": "",
        "display": "default",
        "image": None,
        "menu_order": 0,
    }
