"""Commands about groups take effect at once, for the items of the group and no others."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from contracts.catalog import GroupRule, MappingChanged
from contracts.model import Event
from contracts.operations import CommandSettled
from contracts.reasons import Reason
from services.catalog_importer.handlers import handlers
from services.catalog_importer.requests import SHOP_MAPPING
from tests.catalog_importer.catalogue_bench import (
    COFFEE,
    COFFEE_CATEGORY,
    DRY,
    ROOT,
    TEA,
    TEA_CATEGORY,
    TOYS,
    World,
    item,
    mapping_request,
    plans,
    settings,
    world,
)
from tests.support.engine_bench import Clock, Ledger, opened
from tests.support.memory_state import NOON

EXCLUDED, INCLUDED = GroupRule(access="excluded"), GroupRule(access="included")
GREEN = "group-green"


def folder(uid: str, *above: str) -> Event:
    parent = above[-1] if above else None
    return item(uid, kind="folder", group=parent, path=above, sku=None)


@pytest_asyncio.fixture(name="shop")
async def _shop() -> AsyncIterator[World]:
    """Two groups below the root are mapped by the settings, the toys are not; green tea is below the tea."""
    async with world(settings(DRY)) as made:
        await made.take(
            *[folder(ROOT), folder(TEA, ROOT), folder(COFFEE, ROOT), folder(TOYS, ROOT), folder(GREEN, ROOT, TEA)],
            *[item(), item("green-1", group=GREEN, path=(ROOT, TEA, GREEN)), item("bear-1", group=TOYS)],
            item("mocha-1", group=COFFEE),
        )
        yield made


def published(events: list[Event]) -> dict[str, str]:
    """`{item: action, or the reason of a skip}`."""
    return {one.item: one.reason or one.action for one in plans(events)}


@pytest.mark.claim("S0.3", "S0.4", "S0.39")
async def test_a_command_maps_a_group_and_touches_only_what_exists_in_it(shop: World) -> None:
    events = await shop.take(mapping_request(TOYS, GroupRule(category_id=COFFEE_CATEGORY)))
    # then it is announced, answered, and the bear is decided again; the tea is not
    [changed] = [event for event in events if isinstance(event, MappingChanged)]
    assert (changed.key, changed.changed_by, changed.command_id) == (f"main:{TOYS}", "nino", "c1")
    [answer] = [event for event in events if isinstance(event, CommandSettled)]
    assert (answer.outcome, answer.service) == ("done", "catalog-importer")
    assert published(events) == {"bear-1": "create"}
    assert [one.payload and one.payload.category_ids for one in plans(events)] == [(COFFEE_CATEGORY,)]


@pytest.mark.claim("S0.3", "S0.39", "S0.41")
async def test_an_excluded_group_shuts_all_below_it_until_it_is_included_again(shop: World) -> None:
    shut = await shop.take(mapping_request(ROOT, EXCLUDED))
    assert published(shut) == dict.fromkeys(["tea-100", "green-1", "mocha-1", "bear-1"], Reason.PRODUCT_GROUP_EXCLUDED)
    # when a group below it is included, its items are sold again, and the others stay excluded
    open_ = await shop.take(mapping_request(TEA, GroupRule(category_id=TEA_CATEGORY, access="included"), "c2"))
    assert published(open_) == {"tea-100": "create", "green-1": "create"}
    assert published(await shop.take(mapping_request(GREEN, EXCLUDED, "c3"))) == {
        "green-1": Reason.PRODUCT_GROUP_EXCLUDED
    }
    # and when the commands are taken back, the settings hold
    assert published(await shop.take(mapping_request(ROOT, None, "c4"))) == {
        "mocha-1": "create",
        "bear-1": "product.group-not-mapped",
    }


@pytest.mark.claim("S0.4")
async def test_the_commands_entry_exists_in_place_of_the_settings(shop: World) -> None:
    moved = await shop.take(mapping_request(TEA, GroupRule(category_id=COFFEE_CATEGORY)))
    assert {one.item: one.payload and one.payload.category_ids for one in plans(moved)} == {
        "tea-100": (COFFEE_CATEGORY,),
        "green-1": (COFFEE_CATEGORY,),
    }
    # an included group without a category of its own has none: nothing is guessed
    assert published(await shop.take(mapping_request(TEA, INCLUDED, "c2"))) == dict.fromkeys(
        ["tea-100", "green-1"], Reason.PRODUCT_GROUP_NOT_MAPPED
    )


async def test_a_twin_under_the_same_sku_is_decided_too(shop: World) -> None:
    """An excluded item blocks no other; once it is included, both are skipped, in whichever group the other one is."""
    await shop.take(item("bear-1", group=TOYS, sku="TEA-100"))
    both = await shop.take(mapping_request(TOYS, GroupRule(category_id=TEA_CATEGORY)))
    assert published(both) == dict.fromkeys(["bear-1", "tea-100"], Reason.PRODUCT_SKU_USED_TWICE)
    shut = await shop.take(mapping_request(TOYS, EXCLUDED, "c2"))
    assert published(shut) == {"bear-1": Reason.PRODUCT_GROUP_EXCLUDED, "tea-100": "create"}


async def test_a_shop_that_is_not_there_is_refused(shop: World) -> None:
    [answer] = await shop.take(mapping_request(TEA, EXCLUDED, shop="outlet"))
    assert isinstance(answer, CommandSettled)
    assert (answer.outcome, "outlet" in answer.detail) == ("refused", True)


@pytest.mark.claim("S0.43")
async def test_the_writer_asks_the_commanded_rules_again() -> None:
    """A live product in a group that only a command maps is written; the settings alone would let nothing in."""
    async with world(settings(catalogue={"groups": {}})) as made:
        await made.take(folder(ROOT), folder(TEA, ROOT), item())
        assert made.shop.products == {}
        await made.take(mapping_request(TEA, GroupRule(category_id=TEA_CATEGORY)))
        [product] = made.shop.products.values()
        assert [one["id"] for one in product["categories"]] == [TEA_CATEGORY]
        writes = len(made.writes())
        assert published(await made.take(mapping_request(TEA, EXCLUDED, "c2"))) == {
            "tea-100": Reason.PRODUCT_GROUP_EXCLUDED
        }
        assert len(made.writes()) == writes


async def test_a_rebuilt_database_has_the_mapping_and_publishes_nothing_again(tmp_path: Path) -> None:
    """A state database is a cache of the topics, also of what people commanded."""
    rules, clock = handlers(settings(DRY)), Clock(NOON + timedelta(minutes=1))
    async with opened("catalog-importer", rules, tmp_path / "first", clock) as engine:
        async with engine.work() as work:
            await work.announce([(mapping_request(TOYS, EXCLUDED), None)])
        reported = Ledger(engine)
        records = await reported.records()
        assert [type(event).__name__ for event in await reported.news()] == [
            "MappingRequested",
            "MappingChanged",
            "CommandSettled",
        ]
    async with opened("catalog-importer", rules, tmp_path / "second", clock) as engine:
        await engine.take(sorted(records, key=lambda record: record.topic))
        async with engine.work() as work:
            [known] = (await work.get_many(SHOP_MAPPING, ["main"])).values()
        assert (known.groups, await Ledger(engine).news()) == ({TOYS: EXCLUDED}, [])
