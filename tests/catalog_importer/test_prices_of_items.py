"""The regular price and the sale, at any moment of its window."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.balance import ItemPrice
from contracts.reasons import Reason
from services.catalog_importer.eligibility import Skip
from services.catalog_importer.price import NO_SALE, Prices, Sale, next_edge, prices
from services.catalog_importer.product import Desired, values
from services.shared.settings.balance import BalanceSettings
from services.shared.settings.catalogue import PriceSettings
from services.shared.woocommerce.product_write import ProductWrite
from tests.catalog_importer.catalogue_bench import REGULAR, SALE, price, settings, tbilisi
from tests.support.memory_state import NOON

RULES = PriceSettings(regular_type=REGULAR, sale_type=SALE)
GEL_UID = "0f0e7a52-9c3e-11ef-8d21-3c0000000981"


def balance(**more: Any) -> BalanceSettings:
    known = {"application_id": "1234", "user_name": "davtari", "password_file": "password"}
    return BalanceSettings.model_validate(known | more)


def read(*stated: ItemPrice, rules: PriceSettings = RULES, now: datetime = NOON, **more: Any) -> Prices | Skip:
    return prices(stated, rules, balance(**more), now)


def invalid(found: Prices | Skip) -> str:
    assert isinstance(found, Skip)
    assert found.reason == Reason.PRODUCT_PRICE_INVALID
    return found.detail


def sale_of(found: Prices | Skip) -> Sale | None:
    assert isinstance(found, Prices)
    return found.sale


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
    assert isinstance(found, Prices)
    assert found.regular == (Decimal(expected) if expected else None)


def test_several_price_types_without_a_choice_are_nobodys_guess() -> None:
    assert "choose prices.regular-type" in invalid(read(price("1"), price("2", "wholesale"), rules=PriceSettings()))


@pytest.mark.parametrize("amount", ["0", "-0.01", "-5", "0.004", "10000000.01", "999999999999"])
def test_a_price_that_cannot_be_right_reaches_no_shop(amount: str) -> None:
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
    assert isinstance(found, Prices) is good
    sale = read(price("14.75"), price("9", SALE, currency=currency), **more)
    assert isinstance(sale, Prices) is good
    if not good:
        assert "write it into balance.currencies" in invalid(found)


@pytest.mark.parametrize(
    ("sale", "is_sale"),
    [("9.90", True), ("0.10", True), ("0.09", False), ("0", False), ("-3", False), ("14.75", False), ("20", False)],
)
def test_what_counts_as_a_sale(sale: str, is_sale: bool) -> None:
    found = sale_of(read(price("14.75"), price(sale, SALE)))
    assert found == (Sale(price=Decimal(sale)) if is_sale else NO_SALE)


def test_no_sale_type_means_that_sales_are_the_storefronts() -> None:
    assert sale_of(read(price("14.75"), rules=PriceSettings(regular_type=REGULAR))) is None


def test_without_a_regular_price_nothing_is_said_about_the_sale() -> None:
    assert read(price("9", SALE)) == Prices()


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
    assert isinstance(found, Prices)
    assert (found.phase, sale_of(found) != NO_SALE) == (phase, on_sale)
    assert next_edge(WINDOW, now) == edge


@pytest.mark.claim("S0.10")
def test_a_window_in_tbilisi_reaches_the_shop_in_gmt_with_both_prices_in_one_write() -> None:
    found = read(*WINDOW)
    assert isinstance(found, Prices)
    assert ProductWrite(id=1, **values(Desired().with_prices(found))).json_body() == {
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
    assert read(*stated, now=START - SECOND) == Prices(Decimal("14.75"), NO_SALE)
    assert read(*stated, now=START) == Prices(Decimal("16.00"), NO_SALE)
    assert next_edge(stated, START - SECOND) == START


AMOUNTS = st.decimals("-10", "100", places=3)
MOMENTS = st.none() | st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


@given(regular=AMOUNTS, sale=AMOUNTS, starts=MOMENTS, ends=MOMENTS)
def test_no_product_is_ever_given_away_or_sold_above_its_price(
    regular: Decimal, sale: Decimal, starts: datetime | None, ends: datetime | None
) -> None:
    stated = (price(str(regular)), price(str(sale), SALE, valid_from=starts, valid_to=ends))
    match read(*stated):
        case Prices(found, offer):
            assert found is not None
            assert found > 0
            assert offer is not None
            assert offer.price is None or Decimal("0.10") <= offer.price < found
        case Skip():
            assert regular < Decimal("0.005") or (starts and ends and ends <= starts)


TRADE, VIP = "type-trade", "type-vip"
ROLES = PriceSettings(regular_type=REGULAR, sale_type=SALE, roles={"trade_price": TRADE, "vip_price": VIP})


@pytest.mark.claim("S4.13", "S4.14", "S4.18", "S4.19")
def test_prices_of_other_types_go_to_the_custom_fields_of_roles() -> None:
    found = read(price("20.00"), price("15.00", TRADE), price("12.505", VIP), rules=ROLES)
    assert isinstance(found, Prices)
    assert {one.meta_key: one.price for one in found.roles} == {
        "trade_price": Decimal(15),
        "vip_price": Decimal("12.51"),
    }
    write = ProductWrite(**values(Desired().with_prices(found)))
    assert write.json_body()["meta_data"] == [
        {"key": "trade_price", "value": "15.00"},
        {"key": "vip_price", "value": "12.51"},
    ]


@pytest.mark.parametrize(
    ("start", "end", "good"), [(0, 1, True), (0, 0, False), (1, 0, False), (-2, -3, True), (None, 1, True)]
)
def test_a_window_that_ends_before_it_begins_is_shown(start: int | None, end: int, good: bool) -> None:
    days = {
        "valid_from": None if start is None else NOON + timedelta(days=start + 1),
        "valid_to": NOON + timedelta(days=end + 1),
    }
    found = read(price("20.00"), price("15.00", SALE, **days))
    assert isinstance(found, Prices) is good
    if not good:
        assert "ends before it begins; correct it in Balance" in invalid(found)


def test_a_sale_without_dates_lasts() -> None:
    assert sale_of(read(price("20.00"), price("15.00", SALE))) == Sale(price=Decimal(15))


DOLLARS = {"currency": "GEL", "currencies": {"USD": "uid-of-usd"}}
IN_DOLLARS = PriceSettings(regular_type=REGULAR, roles={"vip_price": VIP}, currencies={VIP.upper(): "USD"})


@pytest.mark.claim("S4.19")
@pytest.mark.parametrize(
    ("currency", "good"), [("USD", True), ("uid-of-usd", True), (None, True), ("GEL", False), ("EUR", False)]
)
def test_each_price_type_has_its_currency(currency: str | None, good: bool) -> None:
    found = read(price("20.00"), price("8.00", VIP, currency=currency), rules=IN_DOLLARS, **DOLLARS)
    assert isinstance(found, Prices) is good
    if isinstance(found, Prices):
        [role] = found.roles
        assert (role.price, role.currency) == (Decimal(8), "USD")
    else:
        assert f"is in currency {currency}, the shop's prices of type {VIP} are in USD" in invalid(found)


@pytest.mark.claim("S4.19")
def test_a_product_is_priced_in_one_currency() -> None:
    with pytest.raises(ValueError, match="a product is priced in one"):
        PriceSettings(regular_type=REGULAR, sale_type=SALE, currencies={SALE: "USD"})
    both = PriceSettings(regular_type=REGULAR, sale_type=SALE, currencies={SALE: "USD", REGULAR: "USD"})
    assert isinstance(read(price("20", currency="USD"), price("8", SALE, currency="USD"), rules=both), Prices)
    assert "are in USD" in invalid(read(price("20", currency="GEL"), rules=both))


@pytest.mark.claim("S4.19")
def test_a_role_without_a_price_loses_the_one_it_had() -> None:
    found = read(price("20.00"), price("15.00", TRADE), rules=ROLES)
    assert isinstance(found, Prices)
    assert values(Desired().with_prices(found))["meta"] == {"trade_price": "15.00", "vip_price": None}


def test_a_roles_price_in_another_currency_or_absurd_stops_the_product() -> None:
    assert "currency USD" in invalid(read(price("20.00"), price("15.00", TRADE, currency="USD"), rules=ROLES))
    assert "cannot be right" in invalid(read(price("20.00"), price("0.00", TRADE), rules=ROLES))


def test_without_roles_nothing_is_said_about_custom_fields() -> None:
    found = read(price("20.00"))
    assert isinstance(found, Prices)
    assert "meta" not in values(Desired().with_prices(found))


def test_types_of_roles_do_not_make_the_regular_one_ambiguous() -> None:
    rules = PriceSettings(roles={"trade_price": TRADE})
    found = read(price("20.00"), price("15.00", TRADE), rules=rules)
    assert isinstance(found, Prices)
    assert found.regular == Decimal(20)


REDUCED = PriceSettings(regular_type=REGULAR, discounts=True)
SALE_OF_MARCH = {"source": "Discounts", "valid_from": tbilisi(2026, 3, 1), "valid_to": tbilisi(2026, 4, 1)}


@pytest.mark.claim("S2.23")
def test_a_discount_of_balance_is_the_sale_price_within_its_window() -> None:
    found = read(price("14.75"), price("13.28", **SALE_OF_MARCH), rules=REDUCED)
    window = {"starts": SALE_OF_MARCH["valid_from"], "ends": SALE_OF_MARCH["valid_to"]}
    assert sale_of(found) == Sale(price=Decimal("13.28"), **window)


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
    assert next_edge(stated, tbilisi(2026, 3, 8)) == tbilisi(2026, 3, 10)


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
