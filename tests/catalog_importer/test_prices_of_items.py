"""The regular price and the sale, at any moment of its window."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.balance import ItemPrice
from services.accounting.catalogue.eligibility import Skip
from services.accounting.catalogue.price import NO_SALE, ProductPrices, SalePrice, next_price_change
from services.catalog_importer.product import DesiredProduct, write_fields
from services.connectors.woocommerce.product import ProductWrite
from services.settings.catalogue import PriceSettings
from tests.catalog_importer.catalogue_bench import REGULAR, SALE, price, tbilisi
from tests.catalog_importer.sample_prices import RULES, invalid, read, sale_of
from tests.support.memory_state import NOON

GEL_UID = "0f0e7a52-9c3e-11ef-8d21-3c0000000981"


@pytest.mark.parametrize(
    ("stated", "rules", "expected"),
    [
        ((price("14.75"),), RULES, "14.75"),
        ((price("14.75"), price("9", "wholesale")), RULES, "14.75"),
        ((price("14.75"),), PriceSettings(), "14.75"),
        ((price("14.75"), price("9", SALE)), PriceSettings(sale_type=SALE), "14.75"),
        ((price("14.75", REGULAR.upper()),), RULES, "14.75"),
        ((price("9", "wholesale"),), RULES, None),
        ((), RULES, None),
        ((), PriceSettings(), None),
        ((price("14.745"),), RULES, "14.75"),
        ((price("10000000"),), RULES, "10000000.00"),
    ],
)
def test_the_regular_price(stated: tuple[ItemPrice, ...], rules: PriceSettings, expected: str | None) -> None:
    found = read(*stated, rules=rules)
    assert isinstance(found, ProductPrices)
    assert found.regular == (Decimal(expected) if expected else None)


def test_several_price_types_without_a_choice_are_nobodys_guess() -> None:
    assert "choose prices.regular-type" in invalid(read(price("1"), price("2", "wholesale"), rules=PriceSettings()))


@pytest.mark.parametrize("amount", ["0", "-0.01", "-5", "0.004", "10000000.01", "999999999999"])
def test_an_invalid_price_reaches_no_shop(amount: str) -> None:
    assert "correct it in Balance" in invalid(read(price(amount)))


@pytest.mark.parametrize(
    ("currency", "more", "good"),
    [
        (None, {}, True),
        ("GEL", {}, True),
        ("gel", {}, True),
        ("USD", {}, False),
        (GEL_UID, {}, False),
        (GEL_UID, {"currencies": {"GEL": GEL_UID.upper()}}, True),
        (GEL_UID, {"currencies": {"USD": GEL_UID}}, False),
        ("USD", {"currency": "USD"}, True),
    ],
)
def test_a_price_in_another_currency_is_not_taken_for_ours(
    currency: str | None, more: dict[str, Any], good: bool
) -> None:
    found = read(price("14.75", currency=currency), **more)
    assert isinstance(found, ProductPrices) is good
    sale = read(price("14.75"), price("9", SALE, currency=currency), **more)
    assert isinstance(sale, ProductPrices) is good
    if not good:
        assert "set it in balance.currencies" in invalid(found)


@pytest.mark.parametrize(
    ("sale", "is_sale"),
    [("9.90", True), ("0.10", True), ("0.09", False), ("0", False), ("-3", False), ("14.75", False), ("20", False)],
)
def test_what_counts_as_a_sale(sale: str, is_sale: bool) -> None:
    found = sale_of(read(price("14.75"), price(sale, SALE)))
    assert found == (SalePrice(price=Decimal(sale)) if is_sale else NO_SALE)


def test_no_sale_type_means_that_sales_are_the_storefronts() -> None:
    assert sale_of(read(price("14.75"), rules=PriceSettings(regular_type=REGULAR))) is None


def test_without_a_regular_price_nothing_is_published_about_the_sale() -> None:
    assert read(price("9", SALE)) == ProductPrices()


START, END = tbilisi(2026, 11, 27), tbilisi(2026, 12, 1)
WINDOW = (price("14.75"), price("12.90", SALE, valid_from=START, valid_to=END))
SECOND = timedelta(seconds=1)


@pytest.mark.claim("S0.10")
@pytest.mark.parametrize(
    ("now", "phase", "on_sale", "edge"),
    [
        (tbilisi(2026, 11, 1), "before", True, START),
        (START - SECOND, "before", True, START),
        (START, "inside", True, END),
        (tbilisi(2026, 11, 30, 23, 59, 59), "inside", True, END),
        (END, "none", False, None),
        (END + SECOND, "none", False, None),
    ],
)
def test_the_sale_over_its_window_in_tbilisi_time(
    now: datetime, phase: str, on_sale: bool, edge: datetime | None
) -> None:
    found = read(*WINDOW, now=now.astimezone(UTC))
    assert isinstance(found, ProductPrices)
    assert (found.phase, sale_of(found) != NO_SALE) == (phase, on_sale)
    assert next_price_change(WINDOW, now) == edge


@pytest.mark.claim("S0.10")
def test_a_window_in_tbilisi_reaches_the_shop_in_gmt_with_both_prices_in_one_write() -> None:
    found = read(*WINDOW)
    assert isinstance(found, ProductPrices)
    assert ProductWrite(id=1, **write_fields(DesiredProduct().with_prices(found))).to_json() == {
        "id": 1,
        "regular_price": "14.75",
        "sale_price": "12.90",
        "date_on_sale_from_gmt": "2026-11-26T20:00:00",
        "date_on_sale_to_gmt": "2026-11-30T20:00:00",
    }


def test_the_sale_that_holds_now_goes_before_the_next_one() -> None:
    now_open = price("12", SALE, valid_from=START, valid_to=END)
    later = price("10", SALE, valid_from=END, valid_to=END + timedelta(days=3))
    for moment, amount in ((START, "12"), (END - SECOND, "12"), (END, "10"), (START - SECOND, "12")):
        found = sale_of(read(price("14.75"), later, now_open, now=moment))
        assert found is not None
        assert found.price == Decimal(amount)


def test_a_regular_price_of_tomorrow_does_not_hold_today() -> None:
    stated = (price("14.75", valid_from=START - timedelta(days=9)), price("16", valid_from=START))
    assert read(*stated, now=START - SECOND) == ProductPrices(Decimal("14.75"), NO_SALE)
    assert read(*stated, now=START) == ProductPrices(Decimal("16.00"), NO_SALE)
    assert next_price_change(stated, START - SECOND) == START


AMOUNTS = st.decimals("-10", "100", places=3)
MOMENTS = st.none() | st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


@given(regular=AMOUNTS, sale=AMOUNTS, starts=MOMENTS, ends=MOMENTS)
def test_no_product_is_ever_given_away_or_sold_above_its_price(
    regular: Decimal, sale: Decimal, starts: datetime | None, ends: datetime | None
) -> None:
    stated = (price(str(regular)), price(str(sale), SALE, valid_from=starts, valid_to=ends))
    match read(*stated):
        case ProductPrices(found, offer):
            assert found is not None
            assert found > 0
            assert offer is not None
            assert offer.price is None or Decimal("0.10") <= offer.price < found
        case Skip():
            assert regular < Decimal("0.005") or (starts and ends and ends <= starts)


@pytest.mark.parametrize(
    ("start", "end", "good"), [(0, 1, True), (0, 0, False), (1, 0, False), (-2, -3, True), (None, 1, True)]
)
def test_a_window_that_ends_before_it_begins_is_shown(start: int | None, end: int, good: bool) -> None:
    days = {
        "valid_from": None if start is None else NOON + timedelta(days=start + 1),
        "valid_to": NOON + timedelta(days=end + 1),
    }
    found = read(price("20.00"), price("15.00", SALE, **days))
    assert isinstance(found, ProductPrices) is good
    if not good:
        assert "ends before it begins; correct it in Balance" in invalid(found)


def test_a_sale_without_dates_lasts() -> None:
    assert sale_of(read(price("20.00"), price("15.00", SALE))) == SalePrice(price=Decimal(15))
