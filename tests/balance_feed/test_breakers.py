"""Too much changed in one alarming way: the snapshot waits for a person."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from contracts.balance import ItemChanged, ItemPrice, PriceChanged, StockChanged, StockRow
from contracts.operations import DeadLettered
from contracts.reasons import Reason
from services.balance_feed.report import EMPTIED, FALLEN, MOVED, VAT, ChangeAlarm, ChangeBreaker, find_alarms
from services.settings.model import SnapshotSettings
from tests.balance_feed.feed_bench import Feed, named
from tests.support.memory_state import NOON


def stock(quantity: str) -> StockChanged:
    row = StockRow(warehouse="w", quantity=Decimal(quantity), reserve=Decimal(0))
    return StockChanged(item="a", rows=(row,), observed_at=NOON)


def prices(**by_type: str) -> PriceChanged:
    found = tuple(ItemPrice(price_type=name, price=Decimal(price)) for name, price in by_type.items())
    return PriceChanged(item="a", prices=found, observed_at=NOON)


def item(**more: Any) -> ItemChanged:
    return ItemChanged.model_validate({"item": "a", "kind": "goods", "name": "Tea", "observed_at": NOON} | more)


@pytest.mark.claim("I3")
@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        (stock("5"), stock("0"), [EMPTIED]),
        (stock("5"), stock("1"), []),
        (stock("0"), stock("-2"), []),
        (stock("-1"), stock("7"), []),
        (prices(retail="10.00"), prices(retail="4.99"), [FALLEN]),
        (prices(retail="10.00"), prices(retail="5.00"), []),
        (prices(retail="10.00"), prices(retail="99.00"), []),
        (prices(retail="10.00"), prices(trade="1.00"), []),
        (prices(retail="10.00", trade="8.00"), prices(retail="10.00", trade="0.08"), [FALLEN]),
        (item(vat_rate="18%"), item(vat_rate="0%"), [VAT]),
        (item(group="g"), item(group="h"), [MOVED]),
        (item(name="Tea"), item(name="Chai"), []),
    ],
)
def test_what_is_alarming(before: Any, after: Any, found: list[ChangeAlarm]) -> None:
    assert find_alarms(before, after) == found


@pytest.mark.parametrize(
    ("changed", "known", "trips"), [(10, 20, False), (11, 20, True), (60, 120, False), (61, 120, True)]
)
def test_a_few_are_never_too_many_and_a_share_is(changed: int, known: int, trips: bool) -> None:
    breakers = ChangeBreaker()
    for _ in range(changed):
        breakers.count({"a": stock("0")}, {"a": stock("5")})
    excess = breakers.describe_excess(known, SnapshotSettings())
    assert (
        not trips or excess == f"{changed} of {known} items no longer have stock (snapshot.largest-emptied allows 50%)"
    )


def _sell_out(feed: Feed) -> None:
    for places in feed.books.stocks._levels.values():
        for level in places.values():
            level.quantity = Decimal(0)


@pytest.mark.claim("I3", "K1")
async def test_a_warehouse_that_reads_as_empty_waits_for_a_person(feed: Feed) -> None:
    # given stock that was stated
    assert named(await feed.imports("stock"), StockChanged)
    async with feed.under(snapshot={"small_change": 3}) as strict:
        # when Balance reads as empty
        _sell_out(strict)
        published = await strict.imports("stock")
        # then nothing of it is stated, and the reason is reported
        assert named(published, StockChanged) == []
        [dead_letter] = named(published, DeadLettered)
        assert dead_letter.reason == Reason.BALANCE_SNAPSHOT_ALARMING
        assert "no longer have stock" in dead_letter.detail
        assert "davtari import stock --accept-loss" in dead_letter.detail
        # and not again with each import
        assert await strict.imports("stock") == []
        # when the person says that it is so
        published = await strict.imports("stock", accept_loss=True)
        assert all(sum(row.quantity for row in one.rows) == 0 for one in named(published, StockChanged))
        assert named(published, StockChanged)
