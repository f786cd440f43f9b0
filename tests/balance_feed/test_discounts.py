"""Balance's discounts as prices with a window; invalid ones are reported, inexpressible ones are left out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from contracts.balance import ItemPrice, PriceChanged
from contracts.operations import CommandSettled, ImportRequested
from services.balance_feed.schedule import Schedule
from services.connectors.balance.discounts import Discount, discount
from services.connectors.balance.fields import RowInvalid
from services.engine.outbox.faults import FAULT
from services.engine.outbox.upstream_errors import AccessDenied
from services.engine.state.store import read_kind
from services.sandbox.balance import control, goods
from services.settings.balance import DiscountSettings
from services.settings.model import ScheduleSettings
from tests.balance_feed.feed_bench import FIRST, REGULAR, SECOND, Feed, named, opened_feed

PLAIN: dict[str, Any] = {
    "Code": "D-7",
    "IsActive": "true",
    "StartDate": "01.03.2026",
    "EndDate": "08.03.2026",
    "Percentage": "15",
    "Items": [{"Item": FIRST}],
    "DiscountCondition": "უპირობოდ",
}
ON = DiscountSettings(read=True)
START, END = datetime(2026, 2, 28, 20, tzinfo=UTC), datetime(2026, 3, 8, 20, tzinfo=UTC)
"""Midnights in Tbilisi: the last day belongs to the discount."""


def taken(**fields: Any) -> Discount | None:
    rules = fields.pop("rules", ON)
    return discount(PLAIN | fields, rules)


@pytest.mark.parametrize(
    ("percent", "price", "reduced"),
    [("10", "14.75", "13.28"), ("33,3", "10", "6.67"), ("0.5", "0.10", "0.10"), ("99.9", "1000", "1.00")],
)
def test_a_percentage_is_taken_off_to_the_tetri(percent: str, price: str, reduced: str) -> None:
    found = taken(Percentage=percent)
    assert found is not None
    assert found.of(Decimal(price)) == Decimal(reduced)


def test_the_window_is_of_whole_days_in_tbilisi() -> None:
    found, open_ended = taken(), taken(EndDate="")
    assert found is not None and open_ended is not None
    assert (found.starts, found.ends, found.items) == (START, END, (FIRST,))
    assert (open_ended.starts, open_ended.ends) == (START, None)


@pytest.mark.parametrize(
    "left_out",
    [
        {"IsActive": "false"},
        {"IsActive": ""},
        {"DiscountCondition": "თანხის მიხედვით", "Amount": "100"},
        {"Schedule": [{"WeekDay": "1"}]},
        {"Percentage": "0"},
        {"Percentage": "", "SpecialPrice": "9.90"},
    ],
)
def test_what_a_sale_price_cannot_express_is_left_out(left_out: dict[str, Any]) -> None:
    assert taken(**left_out) is None


def test_a_special_price_counts_where_the_settings_take_it() -> None:
    found = taken(SpecialPrice="9.90", rules=DiscountSettings(read=True, special_price=True))
    assert found is not None
    assert found.of(Decimal("14.75")) == Decimal("9.90")


@pytest.mark.parametrize(
    ("bad", "reported"),
    [
        ({"StartDate": "09.03.2026"}, "EndDate lies before StartDate"),
        ({"StartDate": "", "EndDate": ""}, "balance.discounts.dateless"),
        ({"StartDate": "yesterday"}, "StartDate"),
        ({"Percentage": "100"}, "between 0 and 100"),
        ({"Percentage": "-5"}, "between 0 and 100"),
        ({"Percentage": "ten"}, "Percentage"),
        ({"Items": []}, "balance.discounts.all-goods"),
        ({"Items": [{"Item": ""}]}, "Item is empty"),
        ({"Items": "all"}, "Items is not a list"),
    ],
)
def test_what_cannot_be_right_is_named_with_its_code(bad: dict[str, Any], reported: str) -> None:
    with pytest.raises(RowInvalid, match="Discounts, D-7") as found:
        taken(**bad)
    assert reported in found.value.detail


@pytest.fixture
async def reducing(tmp_path: Path) -> AsyncIterator[Feed]:
    """A feed that takes discounts, and knows the items."""
    async with opened_feed(tmp_path / "state", discounts={"read": True}) as feed:
        feed.books.discounts.clear()
        await feed.imports("items")
        yield feed


def put(feed: Feed, code: str, target: str, **fields: Any) -> None:
    window = {"StartDate": "2026-11-20", "EndDate": "2026-11-30"}
    control.put_discount(feed.books, code, {"Percentage": 10, "Items": [{"Item": target}]} | window | fields)


def reduced(event: PriceChanged) -> list[ItemPrice]:
    return [price for price in event.prices if price.source == "Discounts"]


async def faults(feed: Feed) -> list[str]:
    return [key async for key, _ in read_kind(feed.engine.database, FAULT.name)]


@pytest.mark.claim("S2.23")
async def test_a_discount_on_an_item_or_a_group_is_a_price_with_a_window_until_it_is_taken_back(reducing: Feed) -> None:
    feed = reducing
    await feed.imports("prices")
    put(feed, "D-1", FIRST)

    (event,) = named(await feed.imports("prices"), PriceChanged)

    [price] = reduced(event)
    assert (event.item, price.price_type, price.price) == (FIRST, REGULAR, Decimal("0.86"))
    assert (price.valid_from, price.valid_to) == (
        datetime(2026, 11, 19, 20, tzinfo=UTC),
        datetime(2026, 11, 30, 20, tzinfo=UTC),
    )
    assert await feed.is_quiet("prices")
    # a group: all items below it
    put(feed, "D-1", goods.group_uid(goods.ALL_FOLDERS[0]))
    below = {event.item for event in named(await feed.imports("prices"), PriceChanged)}
    assert feed.report.figures()["discounts"] == 1
    assert len(below) > 1
    # and back
    control.delete_discount(feed.books, "D-1")
    assert all(reduced(event) == [] for event in named(await feed.imports("prices"), PriceChanged))


async def test_bad_discounts_are_reported_and_skipped_and_the_others_hold(reducing: Feed) -> None:
    feed = reducing
    put(feed, "D-1", FIRST)
    put(feed, "D-2", SECOND, Percentage=120)
    put(feed, "D-3", "00000000-0000-4000-8000-00000000dead")
    put(feed, "D-4", SECOND, StartDate="2026-12-01")
    stated = named(await feed.imports("prices"), PriceChanged)
    assert [event.item for event in stated if reduced(event)] == [FIRST]
    assert await faults(feed) == [
        "prices:discount:D-2",
        "prices:discount:D-3:00000000-0000-4000-8000-00000000dead",
        "prices:discount:D-4",
    ]
    for code in ("D-2", "D-3", "D-4"):
        control.delete_discount(feed.books, code)
    await feed.imports("prices")
    assert await faults(feed) == []


async def test_a_discount_that_is_over_leaves_the_facts(reducing: Feed) -> None:
    feed = reducing
    put(feed, "D-1", FIRST)
    await feed.imports("prices")
    feed.clock.forward(days=60)
    (event,) = named(await feed.imports("prices"), PriceChanged)
    assert (event.item, reduced(event)) == (FIRST, [])


async def test_discounts_that_may_not_be_read_end_no_sale(reducing: Feed) -> None:
    feed = reducing
    put(feed, "D-1", FIRST)
    await feed.imports("prices")
    feed.trouble("status", "GET .*/Discounts$", status=403)
    with pytest.raises(AccessDenied):
        await feed.imports("prices")
    assert named(await feed.ledger.news(), PriceChanged) == []


@pytest.mark.claim("S2.23")
async def test_the_command_counts_in_a_dry_run_and_is_refused_where_nobody_takes_discounts(
    reducing: Feed, tmp_path: Path
) -> None:
    feed = reducing
    put(feed, "D-1", FIRST)
    put(feed, "D-2", SECOND, DiscountCondition="თანხის მიხედვით")
    asked = {"resource": "prices", "discounts": True, "asked_by": "ana", "asked_at": feed.clock()}

    async def answer(of: Feed, **more: Any) -> CommandSettled:
        command = ImportRequested.model_validate(asked | {"command_id": str(more)} | more)
        await Schedule(of.engine, of.importer, ScheduleSettings())._execute(command)
        return named(await of.ledger.news(), CommandSettled)[0]

    dry = await answer(feed, dry_run=True)
    assert (dry.outcome, dry.figures["discounts"], dry.figures["left out"]) == ("done", 1, 1)
    assert (await answer(feed)).figures["changed"] == dry.figures["changed"] > 0
    async with feed.under(tmp_path / "off") as off:
        refused = await answer(off, dry_run=False)
    assert (refused.outcome, "balance.discounts.read" in refused.detail) == ("refused", True)
