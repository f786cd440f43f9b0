"""Discounts of Balance as sale prices."""

from __future__ import annotations

from decimal import Decimal

import pytest

from services.accounting.catalogue.price import NO_SALE, SalePrice, next_price_change
from services.settings.catalogue import PriceSettings
from tests.catalog_importer.catalogue_bench import REGULAR, SALE, price, settings, tbilisi
from tests.catalog_importer.sample_prices import RULES, read, sale_of

REDUCED = PriceSettings(regular_type=REGULAR, discounts=True)
SALE_OF_MARCH = {"source": "Discounts", "valid_from": tbilisi(2026, 3, 1), "valid_to": tbilisi(2026, 4, 1)}


@pytest.mark.claim("S2.23")
def test_a_discount_of_balance_is_the_sale_price_within_its_window() -> None:
    found = read(price("14.75"), price("13.28", **SALE_OF_MARCH), rules=REDUCED)
    window = {"starts": SALE_OF_MARCH["valid_from"], "ends": SALE_OF_MARCH["valid_to"]}
    assert sale_of(found) == SalePrice(price=Decimal("13.28"), **window)


def test_the_lowest_of_several_discounts_counts_while_it_holds() -> None:
    days = SALE_OF_MARCH | {"valid_from": tbilisi(2026, 3, 8), "valid_to": tbilisi(2026, 3, 10)}
    stated = (price("14.75"), price("13.28", **SALE_OF_MARCH), price("9", **days), price("14", **days))
    by_day = {day: sale_of(read(*stated, rules=REDUCED, now=tbilisi(2026, 3, day))) for day in (7, 8, 9, 10)}
    assert {day: sale and sale.price for day, sale in by_day.items()} == {
        7: Decimal("13.28"),
        8: Decimal("9.00"),
        9: Decimal("9.00"),
        10: Decimal("13.28"),
    }
    assert next_price_change(stated, tbilisi(2026, 3, 8)) == tbilisi(2026, 3, 10)


@pytest.mark.parametrize("rules", [RULES, PriceSettings(regular_type=REGULAR)])
def test_discounts_are_nothing_to_a_shop_that_does_not_take_them(rules: PriceSettings) -> None:
    found = read(price("14.75"), price("13.28", **SALE_OF_MARCH), rules=rules)
    assert sale_of(found) in (None, NO_SALE)


def test_two_sources_of_one_sale_price_are_refused() -> None:
    with pytest.raises(ValueError, match="two sources"):
        PriceSettings(regular_type=REGULAR, sale_type=SALE, discounts=True)


def test_a_shop_cannot_take_discounts_that_nobody_reads() -> None:
    with pytest.raises(ValueError, match=r"balance\.discounts\.read"):
        settings(prices={"discounts": True, "sale_type": None})
