"""Everyday changes in a shop do not block it; an older copy at the same address does."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from contracts.shop import OrderRemoved
from services.engine.outbox.outcome import Retry
from services.sandbox.faults import InjectedFault
from services.sandbox.woocommerce.shop import SandboxApiKey
from services.store_feed.identity import KNOWN_ORDER
from tests.identity.sample_shops import HOME, LIVE, Site, StoreFeedBench, copy_of, open_store_feed, site

pytestmark = pytest.mark.claim("K31", "K20")


@pytest_asyncio.fixture(name="feed")
async def _feed(tmp_path: Path) -> AsyncIterator[StoreFeedBench]:
    async with open_store_feed(tmp_path) as made:
        yield made


async def check_shop(feed: StoreFeedBench, at: Site) -> Retry | None:
    """Check the shop, some time after the last check."""
    feed.clock.forward(minutes=11)
    return await (await feed.registrar(at, flows=LIVE)).shut()


async def test_an_abandoned_checkout_deleted_by_woocommerce_does_not_block_the_shop(feed: StoreFeedBench) -> None:
    ours = site(HOME, feed.clock)
    ours.sell()
    assert await check_shop(feed, ours) is None
    draft = ours.draft()
    assert await check_shop(feed, ours) is None
    feed.clock.forward(hours=25)
    ours.purge(draft)
    assert await check_shop(feed, ours) is None
    ours.sell()
    assert await check_shop(feed, ours) is None
    assert await feed.reports() == []


def delete_unpaid(shop: Site) -> None:
    """WooCommerce cancels, trashes and deletes delete_unpaid orders by its own settings."""
    for status in ("pending", "cancelled", "failed", "pending"):
        shop.purge(shop.draft(status))


def delete_newest(count: int) -> Callable[[Site], None]:
    """A person deletes the newest orders."""
    return lambda shop: shop.purge(*sorted(shop.shop.orders)[-count:])


def trash_all(shop: Site) -> None:
    """A person moves all orders to the trash."""
    for order in shop.shop.orders.values():
        order["status"] = "trash"


def delete_all_and_sell(shop: Site) -> None:
    """All test orders are deleted before the shop opens; then the first customer buys."""
    shop.purge(*list(shop.shop.orders))
    shop.sell()


def edit_dates(shop: Site) -> None:
    """A person corrects the date of every order."""
    for order in shop.shop.orders.values():
        order["date_created_gmt"] = "2026-01-01T00:00:00"


def delete_old(shop: Site) -> None:
    """Orders of former years are deleted; the newest are kept."""
    shop.purge(*sorted(shop.shop.orders)[:-1])


def open_many_drafts(shop: Site) -> None:
    """A bot opens the checkout a hundred times."""
    for _ in range(100):
        shop.draft()


ORDINARY: list[tuple[str, Callable[[Site], None]]] = [
    ("drafts of WooCommerce's order screen", lambda shop: shop.purge(shop.draft("auto-draft"))),
    ("delete_unpaid orders are deleted on schedule", delete_unpaid),
    ("the newest order is deleted", delete_newest(1)),
    ("the two newest orders are deleted", delete_newest(2)),
    ("all orders lie in the trash", trash_all),
    ("test orders are deleted, then the shop sells", delete_all_and_sell),
    ("old orders are deleted", delete_old),
    ("orders get other dates", edit_dates),
    ("a hundred checkouts are abandoned", open_many_drafts),
]


@pytest.mark.parametrize(("_", "happens"), ORDINARY, ids=[one[0] for one in ORDINARY])
async def test_everyday_changes_of_orders_do_not_block_the_shop(
    feed: StoreFeedBench, _: str, happens: Callable[[Site], None]
) -> None:
    ours = site(HOME, feed.clock)
    for _ in range(6):
        ours.sell()
    assert await check_shop(feed, ours) is None
    happens(ours)
    for _ in range(3):
        assert await check_shop(feed, ours) is None
    assert await feed.reports() == []


def sell_in_copy(older: Site) -> None:
    """The copy sells and reuses order numbers."""
    older.sell()
    older.sell()


OLDER: list[tuple[str, int, Callable[[Site], None]]] = [
    ("a backup of some orders ago", 3, lambda _: None),
    ("a backup of a month ago", 40, lambda _: None),
    ("a backup that has sold since, under the same numbers", 2, sell_in_copy),
    ("a backup of a month ago that has sold since", 40, sell_in_copy),
]


@pytest.mark.parametrize(("_", "lost", "then"), OLDER, ids=[one[0] for one in OLDER])
async def test_an_older_copy_at_the_same_address_is_blocked(
    feed: StoreFeedBench, _: str, lost: int, then: Callable[[Site], None]
) -> None:
    ours = site(HOME, feed.clock)
    ours.sell()
    assert await check_shop(feed, ours) is None
    older = copy_of(ours, feed.clock, home=HOME)
    for _ in range(lost):
        feed.clock.forward(hours=1)
        ours.sell()
    assert await check_shop(feed, ours) is None
    feed.clock.forward(hours=1)
    then(older)
    blocked = await check_shop(feed, older)
    assert isinstance(blocked, Retry)
    assert "an older copy?" in blocked.why
    assert len(await feed.reports()) == 1


async def test_after_a_rebuild_an_older_copy_is_recognized_by_the_published_orders(feed: StoreFeedBench) -> None:
    ours = site(HOME, feed.clock)
    older = copy_of(ours, feed.clock, home=HOME)
    assert await check_shop(feed, ours) is None
    for _ in range(4):
        await feed.publish_order(ours)
    assert isinstance(await check_shop(feed, older), Retry)
    assert await check_shop(feed, ours) is None


async def test_orders_known_to_be_deleted_by_the_shop_are_no_evidence(feed: StoreFeedBench) -> None:
    ours = site(HOME, feed.clock)
    ours.sell()
    numbers = [await feed.publish_order(ours) for _ in range(4)]
    assert await check_shop(feed, ours) is None
    ours.purge(*numbers)
    async with feed.engine.work() as work:
        gone = [OrderRemoved(shop="main", order_id=number, observed_at=feed.clock.at) for number in numbers]
        await work.announce([(event, None) for event in gone])
    assert await check_shop(feed, ours) is None


# ── a block ends when its cause is gone ──────────────────────────────────────────────────────────────────────────────


async def test_a_block_ends_when_the_settings_point_to_the_shop_again(feed: StoreFeedBench) -> None:
    ours = site(HOME, feed.clock)
    ours.sell()
    assert await check_shop(feed, ours) is None
    assert isinstance(await check_shop(feed, copy_of(ours, feed.clock)), Retry)
    await feed.recorded_identities()
    assert await check_shop(feed, ours) is None
    [known] = await feed.recorded_identities()
    assert (known.how, known.why) == ("first-contact", "there are no differences any more")


async def test_a_block_over_deleted_orders_ends_with_the_next_order(feed: StoreFeedBench) -> None:
    ours = site(HOME, feed.clock)
    for _ in range(6):
        ours.sell()
    guard = await feed.registrar(ours, flows=LIVE)
    assert await guard.shut() is None
    delete_newest(4)(ours)
    feed.clock.forward(minutes=11)
    assert isinstance(await guard.shut(), Retry)
    # and within a minute of a new order
    ours.sell()
    feed.clock.forward(seconds=61)
    assert await guard.shut() is None
    assert await guard.shut() is None
    assert len(await feed.recorded_identities()) == 2


async def test_an_accepted_older_copy_is_not_blocked_again(feed: StoreFeedBench) -> None:
    ours = site(HOME, feed.clock)
    older = copy_of(ours, feed.clock, home=HOME)
    for _ in range(4):
        ours.sell()
    assert await check_shop(feed, ours) is None
    assert isinstance(await check_shop(feed, older), Retry)
    await feed.accept(older, why="a backup was restored")
    for _ in range(3):
        assert await check_shop(feed, older) is None
        older.sell()


# ── keys, marks and addresses ────────────────────────────────────────────────────────────────────────────────────────


async def test_a_rotated_key_is_accepted(feed: StoreFeedBench) -> None:
    ours = site(HOME, feed.clock, SandboxApiKey("ck_new", "cs_new"))
    assert await check_shop(feed, ours) is None
    [known] = await feed.recorded_identities()
    for _ in range(3):
        feed.clock.forward(minutes=11)
        assert await (await feed.registrar(ours, flows=LIVE, key="ck_new")).shut() is None
    [now] = await feed.recorded_identities()
    assert (now.marker, now.why, now.key_mark == known.key_mark) == (known.marker, "the REST key is another one", False)


async def test_a_deleted_mark_is_restored(feed: StoreFeedBench) -> None:
    ours = site(HOME, feed.clock)
    assert await check_shop(feed, ours) is None
    ours.shop.webhooks.clear()
    for _ in range(3):
        assert await check_shop(feed, ours) is None
    first, again = await feed.recorded_identities()
    assert (first.marker, ours.marks()) == (again.marker, [f"Davtari identity {again.marker}"])


async def test_a_second_mark_of_another_installation_is_no_evidence(feed: StoreFeedBench) -> None:
    ours = site(HOME, feed.clock)
    await (await feed.client(ours, await feed.settings())).create_marker("Davtari identity of-another")
    ours.shop.webhooks.clear()
    assert await check_shop(feed, ours) is None
    [known] = await feed.recorded_identities()
    hooks = list(ours.shop.webhooks.items())
    ours.shop.webhooks.clear()
    await (await feed.client(ours, await feed.settings())).create_marker("Davtari identity of-another")
    ours.shop.webhooks |= {number + 100: hook for number, hook in hooks}
    assert await check_shop(feed, ours) is None
    assert await feed.recorded_identities() == []
    assert f"Davtari identity {known.marker}" in ours.marks()


SPELLINGS = ["https://Shop.test/", "http://shop.test", "https://www.shop.test", "https://shop.test:443/"]


@pytest.mark.parametrize("url", SPELLINGS)
async def test_another_spelling_of_the_address_is_no_evidence(feed: StoreFeedBench, url: str) -> None:
    ours = site(HOME, feed.clock)
    assert await (await feed.registrar(ours)).shut() is None
    assert await (await feed.registrar(ours, url=url)).shut() is None


async def test_an_answer_of_a_proxy_before_the_shop_is_waited_for(feed: StoreFeedBench) -> None:
    ours = site(HOME, feed.clock)
    assert await check_shop(feed, ours) is None
    foreign = {"kind": "status", "match": "GET /wp-json/$", "status": 200, "body": '{"message": "Checking you"}'}
    ours.faults.add(InjectedFault.model_validate({**foreign, "times": 1}))
    assert isinstance(await check_shop(feed, ours), Retry)
    assert (await feed.reports(), await check_shop(feed, ours)) == ([], None)


async def test_a_clock_set_back_does_not_delay_the_next_check(feed: StoreFeedBench) -> None:
    ours = site(HOME, feed.clock)
    guard = await feed.registrar(ours, flows=LIVE)
    assert await guard.shut() is None
    asked = ours.requests()
    feed.clock.forward(days=-3)
    assert await guard.shut() is None
    assert ours.requests() > asked


async def test_orders_of_a_shop_are_stored_once(feed: StoreFeedBench) -> None:
    ours = site(HOME, feed.clock)
    for _ in range(15):
        ours.sell()
    for _ in range(2):
        assert await check_shop(feed, ours) is None
    async with feed.engine.work() as work:
        kept = (await work.find_many(KNOWN_ORDER, ["main"]))["main"]
    assert sorted(one.order for one in kept.values()) == sorted(ours.shop.orders)[-10:]
    assert [one.how for one in await feed.recorded_identities()] == ["first-contact"]
