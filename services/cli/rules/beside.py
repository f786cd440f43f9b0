"""What the rules make of an order, beside its story."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from contracts.envelope import Envelope
from contracts.model import Event
from contracts.shop import OrderChanged
from services.cli.rules.explained import Explained, explained
from services.settings.model import Settings


def rules_of(
    chosen: Settings, key: str, envelopes: Sequence[Envelope[Event]], at: datetime | None = None
) -> Explained | None:
    """The same of the order `shop:id` now, or `at` a moment; None for one that was never read."""
    shop = chosen.shops.get(key.partition(":")[0])
    orders = [one.data for one in envelopes if isinstance(one.data, OrderChanged) and one.data.key == key]
    return explained(orders[-1], shop.orders, at or datetime.now(UTC)) if shop and orders else None
