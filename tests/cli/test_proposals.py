"""Products that only the shop has, proposed, approved, and handed to the accountant; nothing is made in Balance."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from contracts.envelope import Envelope, wrap
from contracts.model import Event
from contracts.proposals import ItemApproved, ItemProposed
from services.cli.command import InvalidArgument
from services.cli.plans.shop_only import ShopOnlyProduct, find_shop_only
from services.cli.propose import (
    Proposal,
    approved_rows,
    collect_proposals,
    column_names,
    find_proposal,
    new_proposals,
    write_approved_csv,
)
from services.settings.balance import Dialect
from tests.catalog_importer.catalogue_bench import item
from tests.cli.sample_catalogue import known
from tests.cli.shop_only_products import BARE, BEAR, GIFT, PARENT, list_products
from tests.support.memory_state import NOON

STAMP = {"command_id": "c1", "asked_by": "nino", "asked_at": NOON}


def wrap_events(*events: Event) -> list[Envelope[Event]]:
    return [wrap(event, version=n, source="t", time=NOON) for n, event in enumerate(events, 1)]


def approved(sku: str = "gift-1", shop: str = "main") -> ItemApproved:
    at = {"command_id": "c2", "asked_by": "gia", "asked_at": NOON + timedelta(hours=1)}
    return ItemApproved(shop=shop, product_id=1, sku=sku, why="sold since May", **at)


async def only_there() -> list[ShopOnlyProduct]:
    return await find_shop_only(known(), frozenset(), list_products(GIFT, BEAR, BARE, PARENT))


async def proposed(before: Sequence[Proposal] = (), sku: str = "*") -> list[ItemProposed]:
    return new_proposals("main", await only_there(), before, sku, STAMP)


@pytest.mark.claim("S2.14")
async def test_products_missing_in_balance_are_proposed_once() -> None:
    """Not what has no SKU, nor what Balance has and leaves alone, nor parents of variations."""
    [one] = await proposed()
    assert (one.sku, one.name, str(one.regular_price), one.product_id) == ("GIFT-1", "=Gift [card]", "5.00", 1)
    assert await proposed(collect_proposals("main", wrap_events(one))) == []
    dearer = one.model_copy(update={"name": "Gift"})
    assert await proposed(collect_proposals("main", wrap_events(dearer))) == [one], "another name is another proposal"


@pytest.mark.parametrize(("pattern", "count"), [("*", 1), ("gift-*", 1), ("TEA-*", 0)])
async def test_a_pattern_selects_skus(pattern: str, count: int) -> None:
    assert len(await proposed(sku=pattern)) == count


@pytest.mark.claim("S2.14")
async def test_approved_items_are_exported_until_balance_has_them(tmp_path: Path) -> None:
    [one] = await proposed()
    waiting = collect_proposals("main", wrap_events(one))
    assert ([each.state for each in waiting], list(approved_rows(waiting, Dialect()))) == (["proposed"], [])
    agreed = collect_proposals("main", wrap_events(one, approved()))
    assert write_approved_csv(agreed, Dialect(), tmp_path / "items.csv") == 1
    with (tmp_path / "items.csv").open(encoding="utf-8-sig") as file:
        head, line = csv.reader(file)
    assert (
        tuple(head)
        == column_names(Dialect())
        == ("InternalArticle", "Name", "ItemType", "Price", "ExtCode", "approved by")
    )
    assert line == ["GIFT-1", "'=Gift [card]", "საქონელი", "5.00", "1", "gia"]
    there = collect_proposals("main", wrap_events(one, approved(), item("new-uid", sku="Gift-1")))
    assert ([each.state for each in there], list(approved_rows(there, Dialect()))) == (["in Balance"], [])


async def test_proposals_of_other_shops_are_left_out() -> None:
    [one] = await proposed()
    assert collect_proposals("outlet", wrap_events(one, approved())) == []
    assert [each.state for each in collect_proposals("main", wrap_events(one, approved(shop="outlet")))] == ["proposed"]


async def test_only_open_proposals_can_be_approved() -> None:
    [one] = await proposed()
    waiting = collect_proposals("main", wrap_events(one))
    assert find_proposal(waiting, " gift-1 ").proposed == one
    with pytest.raises(InvalidArgument, match="propose items"):
        find_proposal(waiting, "OTHER")
    with pytest.raises(InvalidArgument, match="new-uid"):
        find_proposal(collect_proposals("main", wrap_events(one, item("new-uid", sku="Gift-1"))), "GIFT-1")
