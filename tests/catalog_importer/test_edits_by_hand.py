"""Every field is edited by hand between two syncs, under every policy: what stays, what follows, what is reported."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from contracts.catalog import KeptEdit
from services.sandbox.woocommerce.products import Products
from services.settings.catalogue import FieldOwnership
from tests.catalog_importer.catalogue_bench import (
    COFFEE,
    COFFEE_CATEGORY,
    LIVE,
    SALE,
    TEA_CATEGORY,
    World,
    item,
    links,
    price,
    priced,
    settings,
    world,
)

FIELDS = ("name", "regular_price", "sale_price", "weight", "category")
OTHERS = 30
"""A category that the storefront made."""
FIRST = {
    "name": "Black tea",
    "regular_price": "20.00",
    "sale_price": "15.00",
    "weight": "0.1",
    "category": TEA_CATEGORY,
}
SECOND = {"name": "Tea", "regular_price": "22.00", "sale_price": "16.00", "weight": "0.2", "category": COFFEE_CATEGORY}
BY_HAND = {"name": "Our tea", "regular_price": "21.00", "sale_price": "18.00", "weight": "0.5", "category": OTHERS}
EMPTIED = {"name": "", "regular_price": "", "sale_price": "", "weight": "", "category": 0}
EDITS = {"edited": BY_HAND, "emptied": EMPTIED, "untouched": FIRST}
STAYS = EDITS | {"emptied": EMPTIED | {"name": "Product"}}
"""What the shop makes of it."""
FOLLOWS = {
    "always": {"edited", "emptied", "untouched"},
    "if-empty": {"emptied"},
    "if-unchanged": {"untouched"},
    "never": set[str](),
}
"""Under which hand a field follows Balance, by policy."""


def follows(policy: str, hand: str, field: str) -> bool:
    """A product's name and category are never empty: the shop puts its own there (WooCommerce facts 22 and 83)."""
    return hand in FOLLOWS[policy] and not (policy == "if-empty" and field in ("name", "category"))


def stated(values: dict[str, Any]) -> list[Any]:
    """What Balance states, as events."""
    group = "group-tea" if values["category"] == TEA_CATEGORY else COFFEE
    one = item(name=values["name"], weight=Decimal(values["weight"]), group=group)
    return [one, priced("tea-100", price(values["regular_price"]), price(values["sale_price"], SALE))]


def body(values: dict[str, Any]) -> dict[str, Any]:
    """The same as a write of the storefront."""
    category = [{"id": values["category"]}] if values["category"] else []
    return {name: values[name] for name in FIELDS if name != "category"} | {"categories": category}


def held(shop: World) -> dict[str, Any]:
    """What the shop holds, field by field."""
    [product] = shop.shop.products.values()
    ours = [one["id"] for one in product["categories"] if one["id"] in (TEA_CATEGORY, COFFEE_CATEGORY, OTHERS)]
    return {name: product[name] for name in FIELDS if name != "category"} | {"category": ours[-1] if ours else 0}


async def synced_twice(policy: str, hand: str) -> tuple[World, dict[str, Any], tuple[KeptEdit, ...]]:
    """A product made by the importer, changed by this hand, then changed in Balance in every field."""
    fields = dict.fromkeys(FIELDS, policy)
    async with world(settings(LIVE, fields=fields)) as shop:
        shop.category(OTHERS, "Gifts")
        await shop.take(*stated(FIRST))
        [product_id] = shop.shop.products
        if hand != "untouched":
            Products(shop.shop).update(product_id, body(EDITS[hand]), strict=False)
        published = await shop.take(*stated(SECOND))
        return shop, held(shop), links(published)[-1].kept


@pytest.mark.claim("S0.16", "K21")
@pytest.mark.parametrize("hand", EDITS)
@pytest.mark.parametrize("policy", FOLLOWS)
async def test_every_field_under_every_policy(policy: str, hand: str) -> None:
    _, found, kept = await synced_twice(policy, hand)
    expected = {field: (SECOND if follows(policy, hand, field) else STAYS[hand])[field] for field in FIELDS}
    assert found == expected
    # an edit that stays is reported, field by field; what follows Balance, or was never touched, is not
    reported = {edit.field.replace("sale", "sale_price") for edit in kept}
    stays = {field for field in FIELDS if not follows(policy, hand, field)}
    assert reported == (set() if hand == "untouched" else stays)


@pytest.mark.claim("K21")
async def test_what_is_kept_is_reported_in_both_systems_words() -> None:
    _, _, kept = await synced_twice("if-unchanged", "edited")
    reported = {edit.field: (edit.in_shop, edit.in_balance) for edit in kept}
    assert reported["regular_price"] == ("21.00", "22.00")
    assert reported["name"] == ("Our tea", "Tea")
    assert reported["category"] == (str(OTHERS), str(COFFEE_CATEGORY))


@pytest.mark.claim("S3.4")
async def test_create_only_makes_a_product_and_leaves_it_alone_from_then_on() -> None:
    async with world(settings(LIVE, fields={"preset": "create-only"})) as shop:
        await shop.take(*stated(FIRST))
        assert held(shop) == FIRST
        await shop.take(*stated(SECOND))
        assert held(shop) == FIRST


@pytest.mark.parametrize(
    ("given", "name", "regular_price"),
    [
        ({"preset": "balance"}, "always", "always"),
        ({"preset": "prices"}, "never", "always"),
        ({"preset": "create-only", "regular-price": "always"}, "never", "always"),
        ({"preset": "keep-edits", "name": "never"}, "never", "if-unchanged"),
        ({}, "never", "always"),
    ],
)
def test_a_single_field_overrides_its_preset(given: dict[str, str], name: str, regular_price: str) -> None:
    owners = FieldOwnership.model_validate(given)
    assert (owners.name, owners.regular_price) == (name, regular_price)
