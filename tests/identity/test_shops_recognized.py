"""Which shop is ours: recorded at first contact, compared before anything is read or written, accepted by a person."""

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
from tests.identity.shop_seen import COPY, LIVE, Post, copy_of, post, site

pytestmark = pytest.mark.claim("K20", "I15")


@pytest_asyncio.fixture(name="feed")
async def _feed(tmp_path: Path) -> AsyncIterator[Post]:
    async with post(tmp_path) as made:
        yield made


async def test_a_shop_is_recorded_at_first_contact_and_looked_at_once_in_a_while(feed: Post) -> None:
    ours = site("https://shop.test", feed.clock)
    number = ours.sells()
    guard = await feed.registrar(ours)
    assert await guard.shut() is None
    [known] = await feed.known()
    assert (known.how, known.home, known.newest_order, known.marker) == ("first-contact", "shop.test", number, None)
    assert ours.writes() == []
    # and: what it costs
    asked = ours.requests()
    for _ in range(50):
        assert await guard.shut() is None
    assert (ours.requests(), asked) == (asked, 3)
    feed.clock.forward(minutes=11)
    assert await guard.shut() is None
    assert ours.requests() == asked + 3
    assert await feed.known() == []


async def test_a_shop_is_marked_once_a_flow_is_live_and_once_only(feed: Post) -> None:
    ours = site("https://shop.test", feed.clock)
    assert await (await feed.registrar(ours)).shut() is None
    assert await (await feed.registrar(ours, flows=LIVE)).shut() is None
    first, marked = await feed.known()
    assert (first.marker, marked.how) == (None, "marked")
    assert ours.marks() == [f"Davtari identity {marked.marker}"]
    assert [hook["status"] for hook in ours.shop.webhooks.values()] == ["disabled"]
    assert await (await feed.registrar(ours, flows=LIVE)).shut() is None
    assert (await feed.known(), len(ours.marks())) == ([], 1)


async def test_a_mark_that_a_kill_left_unsaid_is_taken_over(feed: Post) -> None:
    ours = site("https://shop.test", feed.clock)
    rules = await feed.settings(flows=LIVE)
    await (await feed.client(ours, rules)).create_marker("Davtari identity abc")
    assert await (await feed.registrar(ours, flows=LIVE)).shut() is None
    [known] = await feed.known()
    assert (known.marker, len(ours.marks())) == ("abc", 1)


async def test_a_copy_is_blocked_until_a_person_accepts_it(feed: Post) -> None:
    ours = site("https://shop.test", feed.clock)
    assert await (await feed.registrar(ours, flows=LIVE)).shut() is None
    copy = copy_of(ours, feed.clock)
    # when: the settings lead to the copy
    guard = await feed.registrar(copy, flows=LIVE)
    shut = await guard.shut()
    assert isinstance(shut, Retry)
    assert "staging.test" in shut.why and "davtari shop accept --shop main" in shut.why
    [strange] = await feed.strange()
    assert len(strange.differences) == 2
    # then: it stays blocked, is looked at once a minute, and this is said once
    asked = copy.requests()
    assert isinstance(await guard.shut(), Retry)
    assert copy.requests() == asked
    feed.clock.forward(seconds=61)
    assert isinstance(await guard.shut(), Retry)
    assert (copy.requests(), copy.writes(), await feed.strange()) == (asked + 3, [], [])
    # until a person has accepted it
    said = await feed.accepts(copy)
    [known] = [one for one in said if isinstance(one, ShopIdentified)]
    assert (known.how, known.by, known.why, known.home) == ("accepted", "nino", "the shop has moved", "staging.test")
    assert [one.outcome for one in said if isinstance(one, CommandSettled)] == ["done"]
    assert await guard.shut() is None
    assert copy.writes() == []


async def test_settings_that_name_another_address_block(feed: Post) -> None:
    ours = site("https://shop.test", feed.clock)
    assert await (await feed.registrar(ours)).shut() is None
    shut = await (await feed.registrar(ours, url="https://old-name.test")).shut()
    assert isinstance(shut, Retry)
    assert "the settings name old-name.test" in shut.why


async def test_http_or_https_a_slash_or_capitals_make_no_other_shop(feed: Post) -> None:
    ours = site("https://shop.test", feed.clock)
    assert await (await feed.registrar(ours)).shut() is None
    assert await (await feed.registrar(ours, url="https://Shop.test/")).shut() is None


async def test_a_shop_that_cannot_be_looked_at_is_waited_for(feed: Post) -> None:
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
    """Counts what was delivered."""

    def __init__(self) -> None:
        self.done: list[str] = []

    async def __call__(self, rows: Sequence[Row]) -> list[Outcome]:
        self.done += [one.id for one in rows]
        return [Done()] * len(rows)


async def test_a_lane_that_writes_to_a_shop_compares_it_by_itself(feed: Post) -> None:
    ours = site("https://shop.test", feed.clock)
    assert await (await feed.registrar(ours, flows=LIVE)).shut() is None
    copy, effect = copy_of(ours, feed.clock), Effect()
    rules = await feed.settings(url=COPY, flows=LIVE)
    guard = ShopGuard("main", await feed.client(copy, rules), rules, feed.clock)
    await guard.attach(feed.engine)
    [outcome] = await guard_delivery(effect, guard)([row()])
    assert isinstance(outcome, Retry)
    assert (effect.done, copy.writes()) == ([], [])


async def test_documents_of_a_strange_shop_wait_and_those_of_others_go(feed: Post) -> None:
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
    # and when the settings lead to the shop again, its documents go without anybody's word
    assert await (await feed.registrar(ours, flows=LIVE)).shut() is None
    assert await deliver([row()]) == [Done()]
