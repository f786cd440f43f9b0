"""A catalogue in events, of any size: items, their prices, and the products that they are linked to."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

from contracts.balance import GroupRef, ItemChanged, ItemPrice, PriceChanged
from contracts.catalog import ProductLinked
from contracts.gates import GateChecked
from services.accounting.catalogue.eligibility import Eligible
from services.accounting.catalogue.price import ProductPrices, compute_prices
from services.accounting.checks.balance import connection_digest
from services.accounting.checks.findings import FLOWS
from services.catalog_importer import product
from services.catalog_importer.product import DesiredProduct, build_creation, desired_catalogue_fields, record_written
from services.settings.model import Settings
from tests.benchmarks.given import NOW, WAREHOUSE, item

GROUP, CATEGORY, REGULAR = "group-goods", 21, "type-regular"
FIRST_PRODUCT = 1000


def settings(folder: Path, url: str = "http://shop.test", **shop: Any) -> Settings:
    """One shop with the group mapped; everything live."""
    (folder / "key").write_text("ck_sandbox")
    (folder / "secret").write_text("cs_sandbox")
    main = {
        "url": url,
        "key-file": folder / "key",
        "secret-file": folder / "secret",
        "flows": {"catalogue": "live", "prices": "live", "stock": "live"},
        "catalogue": {"groups": {GROUP: CATEGORY}},
        "prices": {"regular-type": REGULAR},
        "stock": {"policy": "single", "warehouses": [WAREHOUSE]},
    }
    balance = {"transport": "on-prem", "url": "http://balance.test", "user-name": "u", "password-file": folder / "key"}
    return Settings.model_validate({"balance": balance, "shops": {"main": main | shop}})


def product_id(number: int) -> int:
    """The product of an item."""
    return FIRST_PRODUCT + number


@lru_cache(maxsize=1000)
def item_changed(number: int) -> ItemChanged:
    """An item."""
    return ItemChanged(
        item=item(number),
        kind="goods",
        item_type="საქონელი",
        sku=f"SKU-{number:07}",
        name=f"ჩაი შავი, ნიმუში {number}",
        full_name=f"ჩაი შავი, ნიმუში {number}, 100 გ",
        unit="ცალი",
        barcode=f"4860{number:09}",
        weight=Decimal("0.1"),
        vat_rate="18%",
        group=GROUP,
        path=(GroupRef(uid=GROUP, name="ჩაი"),),
        observed_at=NOW,
    )


@lru_cache(maxsize=1000)
def price_changed(number: int, reading: int = 1) -> PriceChanged:
    """An item's price as it was read."""
    amount = Decimal(100 + number % 900) / 10 + reading
    return PriceChanged(item=item(number), prices=(ItemPrice(price_type=REGULAR, price=amount),), observed_at=NOW)


def desired(rules: Settings, number: int) -> DesiredProduct:
    """What the product of an item shall hold."""
    note = item_changed(number)
    found = compute_prices(price_changed(number).prices, rules.shops["main"].prices, rules.balance, NOW)
    assert isinstance(found, ProductPrices)
    return desired_catalogue_fields(note, Eligible((CATEGORY,), note.sku or "")).with_prices(found)


def linked(rules: Settings, number: int) -> ProductLinked:
    """The link of an item whose product holds all of that."""
    wanted = desired(rules, number)
    mark = product.digest_product(wanted, rules.shops["main"].fields)
    return ProductLinked(
        shop="main",
        item=item(number),
        product_id=product_id(number),
        sku=f"SKU-{number:07}",
        how="created",
        linked_at=NOW,
        written=record_written(wanted, None, mark),
        written_at=NOW,
    )


def record(number: int) -> dict[str, Any]:
    """The product as it is sent to the shop."""
    rules = RULES
    return build_creation(desired(rules, number), item(number), rules.shops["main"].catalogue.meta_key).to_json()


RULES = Settings.model_validate(
    {
        "balance": {"transport": "on-prem", "url": "http://b.test", "user-name": "u", "password-file": "p"},
        "shops": {
            "main": {
                "url": "http://shop.test",
                "key-file": "k",
                "secret-file": "s",
                "catalogue": {"groups": {GROUP: CATEGORY}},
                "prices": {"regular-type": REGULAR},
            }
        },
    }
)


def lookups_read(rules: Settings) -> GateChecked:
    """balance-feed's word that Balance's lookups could be read: without it nobody writes to a shop."""
    note = {"since": NOW, "passed_at": NOW, "checked_at": NOW, "about": connection_digest(rules)}
    return GateChecked(service="balance-feed", gate="balance", flows=FLOWS, verdict="passed", **note)
