"""The state of a sandbox shop: its settings, its documents by id, and unique values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from services.sandbox import recorded

Permissions = Literal["read", "write", "read_write"]
Release = Literal["9.9.5", "10.5.0"]
"""The versions of WooCommerce whose answers were recorded and compared."""


@dataclass(frozen=True)
class SandboxApiKey:
    """A REST API key."""

    consumer_key: str
    consumer_secret: str
    permissions: Permissions = "read_write"


@dataclass(frozen=True)
class SandboxPace:
    """How slow the shop is: measured on two shared CPUs, about 90 ms a request and 50 ms a product of a batch."""

    workers: int = 8
    request_seconds: float = 0.09
    item_seconds: float = 0.05


DEFAULT_KEYS = (
    SandboxApiKey("ck_sandbox", "cs_sandbox"),
    SandboxApiKey("ck_sandbox_reads", "cs_sandbox_reads", "read"),
    SandboxApiKey("ck_sandbox_writes", "cs_sandbox_writes", "write"),
)


@dataclass(frozen=True)
class SandboxShopSettings:
    """A shop's settings; without `home_url` the shop is at home wherever a request first reaches it.

    `hold_deliveries` keeps webhooks queued until they are asked for (`Deliveries.drain`, /_sandbox/webhooks/deliver).
    `max_body` is the web server's limit in bytes. `orders_in` is where orders are stored: HPOS on, off, or on with
    compatibility mode; the system status shows it, and what the end of an account does to its orders.

    `rest_prefix` is WordPress's `rest_url_prefix`. With `permalinks` "plain" the API answers at `/?rest_route=/` alone.
    With `removes_authorization` the header never reaches PHP; `php_notice` is what PHP writes before each answer.
    """

    keys: tuple[SandboxApiKey, ...] = DEFAULT_KEYS
    home_url: str | None = None
    name: str = "Davtari sandbox"
    version: Release = "9.9.5"
    orders_in: Literal["own-tables", "posts", "both"] = "own-tables"
    currency: str = "GEL"
    pace: SandboxPace | None = None
    hold_deliveries: bool = False
    max_body: int = 8_000_000
    rest_prefix: str = "wp-json"
    permalinks: Literal["pretty", "plain"] = "pretty"
    removes_authorization: bool = False
    php_notice: str = ""


class UniqueIndex:
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


Document = dict[str, Any]
UNCATEGORIZED = 15


class IdSequence:
    """A sequence of ids that is larger than every reserved id."""

    def __init__(self, last: int = 0) -> None:
        self.last = last

    def __call__(self) -> int:
        """The next id."""
        self.last += 1
        return self.last

    def reserve(self, taken: int) -> None:
        """Reserves an id that was assigned elsewhere."""
        self.last = max(self.last, taken)


class SandboxShop:
    """One store: its documents, its clock, and the listeners for changes.

    `announce("order.updated", 17)` calls the listeners; the webhook queue is one.
    """

    def __init__(self, settings: SandboxShopSettings, now: Callable[[], datetime]) -> None:
        self.settings = settings
        self.now = now
        self.home_url = (settings.home_url or "").rstrip("/")
        self.post_ids, self.item_ids, self.meta_ids = IdSequence(9), IdSequence(), IdSequence()
        self.term_ids, self.webhook_ids, self.note_ids = IdSequence(UNCATEGORIZED), IdSequence(), IdSequence()
        self.products: dict[int, Document] = {}
        self.variations: dict[int, Document] = {}
        self.skus, self.gtins, self.slugs = UniqueIndex("sku"), UniqueIndex("global_unique_id"), UniqueIndex("slug")
        self.categories: dict[int, Document] = {UNCATEGORIZED: make_uncategorized()}
        self.user_ids = IdSequence(1)
        self.customers: dict[int, Document] = {}
        self.orders: dict[int, Document] = {}
        self.refunds: dict[int, Document] = {}
        self.notes: dict[int, Document] = {}
        self.mails: list[Document] = []
        self.return_requests: dict[int, Any] = {}
        self.webhooks: dict[int, Document] = {}
        self.store = recorded.get_store()
        self.taxes: dict[int, Document] = {tax["id"]: tax for tax in self.store["taxes"]}
        self.listeners: list[Callable[[str, int], None]] = []

    def announce(self, topic: str, document_id: int) -> None:
        """Calls every listener with a topic and a document id."""
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


def make_uncategorized() -> Document:
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
