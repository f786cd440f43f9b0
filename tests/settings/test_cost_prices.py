"""A cost price never reaches a shop (claim S2.8)."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from services.accounting.catalogue.price import ProductPrices, compute_prices
from services.settings.catalogue import PriceSettings
from tests.catalog_importer.catalogue_bench import LIVE, item, price, priced, settings, world
from tests.support.memory_state import NOON

COST = "type-cost"


@pytest.mark.claim("S2.8")
@pytest.mark.parametrize(
    "given", [{"regular-type": COST}, {"sale-type": COST.upper()}, {"roles": {"trade_price": COST}}]
)
def test_no_price_of_the_shop_is_taken_from_a_cost_type(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="a cost price never reaches a shop"):
        PriceSettings.model_validate({"cost-types": [COST]} | given)


@pytest.mark.claim("S2.8")
def test_a_cost_type_is_never_taken_for_the_only_price_type() -> None:
    balance = settings(LIVE).balance
    rules = PriceSettings(cost_types=(COST,))
    assert compute_prices([price("9.00", COST)], rules, balance, NOON) == ProductPrices()
    both = compute_prices([price("9.00", COST), price("14.75", "retail")], rules, balance, NOON)
    assert isinstance(both, ProductPrices)
    assert str(both.regular) == "14.75"


@pytest.mark.claim("S2.8")
async def test_a_cost_price_is_nowhere_in_the_product() -> None:
    async with world(settings(LIVE, prices={"cost_types": (COST,)})) as shop:
        await shop.take(item(), priced("tea-100", price("14.75"), price("9.13", COST)))
        [product_id] = shop.shop.products
        assert shop.meta(product_id) == {"_balance_uid": "tea-100"}
        assert "9.13" not in str(shop.held(product_id))
