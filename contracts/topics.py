"""The topic manifest: every topic with its partitions, retention and compaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

PREFIX = "davtari."
DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as `davtari topics create` makes it. `name` is without the prefix, `largest` in bytes of a batch.

    `erases`: what a newer record of its key has replaced really goes, within days.
    """

    name: str
    key: str
    about: str
    cleanup: Literal["compact", "delete"]
    partitions: int = 3
    largest: int = 4 * 1024 * 1024
    erases: bool = False

    def config(self) -> dict[str, str]:
        """Kafka's topic configuration: nothing is deleted by age or size, since the log is the ledger."""
        kept = {"cleanup.policy": self.cleanup, "retention.ms": "-1", "retention.bytes": "-1"}
        if self.cleanup == "compact":
            lag = 0 if self.erases else DAY_MS
            kept |= {"min.compaction.lag.ms": str(lag), "delete.retention.ms": str(7 * DAY_MS)}
        if self.erases:
            kept |= {"segment.ms": str(DAY_MS), "max.compaction.lag.ms": str(DAY_MS)}
        return kept | {"max.message.bytes": str(self.largest)}


TOPICS: tuple[Topic, ...] = (
    Topic("balance.items", "item uid", "Items and folders of Balance's catalogue", "compact"),
    Topic("balance.prices", "item uid", "Prices of items by price type", "compact"),
    Topic("balance.stock", "item uid", "Stock of items by warehouse and lot", "compact"),
    Topic("shop.orders", "shop:order", "Orders of the shops, whole", "delete"),
    Topic("shop.refunds", "shop:order", "Refunds of the shops, whole", "delete"),
    Topic("shop.customers", "shop:customer", "Customer accounts that have ended", "compact"),
    Topic("catalog.links", "shop:item", "Which item is which product, and what was last written", "compact"),
    Topic("catalog.plans", "shop:item", "What the importer would do, or why it skips an item", "compact"),
    Topic("catalog.mappings", "shop:group", "The category of a group of Balance, by command", "compact", partitions=1),
    Topic("stock.availability", "shop:item", "Stock figures with their explanation", "compact"),
    Topic("ledger.documents", "shop:order", "Documents recorded in Balance, and their planned twins", "delete"),
    Topic("shop.notices", "shop:order", "Notes and statuses written back to orders, and their planned twins", "delete"),
    Topic("privacy.keys", "person_ref:service", "Keys of personal data", "compact", partitions=1, erases=True),
    Topic("commands", "command id", "What people ask and decide, signed", "delete", partitions=1),
    Topic("operations", "command id", "Results of commands, and the state of services", "delete", partitions=1),
    Topic(
        "dead-letters",
        "original key",
        "What only a person can settle, with its bytes",
        "delete",
        partitions=1,
        largest=8 * 1024 * 1024,  # a dead letter contains the largest record of the others in base64
    ),
)
BY_NAME = {topic.name: topic for topic in TOPICS}
_OVERHEAD = 128 * 1024
"""Bytes of the headers of an event and of its batch, generously."""


def largest_event(topic: str) -> int:
    """The most bytes that the value of an event may have in this topic."""
    return BY_NAME[topic].largest - _OVERHEAD


REPORTERS: Mapping[str, str] = {
    "balance.items": "balance-feed",
    "balance.prices": "balance-feed",
    "balance.stock": "balance-feed",
    "shop.orders": "store-feed",
    "shop.refunds": "store-feed",
    "shop.customers": "store-feed",
    "catalog.links": "catalog-importer",
    "catalog.plans": "catalog-importer",
    "catalog.mappings": "catalog-importer",
    "stock.availability": "stock-publisher",
    "ledger.documents": "order-exporter",
    "shop.notices": "order-notifier",
    "commands": "store-feed",
    "operations": "store-feed",
    "privacy.keys": "store-feed",
    "dead-letters": "store-feed",
}
"""By topic, the one service that makes a dead letter of a record that cannot be read; the others leave it out."""
SERVICES = frozenset(REPORTERS.values()) | {"refund-exporter", "alerts", "console"}


def reports(service: str, topic: str) -> bool:
    """Whether a service makes a dead letter of a record of this topic that cannot be read.

    Whoever is not one of Davtari's services speaks for itself.
    """
    return service not in SERVICES or REPORTERS.get(topic, service) == service
