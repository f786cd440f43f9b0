"""An order read alone is believed only if it is not older than what the shop has shown of it (claim K28)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from contracts.identity import ShopIdentified
from contracts.model import Event
from contracts.operations import DeadLettered, DeadLetterSettled
from contracts.shop import OrderChanged, OrderUnreadable, RefundIssued
from services.store_feed.records import CLOCK_TOLERANCE, OrderState, compare_states, newest_state
from tests.store_feed.shop_bench import HOOK, MAIN, Store, intake
from tests.support.engine_bench import Clock

pytestmark = pytest.mark.claim("K28")
NOW = Clock()()
ALONE = r"GET .*/orders/\d+$"


def statuses(events: list[Event]) -> list[str]:
    """The statuses stated, in order."""
    return [event.status for event in events if isinstance(event, OrderChanged)]


def cached(store: Store, order: int, past: str = "nothing", match: str = ALONE) -> int:
    """A cache answers reads of single orders from now on, and has this one already; gives the fault."""
    return store.trouble("cache", match, past=past)


async def pending(store: Store, past: str = "nothing") -> tuple[int, int]:
    """An order that was read as pending, by way of a cache that keeps it so."""
    order = store.places(status="pending")
    fault = cached(store, order, past)
    assert statuses(await store.swept()) == ["pending"]
    return order, fault


@pytest.mark.parametrize("past", ["query", "header"])
async def test_a_cache_that_can_be_passed_changes_nothing(store: Store, past: str) -> None:
    order, _ = await pending(store, past)
    store.changes(order, status="completed")

    assert statuses(await store.swept()) == ["completed"]


async def test_a_read_older_than_the_list_is_reported_once_and_published_when_true(store: Store) -> None:
    order, fault = await pending(store)
    store.changes(order, status="completed")

    first = await store.swept()
    later = []
    for minutes in (1, 1, 2, 4, 8):
        store.passes(minutes=minutes)
        later += await store.swept()
    reads = store.reads(order)
    store.faults.clear(fault)
    store.passes(minutes=20)
    afterwards = await store.looks()

    assert [type(event) for event in first] == [OrderUnreadable, DeadLettered]
    assert isinstance(first[1], DeadLettered)
    assert (first[1].reason, first[1].original_key) == ("shop.order-outdated", f"{MAIN}:{order}")
    assert f"order {order}: the single order was last changed on 21 Nov 2026 12:30:01 +04" in first[1].detail
    assert "a change on 21 Nov 2026 12:30:02 +04. Cache headers of the answer: X-Cache HIT" in first[1].detail
    assert later == []
    assert reads > 8
    assert [type(event) for event in afterwards] == [OrderChanged, DeadLetterSettled]
    assert statuses(afterwards) == ["completed"]


async def test_pauses_between_reads_grow_up_to_an_hour(store: Store) -> None:
    order, _ = await pending(store)
    store.changes(order, status="completed")
    await store.swept()
    before = store.reads(order)
    for _ in range(24 * 60):
        store.passes(minutes=1)
        await store.looks()

    assert (store.reads(order) - before) / 3 == pytest.approx(24 + 6, abs=2)


async def test_the_list_reserves_stock_while_the_single_read_is_outdated(store: Store) -> None:
    order, _ = await pending(store)
    store.changes(order, status="processing")

    doubt, _ = await store.swept()

    assert isinstance(doubt, OrderUnreadable)
    assert (doubt.status, [(line.product_id, line.quantity) for line in doubt.lines]) == ("processing", [(10, 1)])


async def test_a_webhook_that_shows_a_newer_state_than_the_read_is_evidence_too(store: Store) -> None:
    taken = intake(store.engine)
    store.subscribes()
    order, fault = await pending(store)
    await store.delivers(taken.receiver)
    await taken.hints(store.engine)
    await store.looks()
    store.changes(order, status="completed")

    await store.delivers(taken.receiver)
    await taken.hints(store.engine)
    first = await store.looks()
    store.faults.clear(fault)
    store.passes(minutes=2)

    assert [event.reason for event in first if isinstance(event, DeadLettered)] == ["shop.order-outdated"]
    assert statuses(await store.looks()) == ["completed"]


async def test_a_webhook_of_a_copy_of_the_shop_is_no_evidence(store: Store) -> None:
    """It has our secret and our order numbers; its source distinguishes it, and the order is only read."""
    taken = intake(store.engine)
    order = store.places()
    await store.swept()
    known = {"shop": MAIN, "url": "shop.test", "home": "shop.test", "key_mark": "k", "how": "first-contact"}
    async with store.engine.work() as work:
        await work.announce([(ShopIdentified.model_validate({**known, "at": store.clock()}), None)])
    await store.ledger.news()
    store.subscribes(HOOK)
    ours = dict(store.shop.orders[order])
    store.changes(order, status="completed")
    store.shop.home_url = "https://copy.test"
    await store.delivers(taken.receiver)
    store.shop.orders[order] = ours
    before = store.reads(order)

    await taken.hints(store.engine)

    assert await store.looks() == []
    assert store.reads(order) == before + 1


async def test_a_list_older_than_what_was_read_takes_nothing_back(store: Store) -> None:
    order = store.places(status="pending")
    store.trouble("cache", "GET .*/orders$", past="nothing")
    await store.swept()
    store.changes(order, status="completed")
    reported = await store.hinted(order)

    again = [await store.swept() for _ in range(3)]

    assert statuses(reported) == ["completed"]
    assert again == [[], [], []]


async def test_a_read_older_than_an_earlier_read_is_not_stated(store: Store) -> None:
    """Whoever asks: here a person pushes, and no list shows anything."""
    order = store.places(status="pending")
    fault = store.trouble("cache", ALONE, past="nothing")
    await store.hinted(order)
    store.faults.clear(fault)
    store.changes(order, status="completed")
    assert statuses(await store.hinted(order)) == ["completed"]
    earlier = dict(store.shop.orders[order])
    store.shop.orders[order] |= {"status": "pending", "date_modified_gmt": earlier["date_created_gmt"]}

    doubt, dead_letter = await store.hinted(order)
    store.shop.orders[order] = earlier
    store.passes(minutes=2)
    stated = await store.looks()

    assert isinstance(doubt, OrderUnreadable)
    assert isinstance(dead_letter, DeadLettered)
    assert statuses(stated) == ["completed"]
    assert [event.how for event in stated if isinstance(event, DeadLetterSettled)] == ["overtaken"]


@pytest.mark.parametrize("listed", ["new", "cached"])
async def test_another_state_within_one_second_counts_when_the_list_shows_it_too(store: Store, listed: str) -> None:
    order = store.places(status="pending")
    fault = store.trouble("cache", "GET .*/orders$", past="nothing") if listed == "cached" else 0
    await store.swept()
    store.shop.orders[order]["status"] = "processing"

    first = await store.hinted(order)
    store.faults.clear(fault)
    store.passes(minutes=2)
    later = await store.looks()

    assert statuses(first) == (["processing"] if listed == "new" else [])
    assert statuses(later) == ([] if listed == "new" else ["processing"])


async def test_within_one_second_the_list_is_believed_rather_than_a_cached_read(store: Store) -> None:
    order, fault = await pending(store)
    store.shop.orders[order]["status"] = "processing"

    first = await store.swept()
    store.faults.clear(fault)
    store.passes(minutes=2)

    assert [type(event) for event in first] == [OrderUnreadable, DeadLettered]
    assert statuses(await store.looks()) == ["processing"]


async def test_a_refund_that_only_the_list_shows_within_one_second_is_not_lost(store: Store) -> None:
    order = store.places()
    fault = store.trouble("cache", ALONE, past="nothing")
    await store.swept()
    refund = store.refunds(order, "5.00", after=0)
    store.shop.orders[order]["date_modified_gmt"] = store.shop.orders[order]["date_created_gmt"]

    await store.swept()
    store.faults.clear(fault)
    store.passes(minutes=2)

    assert [e.refund_id for e in await store.looks() if isinstance(e, RefundIssued)] == [refund]


async def test_a_shop_restored_from_a_backup_is_believed_once_a_person_accepts_it(store: Store) -> None:
    order = store.places(status="pending")
    await store.swept()
    backup = dict(store.shop.orders[order])
    store.changes(order, status="completed")
    await store.swept()
    store.shop.orders[order] = backup
    doubted = await store.hinted(order)
    known = {"shop": MAIN, "url": "shop.test", "home": "shop.test", "key_mark": "k", "how": "accepted"}

    store.passes(seconds=1)
    async with store.engine.work() as work:
        await work.announce([(ShopIdentified.model_validate({**known, "at": store.clock()}), None)])
    stated = await store.looks()

    assert [type(event) for event in doubted] == [OrderUnreadable, DeadLettered]
    assert statuses(stated) == ["pending"]
    assert [event.how for event in stated if isinstance(event, DeadLetterSettled)] == ["overtaken"]


def shown(seconds: int, content: str = "", seen: int = 0) -> OrderState:
    """A state so many seconds after now, seen so many seconds after now."""
    at = NOW + timedelta(seconds=seconds)
    return OrderState(modified_at=at, content=content, seen_at=NOW + timedelta(seconds=seen))


@pytest.mark.parametrize(
    ("answer", "known", "verdict"),
    [
        (shown(0), None, "current"),
        (shown(1), shown(0), "current"),
        (shown(0), shown(1), "older"),
        (shown(0, "a"), shown(0, "a"), "current"),
        (shown(0, "a"), shown(0, "b"), "unclear"),
        (shown(0), shown(0, "b"), "current"),
        (shown(0, "a"), shown(0), "current"),
    ],
)
def test_when_an_answer_can_be_the_present_state(answer: OrderState, known: OrderState | None, verdict: str) -> None:
    assert compare_states(answer, known) == verdict


BEYOND = int(CLOCK_TOLERANCE.total_seconds()) + 1


@pytest.mark.parametrize(
    ("candidates", "since", "found"),
    [
        ([], None, None),
        ([shown(1), shown(2), shown(0)], None, shown(2)),
        ([shown(1), shown(BEYOND)], None, shown(1)),
        ([shown(-BEYOND, seen=-9 * BEYOND), shown(-9 * BEYOND)], None, shown(-9 * BEYOND)),
        ([shown(1, "a", seen=3), shown(1, seen=9)], None, shown(1, "a", seen=3)),
        ([shown(1, "a", seen=3), shown(1, "b", seen=4)], None, shown(1, "b", seen=4)),
        ([shown(5, seen=1), shown(1, seen=3)], 2, shown(1, seen=3)),
        ([OrderState(modified_at=NOW)], 2, None),
    ],
)
def test_which_state_counts_as_the_newest_shown(
    candidates: list[OrderState], since: int | None, found: OrderState | None
) -> None:
    after = None if since is None else NOW + timedelta(seconds=since)
    assert newest_state(candidates, after, NOW) == found
