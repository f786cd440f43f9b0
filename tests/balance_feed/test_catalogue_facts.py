"""What balance-feed says about items and folders."""

from __future__ import annotations

import pytest

from contracts.balance import ItemChanged, ItemWithdrawn
from services.connectors.balance.items import Folder, path_of
from services.sandbox.balance import goods
from services.sandbox.balance.goods import group_uid
from tests.balance_feed.feed_bench import FIRST, Feed, named

DRINKS = group_uid(goods.DRINKS)
GOODS = group_uid(goods.GOODS)
SERVICES = group_uid(goods.SERVICE_FOLDER)


def in_drinks(feed: Feed) -> set[str]:
    """The names of the goods in the drinks folder."""
    return {row["Name"] for row in feed.books.items.rows() if row["Group"] == DRINKS}


async def test_the_first_import_states_every_item_and_folder_whole(feed: Feed) -> None:
    stated = await feed.imports("items")

    assert {event.item for event in named(stated, ItemChanged)} == {row["uid"] for row in feed.books.items.rows()}
    coffee = next(event for event in named(stated, ItemChanged) if event.item == FIRST)
    assert (coffee.kind, coffee.sku, coffee.unit) == ("goods", "EXTRA-001", "ცალი")
    assert [step.name for step in coffee.path] == ["საქონელი", "სასმელი"]
    assert coffee.observed_at == feed.report.begun
    assert feed.report.figures()["changed"] == len(stated)


async def test_folders_are_facts_of_their_own_and_services_are_reported_from_goods(feed: Feed) -> None:
    items = await feed.items()

    assert items["სასმელი"].kind == "folder"
    assert [step.name for step in items["სასმელი"].path] == ["საქონელი"]
    assert items["მიწოდება"].kind == "service"


async def test_a_second_import_of_the_same_catalogue_states_and_writes_nothing(feed: Feed) -> None:
    await feed.imports("items")

    assert await feed.is_quiet("items")
    assert feed.report.figures() == {"seen": 20, "unchanged": 20, "changed": 0, "missing": 0, "faults": 0}


async def test_a_changed_item_is_stated_alone_with_the_fields_that_changed(feed: Feed) -> None:
    await feed.imports("items")
    feed.books.items.put(FIRST, {"Barcode": "4860001", "Weight": "0.250"})

    (event,) = await feed.imports("items")

    assert isinstance(event, ItemChanged)
    assert (event.item, event.changed) == (FIRST, ("barcode", "weight"))


async def test_a_change_that_means_nothing_is_not_stated(feed: Feed) -> None:
    await feed.imports("items")
    feed.books.items.put(FIRST, {"LoadingPerVehicle": "12"})

    assert await feed.imports("items") == []
    assert feed.report.figures()["changed"] == 0
    assert await feed.is_quiet("items")


async def test_a_renamed_folder_states_again_what_lies_below_it_and_nothing_else(feed: Feed) -> None:
    await feed.imports("items")
    below = in_drinks(feed)
    feed.books.items.put(DRINKS, {"Name": "ყავა და ჩაი"})

    stated = await feed.items()

    assert stated.keys() == below | {"ყავა და ჩაი"}
    assert all([step.name for step in stated[name].path] == ["საქონელი", "ყავა და ჩაი"] for name in below)
    assert all(stated[name].changed == ("path",) for name in below)
    assert await feed.is_quiet("items")


async def test_a_moved_folder_states_again_the_whole_branch(feed: Feed) -> None:
    await feed.imports("items")
    below = in_drinks(feed)
    feed.books.items.put(DRINKS, {"Group": SERVICES})

    stated = await feed.items()

    assert stated.keys() == below | {"სასმელი"}
    assert {tuple(step.uid for step in stated[name].path) for name in below} == {(SERVICES, DRINKS)}


async def test_an_item_that_moves_is_stated_with_its_new_way(feed: Feed) -> None:
    await feed.imports("items")
    feed.books.items.put(FIRST, {"Group": SERVICES})

    (event,) = await feed.imports("items")

    assert isinstance(event, ItemChanged)
    assert (event.changed, [step.uid for step in event.path]) == (("group", "path"), [SERVICES])


async def test_an_item_that_is_gone_is_withdrawn_once_and_stated_again_when_it_comes_back(feed: Feed) -> None:
    await feed.imports("items")
    kept = feed.books.items.get(FIRST) or {}
    feed.books.items.delete(FIRST)

    (gone,) = await feed.imports("items")
    quiet = await feed.is_quiet("items")
    feed.books.items.put(FIRST, {name: kept[name] for name in ("Code", "Name", "InternalArticle", "Group")})
    (back,) = await feed.imports("items")

    assert isinstance(gone, ItemWithdrawn)
    assert gone.item == FIRST
    assert quiet
    assert isinstance(back, ItemChanged)
    assert (back.item, back.sku) == (FIRST, "EXTRA-001")


async def test_another_dialect_has_every_item_looked_at_again(feed: Feed) -> None:
    await feed.imports("items")

    async with feed.under(sku_field="Code") as by_code:
        stated = await by_code.items()

    assert stated, "unchanged rows mean something else now"
    assert all(event.sku == event.code for event in stated.values())


@pytest.mark.parametrize(
    ("tree", "way"),
    [
        ({"a": Folder("A", None)}, ["A"]),
        ({"a": Folder("A", "b"), "b": Folder("B", None)}, ["B", "A"]),
        ({"a": Folder("A", "gone")}, ["A"]),
        ({"a": Folder("A", "a")}, ["A"]),
        ({"a": Folder("A", "b"), "b": Folder("B", "a")}, ["B", "A"]),
        ({}, []),
    ],
)
def test_the_way_to_a_folder_ends_at_the_root_at_a_gap_and_in_a_cycle(tree: dict[str, Folder], way: list[str]) -> None:
    assert [step.name for step in path_of("a", tree)] == way


async def test_an_item_that_balance_has_marked_for_deletion_is_withdrawn(feed: Feed) -> None:
    await feed.imports("items")
    feed.books.items._own[FIRST] |= {"DeletionMark": True}

    (event,) = await feed.imports("items")

    assert isinstance(event, ItemWithdrawn)
    assert event.item == FIRST
