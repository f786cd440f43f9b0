"""Which shop and which order a dead letter is about.

Keys and subjects of letters take many forms: `shop:order`, `shop:item`, a Balance uid, the identity of a client,
`customer shop:id`, the subject of a fault. This is the only place that reads them.
"""

from __future__ import annotations

import re

from contracts.operations import DeadLettered

ORDER_SERVICES = frozenset({"store-feed", "order-exporter", "refund-exporter", "order-notifier"})
"""Services whose subjects are `shop:order`."""
SHOP_SERVICES = ORDER_SERVICES | {"catalog-importer", "stock-publisher"}
"""Services whose subjects name a shop; those of balance-feed (`stock:import`) only look so."""
ORDER_TOPICS = ("shop.orders", "shop.refunds", "ledger.documents", "shop.notices")
SHOP_TOPICS = (*ORDER_TOPICS, "shop.customers", "catalog.links", "catalog.plans", "stock.availability")
_SHOP = re.compile(r"(?:(?:customer|accept|webhooks of) )?([a-z0-9][a-z0-9-]{0,31})(:.+)?")
_ORDER = re.compile(r"[a-z0-9][a-z0-9-]{0,31}:[1-9][0-9]{0,18}")


def subject_of(letter: DeadLettered) -> str:
    """The subject that failed, or the key of the record that could not be handled."""
    return letter.delivery.subject if letter.delivery else letter.original_key


def order_key_of(letter: DeadLettered) -> str | None:
    """The order that a letter is about, as `shop:order`; None for a letter about anything else."""
    subject = subject_of(letter)
    return subject if _names_order(letter) and _ORDER.fullmatch(subject) else None


def order_of(letter: DeadLettered) -> int | None:
    """The number of the order that a letter is about."""
    key = order_key_of(letter)
    return int(key.rpartition(":")[2]) if key else None


def shop_of(letter: DeadLettered) -> str | None:
    """The shop that a letter is about."""
    found = _SHOP.fullmatch(subject_of(letter)) if _names_shop(letter) else None
    return letter.shop or (found[1] if found and (found[2] or " " in found[0]) else None)


def _names_order(letter: DeadLettered) -> bool:
    if letter.record is not None:
        return letter.record.topic.endswith(ORDER_TOPICS)
    return letter.service in ORDER_SERVICES


def _names_shop(letter: DeadLettered) -> bool:
    if letter.record is not None:
        return letter.record.topic.endswith(SHOP_TOPICS)
    return letter.service in SHOP_SERVICES
