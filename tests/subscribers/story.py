"""The events of these tests: the golden samples, and a few events about an item and an order."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import TypeVar

from contracts.balance import ItemChanged, ItemPrice, ItemWithdrawn, PriceChanged, StockChanged, StockRow
from contracts.envelope import Envelope, decode, wrap
from contracts.model import Event
from contracts.sample import samples
from contracts.shop import OrderChanged

NOW = datetime(2026, 11, 20, 10, 3, tzinfo=UTC)
TEA, GEL = "tea", "GEL"
EventT = TypeVar("EventT", bound=Event)


def the_samples() -> list[Envelope[Event]]:
    """Every golden sample, as Davtari would publish it."""
    return [decode(sample.raw_headers(), sample.raw_value()) for sample in samples()]


def what_is_followed() -> list[Envelope[Event]]:
    """The same but for the keys of people, which are given only to who names their topic."""
    return [each for each in the_samples() if each.data.TOPIC != "privacy.keys"]


def sample_of(type_: type[EventT]) -> EventT:
    """The first golden sample of a type."""
    return next(event.data for event in the_samples() if isinstance(event.data, type_))


def wrap_event(event: EventT, version: int = 1) -> Envelope[EventT]:
    """An event in its envelope."""
    return wrap(event, version=version, source="a-test", time=NOW)


def item(name: str = "Tea", uid: str = TEA) -> ItemChanged:
    """An item of this name."""
    return ItemChanged(item=uid, kind="goods", sku=uid.upper(), name=name, unit="pc", observed_at=NOW)


def withdrawn(uid: str = TEA) -> ItemWithdrawn:
    """The item is gone from Balance."""
    return ItemWithdrawn(item=uid, observed_at=NOW)


def price(*amounts: str, uid: str = TEA) -> PriceChanged:
    """The item's prices, one price type each."""
    prices = [ItemPrice(price_type=f"type-{n}", price=Decimal(each), currency=GEL) for n, each in enumerate(amounts, 1)]
    return PriceChanged(item=uid, prices=tuple(prices), observed_at=NOW)


def stock(*quantities: str, uid: str = TEA) -> StockChanged:
    """What lies of the item in each warehouse."""
    rows = [
        StockRow(warehouse=f"w{n}", quantity=Decimal(each), reserve=Decimal(0)) for n, each in enumerate(quantities, 1)
    ]
    return StockChanged(item=uid, rows=tuple(rows), observed_at=NOW)


def order(number: int, status: str = "processing", shop: str = "main") -> OrderChanged:
    """An order of a shop, with a person in it."""
    return sample_of(OrderChanged).model_copy(
        update={"shop": shop, "order_id": number, "number": str(number), "status": status}
    )


def ids(events: Iterable[Envelope[Event]]) -> list[str]:
    """The ids of events."""
    return [event.id for event in events]
