"""Prices of other types: custom fields of roles, and the currency of each type."""

from __future__ import annotations

from decimal import Decimal

import pytest

from services.accounting.catalogue.price import ProductPrices
from services.catalog_importer.product import DesiredProduct, write_fields
from services.connectors.woocommerce.product import ProductWrite
from services.settings.catalogue import PriceSettings
from tests.catalog_importer.catalogue_bench import REGULAR, SALE, price
from tests.catalog_importer.sample_prices import invalid, read

TRADE, VIP = "type-trade", "type-vip"
ROLES = PriceSettings(regular_type=REGULAR, sale_type=SALE, roles={"trade_price": TRADE, "vip_price": VIP})
DOLLARS = {"currency": "GEL", "currencies": {"USD": "uid-of-usd"}}
IN_DOLLARS = PriceSettings(regular_type=REGULAR, roles={"vip_price": VIP}, currencies={VIP.upper(): "USD"})


@pytest.mark.claim("S4.13", "S4.14", "S4.18", "S4.19")
def test_prices_of_other_types_go_to_the_custom_fields_of_roles() -> None:
    found = read(price("20.00"), price("15.00", TRADE), price("12.505", VIP), rules=ROLES)
    assert isinstance(found, ProductPrices)
    assert {one.meta_key: one.price for one in found.roles} == {
        "trade_price": Decimal(15),
        "vip_price": Decimal("12.51"),
    }
    write = ProductWrite(**write_fields(DesiredProduct().with_prices(found)))
    assert write.to_json()["meta_data"] == [
        {"key": "trade_price", "value": "15.00"},
        {"key": "vip_price", "value": "12.51"},
    ]


@pytest.mark.claim("S4.19")
@pytest.mark.parametrize(
    ("currency", "good"), [("USD", True), ("uid-of-usd", True), (None, True), ("GEL", False), ("EUR", False)]
)
def test_each_price_type_has_its_currency(currency: str | None, good: bool) -> None:
    found = read(price("20.00"), price("8.00", VIP, currency=currency), rules=IN_DOLLARS, **DOLLARS)
    assert isinstance(found, ProductPrices) is good
    if isinstance(found, ProductPrices):
        [role] = found.roles
        assert (role.price, role.currency) == (Decimal(8), "USD")
    else:
        assert f"is in currency {currency}, but the shop's prices of type {VIP} are in USD" in invalid(found)


@pytest.mark.claim("S4.19")
def test_a_product_is_priced_in_one_currency() -> None:
    with pytest.raises(ValueError, match="a product is priced in one"):
        PriceSettings(regular_type=REGULAR, sale_type=SALE, currencies={SALE: "USD"})
    both = PriceSettings(regular_type=REGULAR, sale_type=SALE, currencies={SALE: "USD", REGULAR: "USD"})
    assert isinstance(read(price("20", currency="USD"), price("8", SALE, currency="USD"), rules=both), ProductPrices)
    assert "are in USD" in invalid(read(price("20", currency="GEL"), rules=both))


@pytest.mark.claim("S4.19")
def test_a_role_without_a_price_loses_the_one_it_had() -> None:
    found = read(price("20.00"), price("15.00", TRADE), rules=ROLES)
    assert isinstance(found, ProductPrices)
    assert write_fields(DesiredProduct().with_prices(found))["meta"] == {"trade_price": "15.00", "vip_price": None}


def test_a_roles_price_in_another_currency_or_absurd_stops_the_product() -> None:
    assert "currency USD" in invalid(read(price("20.00"), price("15.00", TRADE, currency="USD"), rules=ROLES))
    assert "cannot be right" in invalid(read(price("20.00"), price("0.00", TRADE), rules=ROLES))


def test_without_roles_nothing_is_published_about_custom_fields() -> None:
    found = read(price("20.00"))
    assert isinstance(found, ProductPrices)
    assert "meta" not in write_fields(DesiredProduct().with_prices(found))


def test_types_of_roles_do_not_make_the_regular_one_ambiguous() -> None:
    rules = PriceSettings(roles={"trade_price": TRADE})
    found = read(price("20.00"), price("15.00", TRADE), rules=rules)
    assert isinstance(found, ProductPrices)
    assert found.regular == Decimal(20)
