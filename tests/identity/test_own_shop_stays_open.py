"""What the people of a shop do every day makes no other shop of it; an older copy at the same address is one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from contracts.shop import OrderRemoved
from services.connectors.woocommerce.order import order_changed
from services.engine.outbox.outcome import Retry
from services.sandbox.faults import InjectedFault
from services.sandbox.woocommerce.orders import Orders
from services.sandbox.woocommerce.shop import SandboxApiKey
from services.store_feed.identity import KNOWN_ORDER
from tests.identity.shop_seen import HOME, LIVE, Post, Site, copy_of, post, site

pytestmark = pytest.mark.claim("K31", "K20")


@pytest_asyncio.fixture(name="feed")
async def _feed(tmp_path: Path) -> AsyncIterator[Post]:
    async with post(tmp_path) as made:
        yield made


async def looked(feed: Post, at: Site) -> Retry | None:
    """A look at the shop, some time after the last one."""
    feed.clock.forward(minutes=11)
    return await (await feed.registrar(at, flows=LIVE)).shut()


async def stated(feed: Post, at: Site) -> int:
    """An order that store-feed has read and stated; its number."""
    number = at.sells()
    order = order_changed("main", Orders(at.shop).read(number))
    async with feed.engine.work() as work:
        await work.announce([(order, None)])
    return number


async def test_an_abandoned_checkout_that_woocommerce_deletes_a_day_later(feed: Post) -> None:
    ours = site(HOME, feed.clock)
    ours.sells()
    assert await looked(feed, ours) is None
    draft = ours.draft()
    assert await looked(feed, ours) is None
    feed.clock.forward(hours=25)
    ours.purged(draft)
    assert await looked(feed, ours) is None
    ours.sells()
    assert await looked(feed, ours) is None
    assert await feed.strange() == []


def unpaid(shop: Site) -> None:
    """Unpaid orders that WooCommerce cancels, trashes and deletes by its own settings."""
    for status in ("pending", "cancelled", "failed", "pending"):
        shop.purged(shop.draft(status))


def deleted(count: int) -> Callable[[Site], None]:
    """Somebody deletes the newest orders."""
    return lambda shop: shop.purged(*sorted(shop.shop.orders)[-count:])


def trashed(shop: Site) -> None:
    """Somebody moves all orders to the trash."""
    for order in shop.shop.orders.values():
        order["status"] = "trash"


def deleted_and_sold_again(shop: Site) -> None:
    """All test orders are deleted before the shop opens; then the first customer buys."""
    shop.purged(*list(shop.shop.orders))
    shop.sells()


def edited(shop: Site) -> None:
    """Somebody corrects the date of every order."""
    for order in shop.shop.orders.values():
        order["date_created_gmt"] = "2026-01-01T00:00:00"


def cleaned_up(shop: Site) -> None:
    """Orders of former years are deleted; the newest stay."""
    shop.purged(*sorted(shop.shop.orders)[:-1])


def many_drafts(shop: Site) -> None:
    """A bot opens the checkout a hundred times."""
    for _ in range(100):
        shop.draft()


ORDINARY: list[tuple[str, Callable[[Site], None]]] = [
    ("drafts of WooCommerce's order screen", lambda shop: shop.purged(shop.draft("auto-draft"))),
    ("unpaid orders are deleted on schedule", unpaid),
    ("the newest order is deleted", deleted(1)),
    ("the two newest orders are deleted", deleted(2)),
    ("all orders lie in the trash", trashed),
    ("test orders are deleted, then the shop sells", deleted_and_sold_again),
    ("old orders are deleted", cleaned_up),
    ("orders get other dates", edited),
    ("a hundred checkouts are abandoned", many_drafts),
]


@pytest.mark.parametrize(("_", "happens"), ORDINARY, ids=[one[0] for one in ORDINARY])
async def test_what_happens_to_orders_every_day(feed: Post, _: str, happens: Callable[[Site], None]) -> None:
    ours = site(HOME, feed.clock)
    for _ in range(6):
        ours.sells()
    assert await looked(feed, ours) is None
    happens(ours)
    for _ in range(3):
        assert await looked(feed, ours) is None
    assert await feed.strange() == []


def goes_on(older: Site) -> None:
    """The copy sells, and gives numbers a second time."""
    older.sells()
    older.sells()


OLDER: list[tuple[str, int, Callable[[Site], None]]] = [
    ("a backup of some orders ago", 3, lambda _: None),
    ("a backup of a month ago", 40, lambda _: None),
    ("a backup that has sold since, under the same numbers", 2, goes_on),
    ("a backup of a month ago that has sold since", 40, goes_on),
]


@pytest.mark.parametrize(("_", "lost", "then"), OLDER, ids=[one[0] for one in OLDER])
async def test_an_older_copy_at_the_same_address_is_blocked(
    feed: Post, _: str, lost: int, then: Callable[[Site], None]
) -> None:
    ours = site(HOME, feed.clock)
    ours.sells()
    assert await looked(feed, ours) is None
    older = copy_of(ours, feed.clock, home=HOME)
    for _ in range(lost):
        feed.clock.forward(hours=1)
        ours.sells()
    assert await looked(feed, ours) is None
    feed.clock.forward(hours=1)
    then(older)
    blocked = await looked(feed, older)
    assert isinstance(blocked, Retry)
    assert "an older copy?" in blocked.why
    assert len(await feed.strange()) == 1


async def test_after_a_rebuild_an_older_copy_is_known_by_the_orders_that_were_stated(feed: Post) -> None:
    ours = site(HOME, feed.clock)
    older = copy_of(ours, feed.clock, home=HOME)
    assert await looked(feed, ours) is None
    for _ in range(4):
        await stated(feed, ours)
    assert isinstance(await looked(feed, older), Retry)
    assert await looked(feed, ours) is None


async def test_orders_that_the_shop_was_seen_to_delete_are_no_evidence(feed: Post) -> None:
    ours = site(HOME, feed.clock)
    ours.sells()
    numbers = [await stated(feed, ours) for _ in range(4)]
    assert await looked(feed, ours) is None
    ours.purged(*numbers)
    async with feed.engine.work() as work:
        gone = [OrderRemoved(shop="main", order_id=number, observed_at=feed.clock.at) for number in numbers]
        await work.announce([(event, None) for event in gone])
    assert await looked(feed, ours) is None


# ── a block ends when its cause is gone ──────────────────────────────────────────────────────────────────────────────


async def test_a_block_ends_when_the_settings_lead_to_the_shop_again(feed: Post) -> None:
    ours = site(HOME, feed.clock)
    ours.sells()
    assert await looked(feed, ours) is None
    assert isinstance(await looked(feed, copy_of(ours, feed.clock)), Retry)
    await feed.known()
    assert await looked(feed, ours) is None
    [known] = await feed.known()
    assert (known.how, known.why) == ("first-contact", "there are no differences any more")


async def test_a_block_over_deleted_orders_ends_with_the_next_order(feed: Post) -> None:
    ours = site(HOME, feed.clock)
    for _ in range(6):
        ours.sells()
    guard = await feed.registrar(ours, flows=LIVE)
    assert await guard.shut() is None
    deleted(4)(ours)
    feed.clock.forward(minutes=11)
    assert isinstance(await guard.shut(), Retry)
    # and when somebody buys, within a minute
    ours.sells()
    feed.clock.forward(seconds=61)
    assert await guard.shut() is None
    assert await guard.shut() is None
    assert len(await feed.known()) == 2


async def test_an_accepted_older_copy_stays_open(feed: Post) -> None:
    ours = site(HOME, feed.clock)
    older = copy_of(ours, feed.clock, home=HOME)
    for _ in range(4):
        ours.sells()
    assert await looked(feed, ours) is None
    assert isinstance(await looked(feed, older), Retry)
    await feed.accepts(older, why="a backup was restored")
    for _ in range(3):
        assert await looked(feed, older) is None
        older.sells()


# ── keys, marks and addresses ────────────────────────────────────────────────────────────────────────────────────────


async def test_a_rotated_key_is_followed(feed: Post) -> None:
    ours = site(HOME, feed.clock, SandboxApiKey("ck_new", "cs_new"))
    assert await looked(feed, ours) is None
    [known] = await feed.known()
    for _ in range(3):
        feed.clock.forward(minutes=11)
        assert await (await feed.registrar(ours, flows=LIVE, key="ck_new")).shut() is None
    [now] = await feed.known()
    assert (now.marker, now.why, now.key_mark == known.key_mark) == (known.marker, "the REST key is another one", False)


async def test_a_mark_that_somebody_deleted_is_put_back(feed: Post) -> None:
    ours = site(HOME, feed.clock)
    assert await looked(feed, ours) is None
    ours.shop.webhooks.clear()
    for _ in range(3):
        assert await looked(feed, ours) is None
    first, again = await feed.known()
    assert (first.marker, ours.marks()) == (again.marker, [f"Davtari identity {again.marker}"])


async def test_a_mark_of_another_installation_beside_ours_is_no_sign(feed: Post) -> None:
    ours = site(HOME, feed.clock)
    await (await feed.client(ours, await feed.settings())).create_marker("Davtari identity of-another")
    ours.shop.webhooks.clear()
    assert await looked(feed, ours) is None
    [known] = await feed.known()
    hooks = list(ours.shop.webhooks.items())
    ours.shop.webhooks.clear()
    await (await feed.client(ours, await feed.settings())).create_marker("Davtari identity of-another")
    ours.shop.webhooks |= {number + 100: hook for number, hook in hooks}
    assert await looked(feed, ours) is None
    assert await feed.known() == []
    assert f"Davtari identity {known.marker}" in ours.marks()


SPELLINGS = ["https://Shop.test/", "http://shop.test", "https://www.shop.test", "https://shop.test:443/"]


@pytest.mark.parametrize("url", SPELLINGS)
async def test_another_spelling_of_the_address_is_no_sign(feed: Post, url: str) -> None:
    ours = site(HOME, feed.clock)
    assert await (await feed.registrar(ours)).shut() is None
    assert await (await feed.registrar(ours, url=url)).shut() is None


async def test_what_stands_before_the_shop_and_answers_itself_is_waited_for(feed: Post) -> None:
    ours = site(HOME, feed.clock)
    assert await looked(feed, ours) is None
    foreign = {"kind": "status", "match": "GET /wp-json/$", "status": 200, "body": '{"message": "Checking you"}'}
    ours.faults.add(InjectedFault.model_validate({**foreign, "times": 1}))
    assert isinstance(await looked(feed, ours), Retry)
    assert (await feed.strange(), await looked(feed, ours)) == ([], None)


async def test_a_clock_that_is_set_back_delays_no_look(feed: Post) -> None:
    ours = site(HOME, feed.clock)
    guard = await feed.registrar(ours, flows=LIVE)
    assert await guard.shut() is None
    asked = ours.requests()
    feed.clock.forward(days=-3)
    assert await guard.shut() is None
    assert ours.requests() > asked


async def test_orders_of_a_shop_are_remembered_once(feed: Post) -> None:
    ours = site(HOME, feed.clock)
    for _ in range(15):
        ours.sells()
    for _ in range(2):
        assert await looked(feed, ours) is None
    async with feed.engine.work() as work:
        kept = (await work.find_many(KNOWN_ORDER, ["main"]))["main"]
    assert sorted(one.order for one in kept.values()) == sorted(ours.shop.orders)[-10:]
    assert [one.how for one in await feed.known()] == ["first-contact"]
