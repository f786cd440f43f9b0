"""Whether a product keeps stock is its owner's to decide once it has its first figure, unless a setting says else."""

from __future__ import annotations

import pytest

from contracts.catalog import FurtherProduct
from contracts.reasons import Reason
from services.engine.outbox.lane import Row
from services.engine.outbox.outcome import Done, Outcome, Refused
from services.stock_publisher.records import StockWrite
from tests.stock_publisher.shop_scene import Scene, scene
from tests.stock_publisher.stock_bench import after as later
from tests.stock_publisher.stock_bench import given, link, publish, row, stock
from tests.support.memory_state import Consumer


def write(on: Consumer) -> Row:
    """The row that the publisher wants now."""
    [delivery] = on.again("main:tea-100", on.state.now).deliveries
    return Row(delivery.id, delivery.kind, delivery.lane, delivery.key, "main:tea-100", delivery.payload)


async def delivered(s: Scene, on: Consumer) -> Outcome:
    """Deliver to the shop and take in the resulting events."""
    [outcome] = await s.deliver([write(on)])
    if isinstance(outcome, Done):
        on.take(*outcome.events)
    return outcome


def switched_off(s: Scene, product: int) -> None:
    """Its owner unticks "Manage stock"."""
    s.shop.products[product] |= {"manage_stock": False, "stock_quantity": None}


@pytest.mark.claim("S3.53")
@pytest.mark.parametrize(
    ("manage", "kept", "not_managed"),
    [({}, None, True), ({"manage": "owner"}, None, True), ({"manage": "davtari"}, 8, False)],
)
async def test_stock_management_that_its_owner_switched_off(
    manage: dict[str, str], kept: int | None, not_managed: bool
) -> None:
    async with scene() as s:
        product = s.product(sku="TEA-100")
        on = given(link(product_id=product), **manage)
        # the first figure switches stock management on
        assert isinstance(await delivered(s, on), Done)
        assert s.shop.products[product]["stock_quantity"] == 10
        # and when the owner switches it off, it stays off
        switched_off(s, product)
        on.take(stock(row("8"), at=later(minutes=5)))
        outcome = await delivered(s, on)
        assert isinstance(outcome, Done)
        assert s.shop.products[product]["stock_quantity"] == kept
        [published] = outcome.events
        assert published.content()["not_managed"] == ([product] if not_managed else [])
        # and nothing is written until the figure changes
        assert publish(on) is None


async def test_a_figure_goes_to_a_product_again_once_its_owner_manages_its_stock() -> None:
    async with scene() as s:
        product = s.product(sku="TEA-100")
        on = given(link(product_id=product))
        await delivered(s, on)
        switched_off(s, product)
        on.take(stock(row("8"), at=later(minutes=5)))
        await delivered(s, on)
        s.shop.products[product] |= {"manage_stock": True, "stock_quantity": 0}
        on.take(stock(row("7"), at=later(minutes=9)))
        outcome = await delivered(s, on)
        assert isinstance(outcome, Done)
        assert (s.shop.products[product]["stock_quantity"], outcome.events[0].content()["not_managed"]) == (7, [])


async def test_another_product_of_the_item_begins_with_managed_stock() -> None:
    async with scene() as s:
        first, second = s.product(sku="TEA-100"), s.product(sku="TEA-101")
        on = given(link(product_id=first))
        await delivered(s, on)
        on.take(link(product_id=second))
        assert isinstance(await delivered(s, on), Done)
        assert s.shop.products[second]["stock_quantity"] == 10


async def test_every_product_of_an_item_gets_the_figure_and_each_owner_decides_for_it() -> None:
    async with scene() as s:
        georgian, english = s.product(sku="TEA-100"), s.product(sku="TEA-100-EN")
        further = (FurtherProduct(product_id=english, sku="TEA-100"),)
        on = given(link(product_id=georgian, further=further))
        assert isinstance(await delivered(s, on), Done)
        assert [s.shop.products[one]["stock_quantity"] for one in (georgian, english)] == [10, 10]
        switched_off(s, english)
        on.take(stock(row("8"), at=later(minutes=5)))
        outcome = await delivered(s, on)
        assert isinstance(outcome, Done)
        assert [s.shop.products[one]["stock_quantity"] for one in (georgian, english)] == [8, None]
        assert outcome.events[0].content()["not_managed"] == [english]


async def test_a_translation_that_is_gone_holds_up_no_figure() -> None:
    async with scene() as s:
        product = s.product(sku="TEA-100")
        on = given(link(product_id=product, further=(FurtherProduct(product_id=9999, sku="TEA-100"),)))
        assert isinstance(await delivered(s, on), Done)
        assert s.shop.products[product]["stock_quantity"] == 10


async def test_a_variation_whose_stock_its_parent_keeps_is_refused_by_name() -> None:
    async with scene() as s:
        parent = s.product(type="variable", manage_stock=True, stock_quantity=5)
        variation = s.variation(parent)
        s.shop.variations[variation]["manage_stock"] = "parent"
        on = given(link(product_id=variation, parent_id=parent))
        outcome = await delivered(s, on)
        assert isinstance(outcome, Refused)
        assert (outcome.reason, "its parent manages the stock" in outcome.detail) == (
            Reason.SHOP_STOCK_NOT_MANAGED,
            True,
        )


def test_what_was_queued_before_the_setting_existed_switches_management_on() -> None:
    known = write(given()).payload
    del known["switch_on"], known["further"]
    assert StockWrite.model_validate(known).switch_on is None
