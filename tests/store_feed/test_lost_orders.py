"""Kafka came back without orders that had been stated: the feed states them again, in versions that go on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest

from contracts.shop import OrderChanged, RefundIssued
from services.engine.kafka.record import Record
from services.engine.state.files import database_path, set_aside
from services.store_feed.handlers import handlers
from services.store_feed.lost_orders import LostOrderSearch
from services.store_feed.records import NAME
from tests.store_feed.shop_bench import MAIN, Store, order_ids
from tests.support.engine_bench import Ledger, reading

pytestmark = pytest.mark.claim("K32")
Kept = Callable[[Sequence[Record]], Sequence[Record]]
MONTH = 31


@asynccontextmanager
async def rebuilt(store: Store, records: Sequence[Record]) -> AsyncIterator[Store]:
    """The feed after its topics have lost records: the old state is set aside, a new one is filled from the rest."""
    await store.engine.database.close()
    set_aside(database_path(store.directory, NAME), "outdated", "a test", store.clock())
    async with reading(NAME, handlers([MAIN]), store.directory, store.clock) as engine:
        lost = LostOrderSearch(store.directory)
        await lost.keep_cursors(engine)
        await engine.take(records)
        await engine.finish_catch_up()
        await lost.read_lost_orders(engine)
        store.engine, store.ledger = engine, Ledger(engine)
        yield store


def nothing_left(_: Sequence[Record]) -> Sequence[Record]:
    """The topics were made again."""
    return []


def an_older_copy(records: Sequence[Record]) -> Sequence[Record]:
    """Only what was written first is there."""
    return records[:2]


def the_newest_alone(records: Sequence[Record]) -> Sequence[Record]:
    """One of several partitions was lost; another is whole, up to the newest order."""
    return records[-1:]


@pytest.mark.parametrize("left", [nothing_left, an_older_copy, the_newest_alone])
async def test_what_the_topics_lack_is_stated_again_however_old_it_is(store: Store, left: Kept) -> None:
    # given orders that were stated, long before the topics lost them
    placed = [store.places() for _ in range(5)]
    await store.swept()
    records = [record for record in await store.ledger.records() if record.topic == OrderChanged.TOPIC]
    store.passes(days=MONTH)
    # when the feed has read what is left
    kept = left(records)
    async with rebuilt(store, kept) as again:
        stated = await again.looks()
        # then it states what is missing, and only that
        there = [order for order, record in zip(placed, records, strict=True) if record in kept]
        assert sorted(order_ids(stated)) == sorted(set(placed) - set(there))
        # and the sweep finds what came meanwhile
        late = again.places()
        assert order_ids(await again.swept()) == [late]


async def test_an_order_that_is_there_in_an_older_version_is_stated_in_a_newer_one(store: Store) -> None:
    order = store.places()
    await store.swept()
    store.changes(order, status="completed")
    await store.swept()
    records = [record for record in await store.ledger.records() if record.topic == OrderChanged.TOPIC]
    async with rebuilt(store, records[:1]) as again:
        await again.looks_once()
        again.ledger.seen = 0
        (published,) = [one for one in await again.ledger.envelopes() if isinstance(one.data, OrderChanged)]
    assert (published.sequence, published.data.status) == (2, "completed")


async def test_lost_refunds_are_stated_again_with_their_order_left_alone(store: Store) -> None:
    order = store.places()
    refund = store.refunds(order, "2.00")
    await store.swept()
    kept = [record for record in await store.ledger.records() if record.topic != RefundIssued.TOPIC]
    async with rebuilt(store, kept) as again:
        stated = await again.looks()
    assert [one.refund_id for one in stated if isinstance(one, RefundIssued)] == [refund]
    assert order_ids(stated) == []


async def test_orders_placed_between_the_last_sweep_and_the_loss_are_found(store: Store) -> None:
    store.passes(hours=5)
    late = store.places()
    store.passes(hours=5)
    async with rebuilt(store, []) as again:
        assert order_ids(await again.swept()) == [late]


async def test_a_database_is_compared_once(store: Store) -> None:
    store.places()
    await store.swept()
    async with rebuilt(store, []) as again:
        await again.looks()
        await LostOrderSearch(again.directory).read_lost_orders(again.engine)
        assert await again.looks() == []
