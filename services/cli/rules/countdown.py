"""Orders that are held: by a rule until a person pushes them, or for a time, with how long still (claim S2.20)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from contracts.shop import OrderChanged
from services.accounting.documents.ruling import ruling_of
from services.accounting.documents.trigger import due_at, is_triggered
from services.settings.orders import OrderSettings


@dataclass(frozen=True, slots=True)
class Held:
    """An order that is held. `until` is None where only `davtari push order` lets it go; `by` names rule or setting."""

    shop: str
    order_id: int
    until: datetime | None
    by: str

    def told(self, now: datetime) -> str:
        """When it goes, in words."""
        if self.until is None:
            return f"held by {self.by}: davtari push order {self.order_id} --shop {self.shop} lets it go"
        return f"goes in {left(self.until - now)} ({self.by})"


def left(wait: timedelta) -> str:
    """A time to wait, in its two largest units: `7 min 20 s`."""
    seconds = max(0, round(wait.total_seconds()))
    units = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))
    start = next((n for n, (_, size) in enumerate(units) if seconds >= size), len(units) - 1)
    parts: list[str] = []
    for name, size in units[start : start + 2]:
        count, seconds = divmod(seconds, size)
        parts += [f"{count} {name}"] if count or not parts else []
    return " ".join(parts)


def held(order: OrderChanged, rules: OrderSettings, now: datetime) -> Held | None:
    """Whether an order without a document is held now, and by what."""
    ruling, until = ruling_of(order, rules), due_at(order, rules)
    if ruling.document == "hold":
        return Held(order.shop, order.order_id, None, ruling.by["document"])
    waits = ruling.document == "sales-order" or is_triggered(order, rules)
    return Held(order.shop, order.order_id, until, ruling.by["hold"]) if waits and until > now else None
