"""An item is gone once several whole snapshots in a row lack it; one look may be a mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.balance import ItemWithdrawn, StockChanged
from services.balance_feed.handlers import NAME, handlers
from tests.balance_feed.feed_bench import FIRST, SECOND, Feed, named, opened_feed, over, settings
from tests.support.engine_bench import opened

THREE = {"confirmations": 3}


async def gone(feed: Feed, **how: bool) -> list[str]:
    """The items that an import says are gone."""
    return [event.item for event in named(await feed.imports("items", **how), ItemWithdrawn)]


@pytest.mark.claim("S2.15")
async def test_an_item_is_withdrawn_with_the_last_of_the_confirmations(tmp_path: Path) -> None:
    async with opened_feed(tmp_path, snapshot=THREE) as feed:
        await feed.imports("items")
        feed.books.items.delete(FIRST)
        assert [await gone(feed) for _ in range(4)] == [[], [], [FIRST], []]


@pytest.mark.claim("S2.15")
async def test_an_item_that_is_back_in_between_begins_again_and_nobody_hears_of_it(tmp_path: Path) -> None:
    async with opened_feed(tmp_path, snapshot=THREE) as feed:
        await feed.imports("items")
        row = feed.books.items.get(FIRST) or {}
        feed.books.items.delete(FIRST)
        assert await gone(feed) + await gone(feed) == []
        feed.books.items.put(FIRST, row)
        assert await feed.imports("items") == []
        assert await feed.is_quiet("items")
        feed.books.items.delete(FIRST)
        assert [await gone(feed) for _ in range(3)] == [[], [], [FIRST]]


@pytest.mark.claim("K29")
async def test_no_item_is_withdrawn_while_a_row_may_be_it_whose_uid_cannot_be_read(tmp_path: Path) -> None:
    async with opened_feed(tmp_path) as feed:
        await feed.imports("items")
        feed.trouble("rewrite", "GET .*/Items$", record=FIRST, fields={"uid": ["?"]})
        assert [await gone(feed) for _ in range(3)] == [[], [], []]
        feed.sandbox.clear()
        assert await gone(feed) == []
        feed.books.items.delete(FIRST)
        assert await gone(feed) == [FIRST]


async def test_an_item_that_comes_back_otherwise_is_stated(tmp_path: Path) -> None:
    async with opened_feed(tmp_path, snapshot=THREE) as feed:
        await feed.imports("items")
        row = feed.books.items.get(FIRST) or {}
        feed.books.items.delete(FIRST)
        await gone(feed)
        feed.books.items.put(FIRST, row | {"Name": "ახალი სახელი"})
        assert [*await feed.items()] == ["ახალი სახელი"]


async def test_what_a_person_has_accepted_needs_no_second_look(tmp_path: Path) -> None:
    async with opened_feed(tmp_path, snapshot=THREE) as feed:
        await feed.imports("items")
        feed.books.items.delete(FIRST)
        assert await gone(feed, accept_loss=True) == [FIRST]


async def test_a_snapshot_that_breaks_off_confirms_nothing(tmp_path: Path) -> None:
    async with opened_feed(tmp_path, snapshot={"confirmations": 2}) as feed:
        await feed.imports("items")
        feed.books.items.delete(FIRST)
        assert await gone(feed) == []
        feed.trouble("truncate", "GET .*/Items$", keep=100, times=1)
        with pytest.raises(Exception, match="Balance"):
            await feed.imports("items")
        feed.books.items.delete(SECOND)
        assert await gone(feed) == [FIRST]


async def test_confirmations_outlive_a_restart(tmp_path: Path) -> None:
    async with opened_feed(tmp_path, snapshot=THREE) as feed:
        await feed.imports("items")
        feed.books.items.delete(FIRST)
        assert await gone(feed) + await gone(feed) == []
        await feed.engine.database.close()
        known = settings(str(feed.settings.balance.url), snapshot=THREE)
        async with (
            opened(NAME, handlers(), tmp_path, feed.clock) as engine,
            over(feed.sandbox, known, engine, tmp_path, feed.clock) as again,
        ):
            assert await gone(again) == [FIRST]


async def test_stock_that_is_gone_is_gone_at_once(tmp_path: Path) -> None:
    async with opened_feed(tmp_path, snapshot=THREE) as feed:
        await feed.imports("stock")
        feed.books.stocks.delete(FIRST)
        [event] = named(await feed.imports("stock"), StockChanged)
        assert (event.item, event.rows) == (FIRST, ())
