"""The product of an item that is deleted in Balance, and of one that is restored."""

from __future__ import annotations

from typing import Any

import pytest

from contracts.balance import ItemWithdrawn
from contracts.catalog import ProductPlanned
from contracts.reasons import Reason
from services.accounting.catalogue.eligibility import Eligible, ItemTraits, Skip, check_eligibility
from services.settings.catalogue import CatalogueSettings
from tests.catalog_importer.catalogue_bench import (
    DRY,
    LIVE,
    TEA,
    TEA_CATEGORY,
    World,
    item,
    price,
    priced,
    settings,
    world,
)
from tests.support.memory_state import NOON

GONE = ItemWithdrawn(item="tea-100", observed_at=NOON)
DRAFTS: dict[str, Any] = {"catalogue": {"withdrawn": "draft"}}


async def published(on: World) -> int:
    """The tea is in the shop, and the storefront has published it."""
    await on.take(item(), priced("tea-100", price("14.75")))
    [product_id] = on.shop.products
    on.held(product_id)["status"] = "publish"
    return int(product_id)


@pytest.mark.claim("S2.15", "K21")
async def test_it_is_a_draft_while_its_item_is_gone_and_published_when_it_is_back() -> None:
    async with world(settings(LIVE, **DRAFTS)) as on:
        tea = await published(on)
        await on.take(GONE)
        assert on.held(tea)["status"] == "draft"
        assert await on.take(GONE) == []
        await on.take(item())
        assert on.held(tea)["status"] == "publish"
        assert len(on.shop.products) == 1


@pytest.mark.claim("S2.15")
async def test_unless_somebody_wants_it_nothing_happens_to_it() -> None:
    async with world(settings(LIVE)) as on:
        tea = await published(on)
        [event] = await on.take(GONE)
        assert isinstance(event, ProductPlanned)
        assert (event.action, event.reason) == ("skip", Reason.PRODUCT_WITHDRAWN)
        assert on.held(tea)["status"] == "publish"


@pytest.mark.claim("S2.15", "S1.13")
@pytest.mark.parametrize("status", ["draft", "private", "pending"])
async def test_what_was_not_published_stays_as_it_is(status: str) -> None:
    async with world(settings(LIVE, **DRAFTS)) as on:
        tea = await published(on)
        on.held(tea)["status"] = status
        await on.take(GONE)
        await on.take(item())
        assert on.held(tea)["status"] == status


async def test_what_the_storefront_did_meanwhile_exists() -> None:
    async with world(settings(LIVE, **DRAFTS)) as on:
        tea = await published(on)
        await on.take(GONE)
        on.held(tea)["status"] = "private"
        await on.take(item())
        assert on.held(tea)["status"] == "private"


async def test_in_a_dry_run_it_is_planned_only() -> None:
    async with world(settings(LIVE)) as on:
        tea = await published(on)
        records = on.consumer.state
    async with world(settings(DRY, **DRAFTS)) as on:
        on.consumer.state = records
        on.shop.products[tea] = on.shop.products.get(tea) or {}
        decision = on.consumer.take(GONE)["main:tea-100"]
        assert [one.kind for one in decision.deliveries] == ["product.plan"]


def tea(*requisites: str | None) -> ItemTraits:
    return ItemTraits(item="i", kind="goods", item_type=None, sku="TEA", groups=(TEA,), requisites=requisites)  # type: ignore[arg-type]


@pytest.mark.claim("S3.1")
@pytest.mark.parametrize(("value", "sold"), [("Yes", True), (" yes ", True), ("no", False), ("", False), (None, False)])
def test_an_additional_requisite_may_say_what_is_sold(value: str | None, sold: bool) -> None:
    rules = CatalogueSettings.model_validate({"groups": {TEA: TEA_CATEGORY}, "sold-if": {"2": ["yes"]}})
    verdict = check_eligibility(tea(None, value, None), rules)
    assert isinstance(verdict, Eligible if sold else Skip)
    assert sold or verdict.reason == Reason.PRODUCT_NOT_FOR_SALE  # type: ignore[union-attr]


@pytest.mark.claim("S4.25")
@pytest.mark.parametrize(
    ("value", "category"), [("Gifts", 77), (None, TEA_CATEGORY), ("", TEA_CATEGORY), ("Other", None)]
)
def test_an_additional_requisite_may_choose_the_category(value: str | None, category: int | None) -> None:
    more = {"category-requisite": "1", "categories": {"Gifts": 77}}
    verdict = check_eligibility(
        tea(value, None, None), CatalogueSettings.model_validate({"groups": {TEA: TEA_CATEGORY}} | more)
    )
    assert (verdict.category_ids[0] if isinstance(verdict, Eligible) else None) == category
    # but it opens no group that is shut
    closed = check_eligibility(tea(value, None, None), CatalogueSettings.model_validate(more))
    assert isinstance(closed, Skip)
    assert closed.reason == Reason.PRODUCT_GROUP_NOT_MAPPED
