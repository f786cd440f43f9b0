"""Two hundred variations of one product are adopted and priced through it; its attributes are the storefront's."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from contracts.model import Event
from services.engine.outbox.outcome import Done, Refused
from tests.catalog_importer.catalogue_bench import World, item, links, price, priced, world

COUNT = 200
COLOURS = [f"colour {n}" for n in range(COUNT)]
UIDS = [f"tea-{n}" for n in range(COUNT)]


def family(w: World) -> tuple[int, list[int]]:
    """A tea in two hundred colours that the storefront made."""
    attributes = [{"name": "Colour", "options": [*COLOURS], "variation": True, "visible": True}]
    parent = w.product(name="Tea", type="variable", attributes=attributes)
    return parent, [
        w.variation(parent, sku=uid.upper(), regular_price="1", attributes=[{"name": "Colour", "option": colour}])
        for uid, colour in zip(UIDS, COLOURS, strict=True)
    ]


def reported(amount: str) -> list[Event]:
    """The items, all at one price."""
    return [event for uid in UIDS for event in (item(uid), priced(uid, price(amount)))]


def apart_from_prices(held: dict[str, Any]) -> dict[str, Any]:
    """What of a variation is none of our business."""
    ours = {"price", "regular_price", "sale_price", "on_sale", "meta_data", "weight", "date_modified"}
    return {name: value for name, value in held.items() if not any(name.startswith(one) for one in ours)}


@pytest.mark.claim("K11", "S4.16")
async def test_they_are_adopted_by_their_skus_and_written_through_their_parent() -> None:
    async with world() as w:
        parent, children = family(w)
        before = copy.deepcopy([w.held(one) for one in (parent, *children)])
        made = links(await w.take(*reported("14.75")))
        assert {(link.how, link.parent_id) for link in made} == {("adopted", parent)}
        assert sorted(link.product_id for link in made) == children
        assert w.writes() == [f"/wp-json/wc/v3/products/{parent}/variations/batch"] * (COUNT // 25)
        assert {w.held(one)["regular_price"] for one in children} == {"14.75"}
        assert w.held(parent) == before[0], "the parent is not touched"
        after = [apart_from_prices(w.held(one)) for one in children]
        assert after == [apart_from_prices(one) for one in before[1:]]


@pytest.mark.claim("K11")
async def test_a_renamed_term_and_an_added_one_stay_as_the_storefront_has_them() -> None:
    async with world() as w:
        parent, [first, *_] = family(w)
        await w.take(*reported("14.75"))
        w.held(parent)["attributes"][0]["options"] = ["crimson", *COLOURS[1:], "gold"]
        w.held(first)["attributes"][0]["option"] = "crimson"
        await w.take(*reported("15"))
        assert {type(outcome) for outcome in w.outcomes} == {Done}
        assert w.held(parent)["attributes"][0]["options"] == ["crimson", *COLOURS[1:], "gold"]
        assert (w.held(first)["attributes"][0]["option"], w.held(first)["regular_price"]) == ("crimson", "15.00")
        assert len(w.shop.variations) == COUNT


@pytest.mark.claim("K11", "K13")
async def test_one_variation_that_is_gone_stops_none_of_its_sisters() -> None:
    async with world() as w:
        _, [first, *others] = family(w)
        await w.take(*reported("14.75"))
        w.shop.free(w.shop.variations.pop(first))
        await w.take(*reported("15"))
        assert not [outcome for outcome in w.outcomes if isinstance(outcome, Refused)]
        assert {w.held(one)["regular_price"] for one in others} == {"15.00"}
