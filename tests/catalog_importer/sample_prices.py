"""Prices as the importer reads them, for its tests."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from contracts.balance import ItemPrice
from contracts.reasons import Reason
from services.accounting.catalogue.eligibility import Skip
from services.accounting.catalogue.price import ProductPrices, SalePrice, compute_prices
from services.settings.balance import BalanceSettings
from services.settings.catalogue import PriceSettings
from tests.catalog_importer.catalogue_bench import REGULAR, SALE
from tests.support.memory_state import NOON

RULES = PriceSettings(regular_type=REGULAR, sale_type=SALE)


def balance(**more: Any) -> BalanceSettings:
    known = {"application_id": "1234", "user_name": "davtari", "password_file": "password"}
    return BalanceSettings.model_validate(known | more)


def read(*stated: ItemPrice, rules: PriceSettings = RULES, now: datetime = NOON, **more: Any) -> ProductPrices | Skip:
    return compute_prices(stated, rules, balance(**more), now)


def invalid(found: ProductPrices | Skip) -> str:
    assert isinstance(found, Skip)
    assert found.reason == Reason.PRODUCT_PRICE_INVALID
    return found.detail


def sale_of(found: ProductPrices | Skip) -> SalePrice | None:
    assert isinstance(found, ProductPrices)
    return found.sale
