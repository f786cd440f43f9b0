"""What balance-feed says about stock: warehouses, lots and their expiry."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from contracts.balance import StockChanged
from contracts.model import Event
from contracts.operations import DeadLettered, DeadLetterSettled
from services.engine.outbox.upstream_errors import Unavailable
from services.sandbox.balance.catalogue import BATUMI, MAIN
from tests.balance_feed.feed_bench import FIRST, SECOND, Feed, named, opened_feed

THIRD_OF_EIGHT = Decimal("0.375")


def of(stated: Sequence[Event], item: str) -> StockChanged:
    """The stock of one item."""
    return next(event for event in stated if isinstance(event, StockChanged) and event.item == item)


def lots_of(event: StockChanged) -> dict[Decimal, datetime | None]:
    """The expiry of each lot, by its quantity."""
    return {row.quantity: row.valid_until for row in event.rows if row.lot is not None}


async def test_the_whole_stock_of_an_item_is_one_fact_with_warehouse_names(feed: Feed) -> None:
    feed.books.stocks.delete(FIRST)
    feed.books.stocks.put(FIRST, MAIN, THIRD_OF_EIGHT, Decimal(1))
    feed.books.stocks.put(FIRST, BATUMI, Decimal(-2))

    event = of(await feed.imports("stock"), FIRST)

    reported = {(row.warehouse_name, row.quantity, row.reserve) for row in event.rows}
    assert reported == {("Main", THIRD_OF_EIGHT, Decimal(1)), ("Batumi", Decimal(-2), Decimal(0))}
    assert await feed.is_quiet("stock")


async def test_an_item_that_is_sold_out_is_stated_with_nothing_anywhere(feed: Feed) -> None:
    await feed.imports("stock")
    feed.books.stocks.delete(FIRST)

    (event,) = await feed.imports("stock")

    assert isinstance(event, StockChanged)
    assert (event.item, event.rows) == (FIRST, ())
    assert await feed.is_quiet("stock")


async def test_a_renamed_warehouse_states_again_what_lies_there(feed: Feed) -> None:
    await feed.imports("stock")
    feed.books.warehouses[BATUMI]["Name"] = "ბათუმი"

    stated = await feed.imports("stock")

    lying_there = {
        row["Item"] for row in feed.books.stocks.rows(feed.books.settings.dialect) if row["Warehouse"] == BATUMI
    }
    assert {event.item for event in named(stated, StockChanged)} == lying_there
    assert await feed.is_quiet("stock")


async def test_a_warehouse_that_cannot_be_read_stops_no_other(feed: Feed, caplog: pytest.LogCaptureFixture) -> None:
    """Its stock is stated without its name: a shop that chooses it by name waits, and sells nothing by mistake."""
    feed.books.stocks.put(FIRST, BATUMI, Decimal(3))
    feed.books.warehouses[BATUMI]["uid"] = ""

    rows = {row.warehouse: row.warehouse_name for row in of(await feed.imports("stock"), FIRST).rows}

    assert rows[MAIN]
    assert not rows[BATUMI]
    assert "a warehouse was left out" in caplog.text


async def test_lots_are_not_read_unless_asked_for(feed: Feed) -> None:
    event = of(await feed.imports("stock"), FIRST)

    assert lots_of(event) == {Decimal(5): None, Decimal(10): None}
    assert feed.asked("ItemsSeries") == 0


async def test_lots_carry_their_expiry_and_a_changed_one_is_stated_again(tmp_path: Path) -> None:
    async with opened_feed(tmp_path, series=True) as feed:
        before = of(await feed.imports("stock"), FIRST)
        quiet = await feed.is_quiet("stock")
        lot = next(row for row in feed.books.series.values() if row["Item"] == FIRST)
        lot["ValidUntil"] = datetime(2027, 3, 1)  # noqa: DTZ001 - Balance writes local time

        (after,) = await feed.imports("stock")

        assert None not in lots_of(before).values()
        assert quiet
        assert isinstance(after, StockChanged)
        assert datetime(2027, 2, 28, 20, tzinfo=UTC) in lots_of(after).values()


async def test_lots_that_may_not_be_read_do_not_stop_the_stock_and_are_shown(tmp_path: Path) -> None:
    async with opened_feed(tmp_path, series=True) as feed:
        feed.books.settings = feed.books.settings.changed({"dialect": {"series_bulk": False}})

        stated = await feed.imports("stock")
        again = await feed.imports("stock")
        feed.books.settings = feed.books.settings.changed({"dialect": {"series_bulk": True}})
        events = await feed.imports("stock")

        (dead_letter,) = named(stated, DeadLettered)
        assert lots_of(of(stated, FIRST)) == {Decimal(5): None, Decimal(10): None}
        assert dead_letter.reason == "balance.unreadable"
        assert "balance.dialect.series" in dead_letter.detail
        assert again == []
        assert {event.item for event in named(events, StockChanged)} == {FIRST, SECOND}
        assert [event.dead_letter for event in named(events, DeadLetterSettled)] == [dead_letter.dead_letter]


async def test_one_bad_lot_leaves_the_others_their_expiry(tmp_path: Path) -> None:
    async with opened_feed(tmp_path, series=True) as feed:
        bad, good = (row for row in feed.books.series.values() if row["Item"] == FIRST)
        bad["ValidUntil"] = "soon"

        stated = await feed.imports("stock")

        (dead_letter,) = named(stated, DeadLettered)
        assert (dead_letter.reason, bad["uid"] in dead_letter.detail) == ("balance.row-invalid", True)
        assert sorted(at is None for at in lots_of(of(stated, FIRST)).values()) == [False, True]
        assert good["uid"] not in dead_letter.detail


async def test_lots_that_are_unavailable_for_a_moment_lose_no_expiry(tmp_path: Path) -> None:
    async with opened_feed(tmp_path, series=True) as feed:
        await feed.imports("stock")
        fault = feed.trouble("outage", "GET .*/ItemsSeries$")

        with pytest.raises(Unavailable):
            await feed.imports("stock")
        feed.sandbox.clear(fault)

        assert await feed.is_quiet("stock")
