"""A snapshot is believed only when it is whole and sane."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from contracts.balance import ItemChanged, ItemWithdrawn, StockChanged
from contracts.operations import DeadLettered, DeadLetterSettled
from services.balance_feed.handlers import Resource
from services.engine.outbox.upstream_errors import Unavailable
from services.sandbox.balance import catalogue
from services.sandbox.balance.catalogue import CatalogueRequest
from services.sandbox.balance.record import make_uid
from tests.balance_feed.feed_bench import FIRST, Feed, named, opened_feed

FORTY = CatalogueRequest(extra=40)
FIVE = [make_uid("item", f"extra:{number}") for number in range(5)]
MANY = [make_uid("item", f"extra:{number}") for number in range(20)]
HALVES: dict[str, dict[str, Any]] = {
    "head only": {"kind": "truncate", "keep": 0},
    "one byte": {"kind": "truncate", "keep": 1},
    "some rows": {"kind": "truncate", "keep": 5000},
    "reset": {"kind": "reset"},
    "bad gateway": {"kind": "status", "status": 502},
    "nothing": {"kind": "status", "status": 200, "body": ""},
    "a web page": {"kind": "status", "status": 200, "body": "<html>Maintenance</html>"},
    "half a row": {"kind": "status", "status": 200, "body": '[{"uid": "'},
}


async def test_a_few_records_may_always_be_gone(feed: Feed) -> None:
    await feed.imports("items")
    for gone in FIVE:
        feed.books.items.delete(gone)

    stated = await feed.imports("items")

    assert sorted(event.item for event in named(stated, ItemWithdrawn)) == sorted(FIVE)
    assert feed.report.held == ""


async def test_a_snapshot_that_lost_too_much_withdraws_nothing_and_is_shown(tmp_path: Path) -> None:
    async with opened_feed(tmp_path, FORTY) as feed:
        await feed.imports("items")
        for gone in MANY:
            feed.books.items.delete(gone)

        stated = await feed.imports("items")

        (dead_letter,) = stated
        assert isinstance(dead_letter, DeadLettered)
        assert dead_letter.reason == "balance.snapshot-shrank"
        assert "20 of 50 known items are missing" in dead_letter.detail
        assert "davtari import items --accept-loss" in dead_letter.detail
        assert feed.report.figures()["missing"] == 20


async def test_what_is_new_in_a_held_snapshot_is_stated_all_the_same(tmp_path: Path) -> None:
    async with opened_feed(tmp_path, FORTY) as feed:
        await feed.imports("items")
        for gone in MANY:
            feed.books.items.delete(gone)
        feed.books.items.put(make_uid("item", "extra:30"), {"Name": "ახალი სახელი"})

        stated = await feed.imports("items")

        assert [event.name for event in named(stated, ItemChanged)] == ["ახალი სახელი"]


async def test_a_held_snapshot_is_reported_once_and_forgotten_when_the_next_is_whole(tmp_path: Path) -> None:
    async with opened_feed(tmp_path, FORTY) as feed:
        await feed.imports("items")
        kept = {gone: feed.books.items.get(gone) or {} for gone in MANY}
        for gone in MANY:
            feed.books.items.delete(gone)
        (dead_letter,) = await feed.imports("items")
        again = await feed.imports("items")
        for known, row in kept.items():
            feed.books.items.put(known, row)

        (settled,) = await feed.imports("items")

        assert again == []
        assert isinstance(dead_letter, DeadLettered)
        assert isinstance(settled, DeadLetterSettled)
        assert (settled.dead_letter, settled.how) == (dead_letter.dead_letter, "overtaken")


async def test_the_catalogue_of_another_company_withdraws_nothing(tmp_path: Path) -> None:
    """However many new records it brings: they say nothing about the known ones."""
    async with opened_feed(tmp_path, FORTY) as feed:
        await feed.imports("items")
        for gone in MANY:
            feed.books.items.delete(gone)
        catalogue.fill_catalogue(feed.books, CatalogueRequest(generate=300, clear=False))

        stated = await feed.imports("items")

        assert named(stated, ItemWithdrawn) == []
        assert "20 of 50 known items" in feed.report.held


async def test_a_person_may_accept_the_loss(tmp_path: Path) -> None:
    async with opened_feed(tmp_path, FORTY) as feed:
        await feed.imports("items")
        for gone in MANY:
            feed.books.items.delete(gone)
        await feed.imports("items")

        stated = await feed.imports("items", accept_loss=True)

        assert sorted(event.item for event in named(stated, ItemWithdrawn)) == sorted(MANY)
        assert [event.how for event in named(stated, DeadLetterSettled)] == ["overtaken"]
        assert await feed.is_quiet("items")


async def test_the_limits_of_a_loss_are_settings(tmp_path: Path) -> None:
    strict: dict[str, Any] = {"largest_loss": 0.01, "small_loss": 0}
    async with opened_feed(tmp_path, snapshot=strict) as feed:
        await feed.imports("items")
        feed.books.items.delete(FIRST)

        stated = await feed.imports("items")

        assert named(stated, ItemWithdrawn) == []
        assert feed.report.held


async def test_an_empty_stock_list_empties_no_shop(tmp_path: Path) -> None:
    async with opened_feed(tmp_path, FORTY) as feed:
        await feed.imports("stock")
        for item in list(feed.books.items.rows()):
            feed.books.stocks.delete(item["uid"])

        stated = await feed.imports("stock")

        assert named(stated, StockChanged) == []
        assert [dead_letter.reason for dead_letter in named(stated, DeadLettered)] == ["balance.snapshot-shrank"]


@pytest.mark.parametrize(("resource", "path"), [("items", "Items"), ("prices", "Prices"), ("stock", "Stocks")])
async def test_half_an_answer_changes_nothing(feed: Feed, resource: Resource, path: str) -> None:
    await feed.imports(resource)
    feed.books.delete_item(FIRST)

    for name, half in HALVES.items():
        fault = feed.trouble(match=f"GET .*/{path}$", **half)
        with pytest.raises(Unavailable):
            await feed.imports(resource)
        assert await feed.ledger.news() == [], name
        feed.sandbox.clear(fault)

    assert [getattr(event, "item", None) for event in await feed.imports(resource)] == [FIRST]


@pytest.mark.parametrize("paged", [(), ("Items",)])
async def test_a_catalogue_is_the_same_with_pages_and_without(tmp_path: Path, paged: tuple[str, ...]) -> None:
    async with opened_feed(tmp_path, FORTY, paging=paged, page_size=7) as feed:
        stated = await feed.imports("items")

        assert len(named(stated, ItemChanged)) == len(feed.books.items)
