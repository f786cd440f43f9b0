"""An item may have further products, such as translations: linked by hand or adopted together, all are written."""

from __future__ import annotations

from decimal import Decimal

import pytest

from contracts.linking import LinkRequested, RequestedLink
from contracts.reasons import Reason
from services.accounting.catalogue.eligibility import Skip, item_traits
from services.catalog_importer.placement import ProductChange, place_item
from services.catalog_importer.product import DesiredProduct, ProductPayload
from services.cli.links import verdicts
from services.cli.links.verdicts import judge_lines
from services.connectors.woocommerce.product import Product
from tests.catalog_importer.catalogue_bench import World, item, links, price, priced, world
from tests.catalog_importer.shop_products import CUP, OTHERS, OURS, SHOP, ListedProducts, cup, known, tie
from tests.support.memory_state import NOON


@pytest.mark.parametrize("named", ["cup-1", "CUP-1", "CUP", " cup "])
async def test_the_item_may_be_named_by_uid_or_sku(named: str) -> None:
    line = await verdicts.build_line(named, 612, known(tied=[tie()]), ListedProducts([cup(612, sku="CUP-EN")]))
    assert (line.item, line.id, line.further) == ("cup-1", 612, True)


@pytest.mark.parametrize(
    ("second", "why"),
    [
        (cup(612, sku="CUP-EN"), ""),
        (cup(612, sku="", meta=OURS), ""),
        (cup(612, meta=OTHERS), "has item mug-1"),
        (cup(612, status="trash"), "trash"),
        (cup(612, type="variable"), "is variable"),
        (None, "no product 612"),
    ],
    ids=["another SKU", "no SKU, the same uid", "of another item", "in the trash", "variable", "not there"],
)
async def test_a_second_product_is_linked_by_hand_unless_it_cannot_be_the_item(
    second: Product | None, why: str
) -> None:
    shop, topics = ListedProducts([cup(), *([second] if second else [])]), known(tied=[tie()])
    [verdict] = await judge_lines([await verdicts.build_line("cup-1", 612, topics, shop)], topics, shop)
    assert (verdict.why == "") if not why else (why in verdict.why)
    assert (verdict.link and verdict.link.further) == (None if why else "add")


def request(*made: RequestedLink, minute: int = 0) -> LinkRequested:
    at = NOON.replace(minute=minute)
    return LinkRequested(shop="main", links=made, command_id=f"c-{minute}", asked_by="nino", asked_at=at)


def second(product_id: int, action: str = "add") -> RequestedLink:
    return RequestedLink.model_validate({"item": "tea-100", "product_id": product_id, "sku": "X", "further": action})


async def translated(shop: World) -> tuple[int, int]:
    """An item with its product, and a translation of it that a person has linked."""
    [link] = links(await shop.take(item(), priced("tea-100", price("14.75"))))
    other = shop.product(name="Black tea EN", sku="TEA-100-EN", regular_price="1.00")
    await shop.take(request(second(other)))
    return link.product_id, other


async def test_prices_go_to_every_product_of_an_item_and_names_and_skus_stay() -> None:
    async with world() as shop:
        main, other = await translated(shop)
        assert shop.held(other)["regular_price"] == "14.75"
        [link] = links(await shop.take(priced("tea-100", price("16"))))
        assert [shop.held(id_)["regular_price"] for id_ in (main, other)] == ["16.00", "16.00"]
        assert link.product_ids == (main, other)
        assert (shop.held(other)["name"], shop.held(other)["sku"]) == ("Black tea EN", "TEA-100-EN")
        assert {one.digest for one in link.further} == {link.written and link.written.digest}
        shop.faults.journal.clear()
        assert await shop.take(item(), priced("tea-100", price("16.00"))) == []
        assert shop.requests() == []


async def test_a_further_product_that_vanished_leaves_the_link_and_the_rest_is_written() -> None:
    async with world() as shop:
        main, other = await translated(shop)
        del shop.shop.products[other]
        [link] = links(await shop.take(priced("tea-100", price("16"))))
        assert (link.product_ids, shop.held(main)["regular_price"]) == ((main,), "16.00")
        # and the old request does not bring it back
        assert await shop.take(request(second(other))) == []


async def test_a_further_product_is_removed_by_hand_and_written_no_more() -> None:
    async with world() as shop:
        main, other = await translated(shop)
        [link] = links(await shop.take(request(second(other, "remove"), minute=5)))
        assert link.product_ids == (main,)
        await shop.take(priced("tea-100", price("16")))
        assert [shop.held(id_)["regular_price"] for id_ in (main, other)] == ["16.00", "14.75"]


async def test_translations_are_adopted_together() -> None:
    async with world() as shop:
        first = shop.product(name="შავი ჩაი", sku="TEA-100", regular_price="1")
        twin = shop.product(name="Black tea", sku="TEA-EN", regular_price="1")
        shop.held(twin)["sku"] = "TEA-100"
        for id_, language in ((first, "ka"), (twin, "en")):
            shop.held(id_).update(lang=language, translations={"ka": str(first), "en": str(twin)})
        found = {"TEA-100": [one async for one in shop.client.every_product()]}
        assert [one.translations for one in found["TEA-100"]] == [{"ka": first, "en": twin}] * 2
        payload = ProductPayload(
            shop="main",
            nature=item_traits(item()),
            desired=DesiredProduct(sku="TEA-100", regular_price=Decimal(9)),
            digest="d",
        )
        placed = place_item(payload, found["TEA-100"], None, SHOP)
        assert isinstance(placed, ProductChange)
        assert (placed.write.id, placed.write.regular_price) == (first, Decimal(9))
        [further] = placed.further
        assert (further.write.id, further.write.regular_price) == (twin, Decimal(9))
        assert {"name", "sku", "category_ids"}.isdisjoint(further.write.to_fields())


@pytest.mark.parametrize("reason", [Reason.PRODUCT_SKU_AMBIGUOUS])
async def test_a_new_second_product_of_the_sku_does_not_disturb_the_link(reason: Reason) -> None:
    payload = ProductPayload(
        shop="main", nature=item_traits(CUP), desired=DesiredProduct(sku="CUP"), digest="d", link=tie()
    )
    assert isinstance(place_item(payload, [cup(), cup(612)], cup(), SHOP), ProductChange)
    unlinked = payload.model_copy(update={"link": None})
    refused = place_item(unlinked, [cup(), cup(612)], None, SHOP)
    assert isinstance(refused, Skip)
    assert refused.reason == reason
