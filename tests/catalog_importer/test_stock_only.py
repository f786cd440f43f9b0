"""Preset `stock-only`: whatever Balance changes of an item, its product stays as the storefront made it."""

from __future__ import annotations

from copy import deepcopy
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from contracts.reasons import Reason
from services.sandbox.woocommerce.products import Products
from services.settings.catalogue import FieldOwnership
from services.settings.shop import ShopSettings
from tests.catalog_importer.catalogue_bench import (
    COFFEE,
    LIVE,
    NOON,
    SALE,
    World,
    item,
    links,
    plans,
    price,
    priced,
    settings,
    world,
)

ONLY = settings(LIVE, fields={"preset": "stock-only"}, prices={"cost_types": ("type-cost",)})
BY_HAND = {"name": "Our tea", "sku": "tea-100", "regular_price": "19.00", "weight": "0.3", "status": "publish"}


def wrote(shop: World) -> list[str]:
    """The calls that were no mere looks."""
    return [request for request in shop.requests() if not request.startswith("GET ")]


@pytest.mark.claim("S2.8")
async def test_a_changed_item_alters_nothing_in_the_shop() -> None:
    async with world(ONLY) as shop:
        there = shop.product(**BY_HAND)
        before = deepcopy(shop.held(there))
        # when the product is found by its SKU: it is linked, so that its stock can be written, and not touched
        [link] = links(await shop.take(item(), priced("tea-100", price("14.75"), price("9.13", "type-cost"))))
        assert (link.product_id, link.how) == (there, "adopted")
        # and when all that Balance says of it changes
        for change in (
            {"name": "Salt"},
            {"weight": Decimal(9)},
            {"group": COFFEE},
            {"sku": "TEA-NEW"},
            {"requisites": ("green", None, None)},
        ):
            await shop.take(item(**change))
        await shop.take(priced("tea-100", price("22.00"), price("16.00", SALE), price("1.00", "type-cost")))
        assert shop.held(there) == before
        assert wrote(shop) == []
        assert len(shop.shop.products) == 1


@pytest.mark.claim("S2.8")
async def test_no_product_is_made_and_one_that_the_storefront_makes_is_found_within_a_day() -> None:
    async with world(ONLY) as shop:
        [published] = plans(await shop.take(item()))
        assert (published.action, published.reason, shop.shop.products) == ("skip", Reason.PRODUCT_NOT_MADE, {})
        # it is not searched for in each round, nor reported twice
        asked = len(shop.requests())
        assert await shop.take(item()) == []
        assert len(shop.requests()) == asked
        there = shop.product(**BY_HAND)
        later = await shop.at(NOON + timedelta(hours=23))
        assert (later.deliveries, later.again_at) == ((), NOON + timedelta(days=1))
        await shop.at(NOON + timedelta(days=1))
        assert [link.product_id for link in links(shop.announced)] == [there]
        assert wrote(shop) == []


async def test_a_deleted_product_is_not_created_again() -> None:
    async with world(ONLY) as shop:
        there = shop.product(**BY_HAND)
        await shop.take(item())
        Products(shop.shop).delete(there, force=True)
        await shop.take(item(name="Other"))
        assert (shop.shop.products, wrote(shop)) == ({}, [])


@pytest.mark.parametrize(
    ("section", "given"),
    [
        ("catalogue", {"images": "https://pictures.test/{sku}.jpg"}),
        ("catalogue", {"withdrawn": "draft"}),
        ("catalogue", {"withdrawn": "draft-and-no-stock"}),
        ("prices", {"roles": {"wholesale": "type-wholesale"}}),
        ("fields", {"regular-price": "always"}),
    ],
)
def test_settings_that_ask_for_more_than_stock_are_refused(section: str, given: dict[str, Any]) -> None:
    rules = {"fields": {"preset": "stock-only"}}
    rules[section] = rules.get(section, {}) | given
    shop = {"url": "https://shop.test", "key_file": "key", "secret_file": "secret"}
    with pytest.raises(ValidationError, match="nothing but stock"):
        ShopSettings.model_validate(shop | rules)
    assert FieldOwnership(preset="stock-only").stock_only
