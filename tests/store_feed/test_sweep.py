"""The sweep finds whatever webhooks missed, and nothing twice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from contracts.model import Event
from contracts.operations import DeadLettered
from contracts.shop import OrderUnreadable, RefundIssued
from services.engine.outbox.upstream_errors import Unavailable, UpstreamError
from services.engine.outbox.work import Work
from services.sandbox.woocommerce import placing, values
from services.store_feed import sweep
from services.store_feed.handlers import handlers
from services.store_feed.records import NAME, SWEPT, HintSource, request_refreshes
from services.store_feed.sweep import OrderSweep
from tests.store_feed.shop_bench import MAIN, Store, open_store, order_ids, sweep_position
from tests.support.engine_bench import Ledger, opened, reading

LISTED = "GET .*/orders$"
RECORDED = 127


@pytest.fixture
def _short_pages(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("services.connectors.woocommerce.api.SIZES", (10, 5, 1))
    monkeypatch.setattr(sweep, "AT_ONCE", 4)
    yield


@pytest.mark.claim("I9")
async def test_orders_that_no_webhook_reported_are_found(store: Store) -> None:
    placed = [store.places() for _ in range(3)]

    assert order_ids(await store.swept()) == placed
    assert await store.swept() == []


async def test_a_quiet_shop_is_not_read_again_and_again(store: Store) -> None:
    store.places()
    await store.swept()
    before = store.reads()

    for _ in range(3):
        store.passes(minutes=1)
        await store.swept()

    assert store.reads() == before


async def test_what_a_webhook_has_reported_is_not_read_again(store: Store) -> None:
    order = store.places()
    async with store.engine.work() as work:
        await request_refreshes(work, {f"{MAIN}:{order}": HintSource()})
    await store.looks()

    assert await store.sweep.once() == 0


@pytest.mark.claim("I9")
async def test_a_refund_in_the_second_in_which_its_order_was_read_is_found(store: Store) -> None:
    store.passes(seconds=1)
    placing.place_order(store.shop, RECORDED)
    await store.swept()
    refund = store.refunds(RECORDED, "2.00", after=0)

    stated = await store.swept()

    assert [event.refund_id for event in stated if isinstance(event, RefundIssued)] == [refund]
    assert await store.swept() == []


async def test_at_first_contact_the_past_stays_where_it_is(tmp_path: Path) -> None:
    async with open_store(tmp_path) as store:
        store.places()
        store.passes(hours=1)
        first = await store.swept()
        store.passes(minutes=1)
        order = store.places()

        assert first == []
        assert order_ids(await store.swept()) == [order]


async def test_a_buyer_in_the_checkout_is_not_read_at_all(store: Store) -> None:
    store.passes(seconds=1)
    placing.place_order(store.shop, RECORDED, status="checkout-draft")

    assert await store.sweep.once() == 0


@pytest.mark.claim("I9")
async def test_the_sweep_looks_back_for_what_was_saved_late(store: Store) -> None:
    """An order becomes visible only after its neighbour, although its time is earlier."""
    late, order = store.places(), store.places()
    hidden = store.shop.orders.pop(late)
    first = await store.swept()
    store.passes(minutes=1)
    store.shop.orders[late] = hidden

    assert order_ids(first) == [order]
    assert order_ids(await store.swept()) == [late]


async def test_the_cursor_moves_only_with_durable_hints(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    order = store.places()
    store.passes(hours=1)

    async def fails(self: Work) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched, suppress(OSError):
        patched.setattr(Work, "flush", fails)
        await store.sweep.once()

    assert order_ids(await store.swept()) == [order]


@pytest.mark.usefixtures("_short_pages")
async def test_a_page_that_fails_loses_nothing_and_repeats_nothing(store: Store) -> None:
    orders = [store.places() for _ in range(25)]
    broken = store.trouble("status", LISTED, status=503, probability=0.5)
    stated: list[Event] = []
    failures = 0
    for _ in range(15):
        try:
            await store.sweep.once()
        except Unavailable:
            failures += 1
        stated += await store.looks()
    store.faults.clear(broken)
    stated += await store.swept()

    assert failures > 3
    assert order_ids(stated) == orders


async def test_an_order_dated_in_the_future_does_not_blind_the_sweep(store: Store) -> None:
    from_the_future = store.places()
    order = store.shop.orders[from_the_future]
    order["date_modified"], order["date_modified_gmt"] = "2038-01-19T07:14:07", "2038-01-19T03:14:07"
    first = await store.swept()
    store.passes(minutes=5)
    placed = store.places()

    assert order_ids(first) == [from_the_future]
    assert order_ids(await store.swept()) == [placed]


async def test_an_order_that_cannot_be_read_is_not_asked_for_at_every_sweep(store: Store) -> None:
    order = store.places()
    store.shop.orders[order]["currency"] = "lari"

    first = await store.swept()
    later = [await store.swept() for _ in range(3)]
    store.changes(order, status="completed")
    store.shop.orders[order]["currency"] = "GEL"

    assert [type(event) for event in first] == [OrderUnreadable, DeadLettered]
    assert later == [[], [], []]
    assert order_ids(await store.swept()) == [order]


async def test_an_unavailable_shop_is_swept_at_the_next_turn(store: Store) -> None:
    order = store.places()
    store.trouble("outage", LISTED)
    with pytest.raises(UpstreamError):
        await store.sweep.once()
    store.faults.clear()

    assert order_ids(await store.swept()) == [order]


@pytest.mark.claim("K4")
@pytest.mark.usefixtures("_short_pages")
@pytest.mark.parametrize(
    ("zone", "minutes"),
    [
        ("Asia/Tbilisi", 0.0),
        ("Asia/Tbilisi", -10.0),
        ("Atlantic/Azores", 10.0),
        ("America/New_York", -10.0),
        ("America/New_York", 10.0),
    ],
)
async def test_every_order_is_found_whatever_the_clock_and_zone_of_the_shop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, zone: str, minutes: float
) -> None:
    """Over the hour that New York has twice, with pages that fail; the first order comes right after first contact."""
    monkeypatch.setattr(values, "STORE_ZONE", ZoneInfo(zone))
    async with open_store(tmp_path, minutes=minutes) as store:
        store.passes(days=-20, hours=-3)
        await store.swept()
        placed, stated = [], []
        broken = store.trouble("status", LISTED, status=503, probability=0.3)
        for _ in range(5):
            placed += [store.places() for _ in range(3)]
            store.passes(minutes=20)
            with suppress(Unavailable):
                stated += await store.swept()
        store.faults.clear(broken)
        stated += await store.swept()

    assert sorted(order_ids(stated)) == placed


async def test_after_a_rebuild_the_sweep_goes_on_before_the_newest_order_known(store: Store, tmp_path: Path) -> None:
    known = store.places()
    await store.swept()
    unserved = store.places()
    store.passes(hours=5)
    records = await store.ledger.records()
    async with reading(NAME, handlers([MAIN]), tmp_path / "new", store.clock) as engine:
        await engine.take(records)
        await engine.finish_catch_up()
        store.engine, store.ledger = engine, Ledger(engine)
        stated = await store.swept()

    assert order_ids(stated) == [unserved]
    assert store.reads(known) == 2


async def test_the_cursor_never_goes_back(store: Store) -> None:
    for _ in range(3):
        store.places()
    await store.swept()
    before = await sweep_position(store)
    store.shop.orders.popitem()

    await store.swept()

    assert await sweep_position(store) == before


async def test_each_shop_has_a_cursor_of_its_own(store: Store, tmp_path: Path) -> None:
    store.places()
    await store.swept()
    async with opened(NAME, handlers([MAIN, "second"]), tmp_path / "second", store.clock) as engine:
        await OrderSweep(engine, "second", store.woocommerce, store.schedule).once()
        async with engine.work() as work:
            assert (await work.get_many(SWEPT, [MAIN, "second"])).keys() == {"second"}
