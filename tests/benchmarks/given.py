"""What the benchmarks run on: facts in any number, and the smallest consumer that has everything a real one has."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from contracts.balance import StockChanged, StockRow
from contracts.catalog import ProductLinked
from contracts.envelope import headers, value, wrap
from contracts.model import Event
from services.engine.kafka.record import Record
from services.settings.model import Settings

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
WAREHOUSE = str(uuid5(NAMESPACE_URL, "warehouse"))


def settings(folder: Path) -> Settings:
    """One shop that sells from one warehouse, everything live."""
    shop = {
        "url": "http://shop.test",
        "key-file": folder / "key",
        "secret-file": folder / "secret",
        "flows": {"stock": "live"},
        "stock": {"policy": "single", "warehouses": [WAREHOUSE]},
    }
    balance = {"transport": "on-prem", "url": "http://balance.test", "user-name": "u", "password-file": folder / "key"}
    return Settings.model_validate({"balance": balance, "shops": {"main": shop}})


def item(number: int) -> str:
    """The uid of an item."""
    return str(uuid5(NAMESPACE_URL, f"item {number}"))


def link(number: int) -> ProductLinked:
    """An item's product."""
    return ProductLinked(
        shop="main", item=item(number), product_id=1000 + number, sku=f"SKU-{number:05}", how="adopted", linked_at=NOW
    )


def stock(number: int, reading: int = 1) -> StockChanged:
    """An item's stock as it was read."""
    row = StockRow(
        warehouse=WAREHOUSE,
        warehouse_name="Main store",
        quantity=Decimal(10 + (number + reading) % 90),
        reserve=Decimal(reading % 3),
    )
    return StockChanged(item=item(number), rows=(row,), changed=("rows",), observed_at=NOW + timedelta(minutes=reading))


def records(events: Iterable[Event], version: int = 1, prefix: str = "") -> list[Record]:
    """Events as Kafka gives them."""
    wrapped = [wrap(event, version=version, source="balance-feed", time=NOW) for event in events]
    return [
        Record(prefix + e.data.TOPIC, 0, offset, 0, e.data.key.encode(), value(e), headers(e))
        for offset, e in enumerate(wrapped)
    ]
