"""Two hundred variations of one product: their figures go through it, and nothing else of it is touched."""

from __future__ import annotations

import copy

import pytest

from contracts.reasons import Reason
from services.engine.outbox.outcome import Done, Refused
from tests.stock_publisher.shop_scene import Scene, row, scene

COUNT = 200
COLOURS = [f"colour {n}" for n in range(COUNT)]


def family(s: Scene, **more: object) -> tuple[int, list[int]]:
    """A product in two hundred colours, each of which manages its own stock."""
    parent = s.product(type="variable", attributes=[{"name": "Colour", "options": COLOURS, "variation": True}])
    reported = {"manage_stock": True, "stock_quantity": 1} | more
    return parent, [
        s.variation(parent, sku=f"V-{n}", attributes=[{"name": "Colour", "option": colour}], **reported)
        for n, colour in enumerate(COLOURS)
    ]


@pytest.mark.claim("K11", "K15")
async def test_two_hundred_figures_take_two_calls_through_the_parent() -> None:
    async with scene() as s:
        parent, children = family(s)
        before = copy.deepcopy(s.shop.products[parent])
        outcomes = await s.deliver([row(one, n, parent) for n, one in enumerate(children)])
        assert {type(outcome) for outcome in outcomes} == {Done}
        assert s.writes() == [f"/wp-json/wc/v3/products/{parent}/variations/batch"] * 2
        assert [s.shop.variations[one]["stock_quantity"] for one in children] == list(range(COUNT))
        assert [s.shop.variations[one]["attributes"][0]["option"] for one in children] == COLOURS
        assert s.shop.products[parent] == before


@pytest.mark.claim("K11")
async def test_a_term_that_was_renamed_in_the_shop_stays_renamed() -> None:
    async with scene() as s:
        parent, [first, *others] = family(s)
        s.shop.products[parent]["attributes"][0]["options"][0] = "crimson"
        s.shop.variations[first]["attributes"][0]["option"] = "crimson"
        outcomes = await s.deliver([row(one, 5, parent) for one in (first, *others)])
        assert {type(outcome) for outcome in outcomes} == {Done}
        assert s.shop.variations[first]["attributes"][0]["option"] == "crimson"
        assert s.shop.products[parent]["attributes"][0]["options"] == ["crimson", *COLOURS[1:]]


@pytest.mark.claim("K11")
async def test_variations_whose_stock_the_parent_manages_are_refused_and_their_sisters_are_not() -> None:
    async with scene() as s:
        parent, children = family(s)
        for one in children[:3]:
            s.shop.variations[one]["manage_stock"] = "parent"
        outcomes = await s.deliver([row(one, 7, parent) for one in children])
        refused = [outcome for outcome in outcomes if isinstance(outcome, Refused)]
        assert [outcome.reason for outcome in refused] == [Reason.SHOP_STOCK_NOT_MANAGED] * 3
        assert f"variation {children[0]} of product {parent} with SKU" in refused[0].detail
        assert sum(isinstance(outcome, Done) for outcome in outcomes) == COUNT - 3
        assert {s.shop.variations[one]["stock_quantity"] for one in children[3:]} == {7}
