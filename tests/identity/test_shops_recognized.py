"""The identity of a shop is recorded at first contact, checked before reads and writes, and accepted by a person."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
import pytest_asyncio

from contracts.identity import ShopIdentified
from contracts.operations import CommandSettled
from contracts.reasons import Reason
from services.connectors.identity.guard import DocumentGuard, ShopGuard, guard_delivery
from services.engine.outbox.lane import Row
from services.engine.outbox.outcome import Blocked, Done, Outcome, Retry
from services.sandbox.faults import InjectedFault
from tests.identity.sample_shops import COPY, LIVE, StoreFeedBench, copy_of, open_store_feed, site

pytestmark = pytest.mark.claim("K20", "I15")


@pytest_asyncio.fixture(name="feed")
async def _feed(tmp_path: Path) -> AsyncIterator[StoreFeedBench]:
    async with open_store_feed(tmp_path) as made:
        yield made


async def test_a_shop_is_recorded_at_first_contact_and_checked_periodically(feed: StoreFeedBench) -> None:
    ours = site("https://shop.test", feed.clock)
    number = ours.sell()
    guard = await feed.registrar(ours)
    assert await guard.shut() is None
    [known] = await feed.recorded_identities()
    assert (known.how, known.home, known.newest_order, known.marker) == ("first-contact", "shop.test", number, None)
    assert ours.writes() == []
    # and the cost in requests
    asked = ours.requests()
    for _ in range(50):
        assert await guard.shut() is None
    assert (ours.requests(), asked) == (asked, 3)
    feed.clock.forward(minutes=11)
    assert await guard.shut() is None
    assert ours.requests() == asked + 3
    assert await feed.recorded_identities() == []


async def test_a_shop_is_marked_once_when_a_flow_is_live(feed: StoreFeedBench) -> None:
    ours = site("https://shop.test", feed.clock)
    assert await (await feed.registrar(ours)).shut() is None
    assert await (await feed.registrar(ours, flows=LIVE)).shut() is None
    first, marked = await feed.recorded_identities()
    assert (first.marker, marked.how) == (None, "marked")
    assert ours.marks() == [f"Davtari identity {marked.marker}"]
    assert [hook["status"] for hook in ours.shop.webhooks.values()] == ["disabled"]
    assert await (await feed.registrar(ours, flows=LIVE)).shut() is None
    assert (await feed.recorded_identities(), len(ours.marks())) == ([], 1)


async def test_a_mark_left_unrecorded_by_a_kill_is_adopted(feed: StoreFeedBench) -> None:
    ours = site("https://shop.test", feed.clock)
    rules = await feed.settings(flows=LIVE)
    await (await feed.client(ours, rules)).create_marker("Davtari identity abc")
    assert await (await feed.registrar(ours, flows=LIVE)).shut() is None
    [known] = await feed.recorded_identities()
    assert (known.marker, len(ours.marks())) == ("abc", 1)


async def test_a_copy_is_blocked_until_a_person_accepts_it(feed: StoreFeedBench) -> None:
    ours = site("https://shop.test", feed.clock)
    assert await (await feed.registrar(ours, flows=LIVE)).shut() is None
    copy = copy_of(ours, feed.clock)
    # when the settings point to the copy
    guard = await feed.registrar(copy, flows=LIVE)
    shut = await guard.shut()
    assert isinstance(shut, Retry)
    assert "staging.test" in shut.why and "davtari shop accept --shop main" in shut.why
    [strange] = await feed.reports()
    assert len(strange.differences) == 2
    # then it stays blocked, is checked once a minute, and is reported once
    asked = copy.requests()
    assert isinstance(await guard.shut(), Retry)
    assert copy.requests() == asked
    feed.clock.forward(seconds=61)
    assert isinstance(await guard.shut(), Retry)
    assert (copy.requests(), copy.writes(), await feed.reports()) == (asked + 3, [], [])
    # until a person accepts it
    events = await feed.accept(copy)
    [known] = [one for one in events if isinstance(one, ShopIdentified)]
    assert (known.how, known.by, known.why, known.home) == ("accepted", "nino", "the shop has moved", "staging.test")
    assert [one.outcome for one in events if isinstance(one, CommandSettled)] == ["done"]
    assert await guard.shut() is None
    assert copy.writes() == []


async def test_another_address_in_the_settings_blocks_the_shop(feed: StoreFeedBench) -> None:
    ours = site("https://shop.test", feed.clock)
    assert await (await feed.registrar(ours)).shut() is None
    shut = await (await feed.registrar(ours, url="https://old-name.test")).shut()
    assert isinstance(shut, Retry)
    assert "the settings name old-name.test" in shut.why


async def test_another_spelling_of_the_same_address_is_the_same_shop(feed: StoreFeedBench) -> None:
    ours = site("https://shop.test", feed.clock)
    assert await (await feed.registrar(ours)).shut() is None
    assert await (await feed.registrar(ours, url="https://Shop.test/")).shut() is None


async def test_a_shop_that_cannot_be_checked_is_waited_for(feed: StoreFeedBench) -> None:
    ours = site("https://shop.test", feed.clock)
    ours.faults.add(
        InjectedFault.model_validate({"kind": "status", "match": "GET .*/orders", "status": 503, "times": 1})
    )
    guard = await feed.registrar(ours)
    assert isinstance(await guard.shut(), Retry)
    assert await guard.shut() is None


# ── the lanes of the other services ──────────────────────────────────────────────────────────────────────────────────


def row(shop: str = "main") -> Row:
    """A delivery of a shop."""
    return Row(f"sale:{shop}:17", "sale.write", "balance.sales", f"{shop}:17", f"{shop}:17", {})


class Effect:
    """Counts the deliveries."""

    def __init__(self) -> None:
        self.done: list[str] = []

    async def __call__(self, rows: Sequence[Row]) -> list[Outcome]:
        self.done += [one.id for one in rows]
        return [Done()] * len(rows)


async def test_a_lane_that_writes_to_a_shop_checks_its_identity_itself(feed: StoreFeedBench) -> None:
    ours = site("https://shop.test", feed.clock)
    assert await (await feed.registrar(ours, flows=LIVE)).shut() is None
    copy, effect = copy_of(ours, feed.clock), Effect()
    rules = await feed.settings(url=COPY, flows=LIVE)
    guard = ShopGuard("main", await feed.client(copy, rules), rules, feed.clock)
    await guard.attach(feed.engine)
    [outcome] = await guard_delivery(effect, guard)([row()])
    assert isinstance(outcome, Retry)
    assert (effect.done, copy.writes()) == ([], [])


async def test_only_documents_of_an_unrecognized_shop_wait(feed: StoreFeedBench) -> None:
    ours = site("https://shop.test", feed.clock)
    assert await (await feed.registrar(ours, flows=LIVE)).shut() is None
    gate, effect = DocumentGuard(), Effect()
    await gate.attach(feed.engine)
    deliver = gate.guard_delivery(effect)
    assert await deliver([row()]) == [Done()]
    await (await feed.registrar(copy_of(ours, feed.clock), flows=LIVE)).shut()
    waits, goes = await deliver([row(), row("second")])
    assert isinstance(waits, Blocked)
    assert (waits.on, waits.reason, goes) == ("shop:main", Reason.SHOP_NOT_RECOGNIZED, Done())
    # and when the settings point to the shop again, its documents are written without a person
    assert await (await feed.registrar(ours, flows=LIVE)).shut() is None
    assert await deliver([row()]) == [Done()]
