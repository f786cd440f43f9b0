"""Sweeping orders by change: none is missed although orders change while they are read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.connectors.woocommerce.changes import Cursor
from services.connectors.woocommerce.php import format_gmt, parse_gmt
from tests.woocommerce.shop_double import NOON, ShopDouble, answered, client, listed, recorded

START = datetime(2026, 3, 1, tzinfo=UTC)


class LivingShop:
    """Answers like WooCommerce: after a moment (exclusive, whole seconds), oldest change first, in pages."""

    def __init__(self, modified: dict[int, datetime], meanwhile: Callable[[LivingShop], None]) -> None:
        self.modified, self.meanwhile, self.calls = modified, meanwhile, 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.calls += 1
        query = request.url.params
        after, size = parse_gmt(query["modified_after"]), int(query["per_page"])
        before = parse_gmt(query.get("modified_before", "2999-01-01T00:00:00"))
        found = sorted((when, number) for number, when in self.modified.items() if after < when < before)
        page = found[(int(query["page"]) - 1) * size :][:size]
        self.meanwhile(self)
        rows = [{"id": number, "date_modified_gmt": format_gmt(when)} for when, number in page]
        return listed(rows, pages=-(-len(found) // size))


async def swept(shop: LivingShop) -> list[tuple[int, datetime]]:
    async with client(shop) as calls:
        cursor = Cursor(START, overlap=timedelta(0))
        return [(row["id"], parse_gmt(row["date_modified_gmt"])) async for row in calls.orders_changed_since(cursor)]


async def test_orders_that_change_between_two_pages_hide_no_other() -> None:
    """A list read page by page would lose 100 orders here: they move up into the page that was read already."""
    modified = {number: START + timedelta(seconds=number) for number in range(1, 251)}

    def edits(shop: LivingShop) -> None:
        for number in range(1, 101):
            shop.modified[number] = START + timedelta(hours=shop.calls, seconds=number)

    seen = await swept(LivingShop(modified, lambda shop: edits(shop) if shop.calls == 1 else None))
    assert {number for number, _ in seen} == set(range(1, 251))
    assert seen[-1] == (100, START + timedelta(hours=1, seconds=100))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=350))
async def test_orders_of_one_second_are_all_read_once(seconds: list[int]) -> None:
    modified = {number: START + timedelta(seconds=offset) for number, offset in enumerate(seconds, start=1)}
    seen = await swept(LivingShop(modified, lambda shop: None))
    assert sorted(number for number, _ in seen) == sorted(modified)
    assert [when for _, when in seen] == sorted(when for _, when in seen)


async def test_nothing_new_costs_one_request() -> None:
    shop = LivingShop({}, lambda shop: None)
    assert await swept(shop) == []
    assert shop.calls == 1


def test_the_cursor_never_goes_back() -> None:
    cursor = Cursor(NOON)
    assert cursor.moved_to(NOON - timedelta(hours=1)).at == NOON
    assert cursor.moved_to(NOON + timedelta(hours=1)).start == NOON + timedelta(minutes=58)


def test_times_of_the_shop_are_utc_to_the_second() -> None:
    tbilisi = datetime.fromisoformat("2026-11-21T16:00:00.9+04:00")
    assert format_gmt(tbilisi) == "2026-11-21T12:00:00"
    assert parse_gmt("2026-11-21T12:00:00") == NOON
    with pytest.raises(ValueError, match="no time zone"):
        format_gmt(datetime(2026, 1, 1))  # noqa: DTZ001


async def test_an_order_is_read_in_its_current_state_without_dp() -> None:
    double = ShopDouble([recorded("order-get-after-partial-refund")])
    async with client(double) as shop:
        order = await shop.order(4917)
    assert order is not None
    assert (order["id"], order["total"]) == (4917, "65.66")
    assert "dp" not in double.queries()[0]


async def test_an_order_deleted_for_good_is_none() -> None:
    body = {"code": "woocommerce_rest_shop_order_invalid_id", "message": "Invalid ID.", "data": {"status": 404}}
    async with client(ShopDouble([httpx.Response(404, json=body)])) as shop:
        assert await shop.order(17) is None


async def test_refunds_come_oldest_first() -> None:
    async with client(ShopDouble([recorded("refunds-list")])) as shop:
        refunds = await shop.refunds(4917)
    recorded_ids: list[Any] = [refund["id"] for refund in answered("refunds-list")]
    assert [refund["id"] for refund in refunds] == sorted(recorded_ids)
