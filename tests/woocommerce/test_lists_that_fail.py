"""One record, or a page that takes too long, never stops a list: pages shrink, and what cannot be read is named."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.reasons import Reason
from services.connectors.http.listing import UnreadableRecord
from services.connectors.woocommerce.changes import Cursor
from services.connectors.woocommerce.client import WooCommerce
from services.connectors.woocommerce.pages import OnSkipped, SkippedRecord, log_skipped, read_rows
from services.engine.outbox.upstream_errors import ReadFailed, Unavailable
from tests.woocommerce.list_double import FAILURES, START, Failure, ListDouble, answers, crashes, times_out
from tests.woocommerce.shop_double import NOON, client

pytestmark = pytest.mark.claim("K29")
Read = Callable[[WooCommerce, OnSkipped], AsyncIterator[Any]]


async def _each(found: Any) -> AsyncIterator[Any]:
    for one in await found:
        yield one


async def _listed(found: Any) -> AsyncIterator[Any]:
    listing = await found
    for one in (*listing.records, *listing.unreadable):
        yield one


BY_ID = {"orderby": "id", "order": "asc"}
LISTS: dict[str, Read] = {
    "orders changed": lambda shop, skip: shop.orders_changed_since(Cursor(START, timedelta(0)), skip=skip),
    "orders by number": lambda shop, skip: read_rows(
        shop._api, "/orders", {"orderby": "id", "order": "asc"}, skip=skip
    ),
    "pieces of orders": lambda shop, skip: shop.order_pieces_changed_since(Cursor(START, timedelta(0)), skip=skip),
    "orders of a day": lambda shop, skip: shop.orders_concerning(START, NOON, skip=skip),
    "refunds": lambda shop, skip: _each(shop.refunds(17, skip=skip)),
}
OTHERS: dict[str, tuple[Read, dict[str, Any]]] = {
    "products": (lambda shop, _: shop.every_product(), {"sku": "A", "type": "simple", "status": "publish"}),
    "products changed": (lambda shop, _: shop.product_changes(Cursor(START, timedelta(0))), {"type": "simple"}),
    "customers": (lambda shop, _: shop.every_customer(), {}),
    "categories": (lambda shop, _: _listed(shop.categories()), {"name": "Tea"}),
    "tax rates": (lambda shop, _: _listed(shop.tax_rates()), {"rate": "18"}),
    "webhooks": (lambda shop, _: _listed(shop.webhooks()), {}),
}
every_list = pytest.mark.parametrize("read", LISTS.values(), ids=list(LISTS))
every_case = pytest.mark.parametrize(
    ("read", "failure"),
    [*((read, crashes) for read in LISTS.values()), *((LISTS["orders by number"], one) for one in FAILURES.values())],
    ids=[*LISTS, *FAILURES],
)


async def read_all(double: ListDouble, read: Read) -> tuple[list[int], list[SkippedRecord]]:
    """The ids that were read, in order, and what was left out."""
    skipped: list[SkippedRecord] = []
    async with client(double) as shop:
        return [row["id"] async for row in read(shop, skipped.append)], skipped


def all_but(count: int, *odd: int) -> list[int]:
    return [id_ for id_ in range(1, count + 1) if id_ not in odd]


@every_case
async def test_a_host_that_truncates_long_pages_is_read_in_shorter_ones(read: Read, failure: Failure) -> None:
    for most in (99, 50, 20, 1):
        found, skipped = await read_all(ListDouble(120, failure, most=most), read)
        assert (found, skipped) == (all_but(120), [])


@every_case
async def test_one_record_that_cannot_be_read_is_named_and_the_rest_is_read(read: Read, failure: Failure) -> None:
    for odd in (1, 38, 100, 101, 230):
        found, skipped = await read_all(ListDouble(230, failure, odd=[odd]), read)
        assert found == all_but(230, odd)
        assert [one.id for one in skipped] == [odd]


@every_list
async def test_several_records_are_left_out_one_by_one(read: Read) -> None:
    odd = (3, 4, 5, 6, 7, 8, 90, 101, 230)
    found, skipped = await read_all(ListDouble(230, odd=odd), read)
    assert found == all_but(230, *odd)
    assert [one.id for one in skipped] == [*odd]


@pytest.mark.parametrize(("light", "exclude"), [(False, True), (True, False), (False, False)])
@every_list
async def test_a_record_whose_id_cannot_be_read_is_named_by_its_place(read: Read, light: bool, exclude: bool) -> None:
    double = ListDouble(130, odd=[38, 39, 130], light=light, exclude=exclude)
    found, skipped = await read_all(double, read)
    assert found == all_but(130, 38, 39, 130)
    named = [one.id for one in skipped] if light else [None] * 3
    assert [one.id for one in skipped] == named
    assert "record 38" in str(skipped[0]) if light else "at position" in str(skipped[0])


@every_list
async def test_the_shops_own_message_is_shown(read: Read) -> None:
    _, (skipped,) = await read_all(ListDouble(130, odd=[38]), read)
    assert "record 38 was left out" in str(skipped)
    assert "internal_server_error: A critical error." in str(skipped)


@pytest.mark.parametrize(("read", "more"), OTHERS.values(), ids=list(OTHERS))
async def test_every_other_list_goes_on_too(read: Read, more: dict[str, Any]) -> None:
    async with client(ListDouble(130, odd=[38], most=50, more=more)) as shop:
        found = [one async for one in read(shop, log_skipped)]
    assert [one.id for one in found if not isinstance(one, UnreadableRecord)] == all_but(130, 38)
    (left_out,) = (one for one in found if isinstance(one, UnreadableRecord))
    assert left_out.reason == Reason.SHOP_RECORD_UNREADABLE
    assert "record 38" in left_out.detail


async def test_skipped_records_are_logged_with_the_fix(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        async with client(ListDouble(130, odd=[38], most=50, more={"sku": "A"})) as shop:
            assert len((await shop.products_by_sku(["A"]))["A"]) == 129
    assert "record 38" in vars(caplog.records[0])["why"]
    assert f"({Reason.SHOP_RECORD_UNREADABLE})" in vars(caplog.records[0])["fix"]


@every_case
async def test_an_unavailable_shop_is_not_taken_for_invalid_records(read: Read, failure: Failure) -> None:
    double = ListDouble(230, failure, down=True)
    skipped: list[SkippedRecord] = []
    async with client(double) as shop:
        with pytest.raises(ReadFailed):
            assert [row async for row in read(shop, skipped.append)] == []
    assert skipped == []
    assert len(double.asked) <= 10


async def test_an_outage_during_a_list_loses_no_record() -> None:
    double = ListDouble(230)
    skipped: list[SkippedRecord] = []
    found: list[int] = []
    async with client(double) as shop:
        with pytest.raises(ReadFailed):
            async for row in LISTS["orders by number"](shop, skipped.append):
                found.append(row["id"])
                double.down = len(found) == 100
    assert (found, skipped) == (all_but(100), [])


async def test_a_record_that_fails_once_is_not_left_out() -> None:
    calls = 0

    def stumbles(request: httpx.Request) -> httpx.Response:
        nonlocal calls
        calls += 1
        double.odd = [38] if calls < 5 else []
        return crashes(request)

    double = ListDouble(130, stumbles, odd=[38])
    found, skipped = await read_all(double, LISTS["orders by number"])
    assert (found, skipped) == (all_but(130), [])


@pytest.mark.parametrize("failure", [answers(503), answers(429), answers(403), answers(200, '{"message": "blocked"}')])
async def test_what_is_no_failure_of_a_page_is_not_asked_in_smaller_ones(failure: Failure) -> None:
    double = ListDouble(230, failure, down=True)
    async with client(double) as shop:
        with pytest.raises(Exception, match="shop main"):
            assert [row async for row in LISTS["orders by number"](shop, log_skipped)] == []
    assert double.sizes == [100]


async def test_pages_grow_again_after_an_odd_record() -> None:
    double = ListDouble(1500, odd=[38])
    await read_all(double, LISTS["orders by number"])
    assert double.sizes[:5] == [100, 50, 25, 25, 5]
    assert double.sizes[-8:] == [100] * 8
    assert len(double.asked) < 40


async def test_a_host_that_truncates_long_pages_gets_them_less_and_less_often() -> None:
    double = ListDouble(3000, times_out, most=50)
    await read_all(double, LISTS["orders by number"])
    assert double.sizes.count(100) <= 7


async def test_what_was_learned_of_a_list_is_kept_for_its_next_reading() -> None:
    double = ListDouble(200, times_out, most=50)
    async with client(double) as shop:
        for _ in range(8):
            assert len([row async for row in LISTS["orders by number"](shop, log_skipped)]) == 200
    assert double.sizes.count(100) <= 5


async def test_an_outage_does_not_change_the_page_size() -> None:
    double = ListDouble(120, times_out, down=True)
    async with client(double) as shop:
        with pytest.raises(ReadFailed):
            assert [row async for row in LISTS["orders by number"](shop, log_skipped)] == []
        double.down, double.asked = False, []
        assert len([row async for row in LISTS["orders by number"](shop, log_skipped)]) == 120
    assert double.sizes == [100, 100]


@settings(max_examples=15, deadline=None)
@given(
    count=st.integers(0, 260),
    odd=st.sets(st.integers(1, 260), max_size=6),
    most=st.sampled_from([1, 7, 25, 50, 99, 100]),
    same_second=st.booleans(),
    header=st.booleans(),
    exclude=st.booleans(),
)
async def test_every_valid_record_is_read_once_and_in_order(
    count: int, odd: set[int], most: int, same_second: bool, header: bool, exclude: bool
) -> None:
    step = timedelta(0) if same_second else timedelta(seconds=1)
    if same_second and {1, 2, 3, 4} <= odd:
        odd = odd - {1}
    for read in (LISTS["orders by number"], LISTS["orders changed"]):
        double = ListDouble(count, odd=odd, most=most, step=step, header=header, exclude=exclude)
        double.more = {"date_modified_gmt": "2026-03-01T00:00:01"} if same_second else {}
        try:
            found, skipped = await read_all(double, read)
        except Unavailable:
            assert {1, 2, 3, 4} <= odd, "only a list that begins with four odd records looks like an outage"
            continue
        assert found == all_but(count, *odd)
        assert {one.id for one in skipped} == {id_ for id_ in odd if id_ <= count}


@pytest.mark.parametrize("step", [timedelta(0), timedelta(seconds=1), timedelta(milliseconds=300)])
async def test_orders_that_change_while_an_odd_one_is_looked_for_hide_no_other(step: timedelta) -> None:
    def edits(request: httpx.Request) -> httpx.Response:
        """With each of the first answers, orders at the beginning move to the end of the list."""
        answer = double(request)
        for id_ in range(1, 2 * len(double.asked) if len(double.asked) < 60 else 1):
            double.changed[id_] = START + timedelta(hours=1, seconds=len(double.asked))
        return answer

    double = ListDouble(150, odd=[20, 38, 39, 120], step=step)
    skipped: list[SkippedRecord] = []
    async with client(edits) as shop:
        found = {row["id"] async for row in LISTS["orders changed"](shop, skipped.append)}
    assert found == set(all_but(150, 20, 38, 39, 120))


async def test_an_invalid_row_is_reported_and_the_others_are_read() -> None:
    def odd_row(request: httpx.Request) -> httpx.Response:
        rows = [
            {"id": 1, "date_modified_gmt": "2026-03-01T00:00:01"},
            None,
            [],
            "x",
            {"id": 5, "date_modified_gmt": None},
        ]
        return httpx.Response(200, json=rows, headers={"X-WP-TotalPages": "1"})

    for read in (LISTS["orders by number"], LISTS["orders changed"]):
        skipped: list[SkippedRecord] = []
        async with client(odd_row) as shop:
            found = [row["id"] async for row in read(shop, skipped.append)]
        assert found == [1, 5]
        assert [one.position for one in skipped] == [2, 3, 4]


async def test_changed_records_that_do_not_say_when_come_once_and_stop_nothing() -> None:
    double = ListDouble(130, step=timedelta(seconds=1), more={"date_modified_gmt": "soon"})
    found, skipped = await read_all(double, LISTS["orders changed"])
    assert (sorted(found), skipped) == (all_but(130), [])
    double.more = {"id": "x"}
    found, skipped = await read_all(ListDouble(3, more={"id": "x"}), LISTS["orders changed"])
    assert (found, len(skipped)) == ([], 3)
    assert 'its id is "x", which is not a whole number' in str(skipped[0])


@pytest.mark.parametrize("failure", [times_out, crashes])
async def test_orders_are_identified_beside_one_on_which_the_shop_fails(failure: Failure) -> None:
    async with client(ListDouble(40, failure, odd=[7])) as shop:
        newest = {row["id"]: row for row in await shop.newest_orders(30)}
        named = {row["id"] for row in await shop.orders_by_id([5, 7, 9])}
    assert newest.keys() >= set(range(1, 31))
    assert newest[7] == {"id": 7}
    assert named == {5, 7, 9}
