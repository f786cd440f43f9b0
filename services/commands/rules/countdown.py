"""Orders that are held: by a rule until a person pushes them, or for a time, with how long still (claim S2.20)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from contracts.envelope import Envelope
from contracts.ledger import SaleRecorded
from contracts.model import Event
from contracts.operations import PushRequested
from contracts.sales_orders import SalesOrderRecorded
from contracts.shop import OrderChanged, OrderRemoved
from services.order_exporter.content import is_void
from services.shared.documents.ruling import ruling_of
from services.shared.documents.trigger import due_at, is_triggered
from services.shared.settings.model import Settings
from services.shared.settings.orders import OrderSettings

TOPICS = ("shop.orders", "ledger.documents", "operations")


@dataclass(frozen=True, slots=True)
class Held:
    """An order that is held. `until` is None where only `davtari push order` lets it go; `by` names rule or setting."""

    shop: str
    order_id: int
    number: str
    status: str
    total: Decimal
    currency: str
    document: str
    until: datetime | None
    by: str

    def told(self, now: datetime) -> str:
        """When it goes, in words."""
        if self.until is None:
            return f"held by {self.by}: davtari push order {self.shop} {self.order_id} lets it go"
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
        return _held(order, "none", None, ruling.by["document"])
    waits = ruling.document == "sales-order" or is_triggered(order, rules)
    return _held(order, ruling.document, until, ruling.by["hold"]) if waits and until > now else None


def _held(order: OrderChanged, document: str, until: datetime | None, by: str) -> Held:
    return Held(
        shop=order.shop,
        order_id=order.order_id,
        number=order.number,
        status=order.status,
        total=order.total,
        currency=order.currency,
        document=document,
        until=until,
        by=by,
    )


def held_orders(settings: Settings, envelopes: Iterable[Envelope[Event]], now: datetime) -> list[Held]:
    """Every order that is held now, those that go next first."""
    found = [
        one
        for key, order in _open_orders(envelopes).items()
        if (shop := settings.shops.get(key.partition(":")[0])) and shop.flows.orders != "off"
        if (one := held(order, shop.orders, now))
    ]
    return sorted(found, key=lambda one: (one.until is None, one.until or now, one.order_id))


def _open_orders(envelopes: Iterable[Envelope[Event]]) -> Mapping[str, OrderChanged]:
    """The orders that stand, have no document, and were not pushed by a person."""
    orders: dict[str, OrderChanged] = {}
    done: set[str] = set()
    for event in (envelope.data for envelope in envelopes):
        match event:
            case OrderChanged():
                orders[event.key] = event
            case OrderRemoved():
                orders.pop(event.key, None)
            case SaleRecorded() | SalesOrderRecorded():
                done.add(event.key)
            case PushRequested() if event.document == "order" and not event.dry_run:
                done.add(f"{event.shop}:{event.order_id}")
            case _:
                continue
    return {key: order for key, order in orders.items() if key not in done and not is_void(order)}
