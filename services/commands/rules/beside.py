"""What belongs to an order's story beside its events: whether it is held still, and what the rules make of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from contracts.envelope import Envelope
from contracts.model import Event
from contracts.shop import OrderChanged
from services.commands.rules.countdown import held_orders
from services.commands.rules.explained import Explained, explained
from services.commands.rules.shown import show
from services.commands.screen import console
from services.shared.settings.model import Settings


@dataclass(frozen=True, slots=True)
class Beside:
    """`held` says when the order goes, where it is held; `rules` only where that was asked for."""

    held: str | None = None
    rules: Explained | None = None

    @property
    def data(self) -> dict[str, Any]:
        """For `--json`."""
        return {"held": self.held} | ({"rules": asdict(self.rules)} if self.rules else {})

    def show(self) -> None:
        """Print it."""
        if self.held:
            console.print(self.held, style="yellow", markup=False, soft_wrap=True)
        if self.rules:
            show(self.rules)


def beside(
    chosen: Settings, key: str, envelopes: Sequence[Envelope[Event]], at: datetime | None, *, why: bool
) -> Beside:
    """What these events say of the order `shop:id` now, or `at` a moment."""
    now = at or datetime.now(UTC)
    waits = [one for one in held_orders(chosen, envelopes, now) if f"{one.shop}:{one.order_id}" == key]
    return Beside(waits[0].told(now) if waits else None, _rules(chosen, key, envelopes, now) if why else None)


def _rules(chosen: Settings, key: str, envelopes: Sequence[Envelope[Event]], now: datetime) -> Explained | None:
    shop = chosen.shops.get(key.partition(":")[0])
    orders = [one.data for one in envelopes if isinstance(one.data, OrderChanged) and one.data.key == key]
    return explained(orders[-1], shop.orders, now) if shop and orders else None
