"""The drift report: which field of which product differs, and what the settings make of it. Nothing goes to Balance."""

from __future__ import annotations

from decimal import Decimal

import pytest

from contracts.catalog import AvailabilityChanged, ProductLinked, WrittenProduct
from services.cli.drift import Drift, compare_product
from tests.catalog_importer.catalogue_bench import (
    COFFEE,
    COFFEE_CATEGORY,
    LIVE,
    NOON,
    TEA_CATEGORY,
    World,
    item,
    links,
    price,
    priced,
    settings,
    world,
)


async def linked(shop: World, name: str = "Black tea") -> ProductLinked:
    """The link of tea at 12.50, as the importer created it."""
    linked_ = links(await shop.take(item("tea-100", name=name), priced("tea-100", price("12.50"))))
    return linked_[-1]


async def found(shop: World, link: ProductLinked, figure: AvailabilityChanged | None = None) -> list[Drift]:
    """The differences of that product."""
    held = [product async for product in shop.client.every_product() if product.id == link.product_id]
    return list(compare_product(link, held[0] if held else None, figure, settings().shops["main"]))


@pytest.mark.parametrize("name", ["Black tea", "Salt &amp;  pepper", 'ჩაი "მწვანე"'])
async def test_a_product_that_is_as_written_does_not_drift(name: str) -> None:
    async with world() as shop:
        assert await found(shop, await linked(shop, name)) == []


@pytest.mark.claim("S3.7")
async def test_a_price_changed_in_the_shop_is_reported_with_the_effect_and_is_not_copied_to_balance() -> None:
    async with world() as shop:
        link = await linked(shop)
        before = len(shop.writes())
        shop.held(link.product_id).update(regular_price="19.00", price="19.00")
        [drift] = await found(shop, link)
        assert (drift.field, drift.ours, drift.theirs) == ("regular_price", "12.50", "19.00")
        assert "overwritten" in drift.effect
        assert len(shop.writes()) == before


async def test_a_sale_price_that_somebody_set_by_hand_is_reported() -> None:
    async with world() as shop:
        link = await linked(shop)
        shop.held(link.product_id)["sale_price"] = "9.00"
        assert [(one.field, one.ours) for one in await found(shop, link)] == [("sale_price", "none")]


@pytest.mark.parametrize(("field", "value"), [("name", "Best tea"), ("sku", "TEA-X"), ("weight", "9")])
async def test_other_fields_are_reported_too(field: str, value: str) -> None:
    async with world() as shop:
        link = await linked(shop)
        shop.held(link.product_id)[field] = value
        assert [one.field for one in await found(shop, link)] == [field]


async def test_stock_and_deleted_products_are_reported() -> None:
    async with world() as shop:
        link = await linked(shop)
        fields = {"shop": "main", "item": link.item, "product_id": link.product_id, "sku": link.sku, "explanation": ()}
        figure = AvailabilityChanged.model_validate(
            {**fields, "quantity": Decimal(5), "mode": "live", "published_at": NOON}
        )
        shop.held(link.product_id).update(manage_stock=True, stock_quantity=8)
        assert [(one.field, one.ours, one.theirs) for one in await found(shop, link, figure)] == [("stock", "5", "8")]
        del shop.shop.products[link.product_id]
        assert [one.field for one in await found(shop, link, figure)] == ["product"]


async def test_a_field_that_was_never_written_does_not_drift() -> None:
    async with world() as shop:
        link = await linked(shop)
        shop.held(link.product_id).update(regular_price="19.00", name="Best tea")
        assert await found(shop, link.model_copy(update={"written": WrittenProduct(digest="d")})) == []


KEEP = {"preset": "keep-edits"}


@pytest.mark.claim("K21")
@pytest.mark.parametrize("written_since", [False, True], ids=["before any write", "after one"])
async def test_a_kept_edit_is_reported_whether_or_not_the_product_was_written_since(written_since: bool) -> None:
    rules = settings(LIVE, fields=KEEP)
    async with world(rules) as shop:
        link = await linked(shop)
        held = shop.held(link.product_id)
        held.update(regular_price="19.00", price="19.00", categories=[{"id": 90, "name": "Gifts", "slug": "gifts"}])
        if written_since:
            more = priced("tea-100", price("13.00"))
            link = links(await shop.take(more, item("tea-100", name="Black tea", group=COFFEE)))[-1]
        product = await anext(shop.client.every_product())
        drift = {one.field: one for one in compare_product(link, product, None, rules.shops["main"])}
    assert {field: (one.ours, one.theirs, one.kept) for field, one in drift.items()} == {
        "regular_price": ("12.50", "19.00", True),
        "category": (str(TEA_CATEGORY), "90", True),
    }
    assert {one.balance for one in drift.values()} == ({"13.00", str(COFFEE_CATEGORY)} if written_since else {""})
    assert all(("in Balance:" in one.effect) is written_since for one in drift.values())


MANAGED = [
    ({"manage_stock": False, "stock_quantity": None}, ("manage_stock", "on", "off"), "stock.manage"),
    ({"manage_stock": "parent", "stock_quantity": 50}, ("manage_stock", "on", "by the parent"), "no stock is tracked"),
]


@pytest.mark.claim("S3.15", "K11")
@pytest.mark.parametrize(("held", "expected", "effect"), MANAGED, ids=["disabled", "tracked by the parent"])
async def test_stock_that_the_shop_does_not_manage_is_reported_as_such(
    held: dict[str, object], expected: tuple[str, str, str], effect: str
) -> None:
    async with world() as shop:
        link = await linked(shop)
        figure = AvailabilityChanged(
            shop="main",
            item=link.item,
            product_id=link.product_id,
            sku=link.sku,
            quantity=Decimal(10),
            explanation=(),
            mode="live",
            published_at=NOON,
        )
        shop.held(link.product_id).update(held)
        [drift] = await found(shop, link, figure)
        assert (drift.field, drift.ours, drift.theirs) == expected
        assert effect in drift.effect
