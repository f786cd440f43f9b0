"""Metrics of the feeds: the results of webhooks, and the time of the last complete read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from services.balance_feed.importing import Importer
from services.balance_feed.schedule import Schedule
from services.engine.outbox.upstream_errors import Unavailable
from services.engine.state.database import Database
from services.engine.telemetry.state_readings import freshness_readings, state_readings
from services.settings.model import ScheduleSettings
from services.store_feed.records import NAME
from services.store_feed.sweep import OrderSweep
from tests.balance_feed.feed_bench import Feed, opened_feed
from tests.outbox.fake_upstream import eventually
from tests.store_feed.conftest import store
from tests.store_feed.shop_bench import MAIN, Store, intake
from tests.telemetry.scrape import scrape

__all__ = ["store"]


def webhooks(result: str, shop: str = MAIN) -> float:
    """The number of webhooks with this result."""
    return scrape()("davtari_webhook_deliveries_total", shop=shop, result=result) or 0.0


async def age(database: Database, feed: str, now: datetime) -> float | None:
    """The age of a feed."""
    return scrape(await freshness_readings(database, "feed", now))(
        "davtari_feed_age_seconds", service="feed", feed=feed
    )


async def test_webhooks_are_counted_by_how_they_ended(store: Store) -> None:
    stored, refused = webhooks("stored"), webhooks("bad-signature")
    taken = intake(store.engine)
    store.subscribes()
    store.places()
    sent = await store.delivers(taken.receiver)
    store.subscribes(secret="another secret")
    store.places()
    answers = await store.delivers(taken.receiver)
    waiting = scrape(await state_readings(store.engine.database, NAME, store.clock()))(
        "davtari_webhooks_waiting", service=NAME
    )

    assert set(sent) == {200}
    assert set(answers) == {200, 401}
    assert webhooks("stored") - stored == len(sent) + answers.count(200) == waiting
    assert webhooks("bad-signature") - refused == answers.count(401)


async def test_an_unknown_shop_gets_no_metric(store: Store) -> None:
    before = webhooks("unknown-shop", shop="")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(intake(store.engine).receiver)) as client:
        for n in range(3):
            assert (await client.post(f"http://davtari.test/webhooks/nobody-{n}")).status_code == 404
    assert webhooks("unknown-shop", shop="") - before == 3


async def test_every_call_to_an_upstream_is_measured_by_its_answer(store: Store) -> None:
    def calls(result: str) -> float:
        labels = {"upstream": f"shop {MAIN}", "method": "GET", "result": result}
        return scrape()("davtari_upstream_request_duration_seconds_count", **labels) or 0.0

    before = calls("200"), calls("404")
    assert await store.woocommerce.order(store.places()) is not None
    assert await store.woocommerce.order(987_654) is None
    assert (calls("200") - before[0], calls("404") - before[1]) == (1, 1)


@pytest.mark.claim("I9")
async def test_changes_found_by_the_sweep_before_a_webhook_are_counted(store: Store) -> None:
    # given an order without a webhook, and two sweeps: it is counted once

    def found() -> float:
        return scrape()("davtari_sweep_found_orders_total", shop=MAIN) or 0.0

    await store.sweep.once()
    before = found()
    store.places()
    await store.sweep.once()
    await store.sweep.once()
    assert found() - before == 1


async def test_a_sweep_counts_once_it_is_complete(store: Store) -> None:
    feed, database = f"orders:{MAIN}", store.engine.database
    assert await age(database, feed, store.clock()) is None
    sweeping = asyncio.create_task(store.sweep.run())
    await eventually(lambda: is_known(lambda: age(database, feed, store.clock())), "a complete sweep")
    sweeping.cancel()
    await asyncio.wait([sweeping])
    store.passes(seconds=90)
    assert await age(database, feed, store.clock()) == 90


async def is_known(ask: Callable[[], Awaitable[float | None]]) -> bool:
    return await ask() is not None


class UnavailableUpstream:
    """An unavailable shop or Balance; `asked` is set at the first call."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    async def orders_changed_since(self, _: object, skip: object = None) -> AsyncIterator[dict[str, Any]]:
        self.asked.set()
        raise Unavailable("nobody there")
        yield {}

    async def clear_interrupted(self) -> None:
        """Nothing was interrupted."""

    async def run(self, _: object) -> Any:
        self.asked.set()
        raise Unavailable("nobody there")


async def run_until_called(work: Coroutine[Any, Any, None], upstream: UnavailableUpstream) -> None:
    """Run until the upstream was called and the error was handled."""
    running = asyncio.create_task(work)
    await upstream.asked.wait()
    for _ in range(5):
        await asyncio.sleep(0)
    running.cancel()
    await asyncio.wait([running])


async def test_an_interrupted_run_does_not_make_a_feed_fresh(store: Store) -> None:
    shop, balance, engine = UnavailableUpstream(), UnavailableUpstream(), store.engine
    await run_until_called(OrderSweep(engine, MAIN, shop, ScheduleSettings()).run(), shop)
    await run_until_called(Schedule(engine, cast(Importer, balance), ScheduleSettings()).run(), balance)
    assert await freshness_readings(engine.database, NAME, store.clock()) == []


@pytest.fixture
async def feed(tmp_path: Path) -> AsyncIterator[Feed]:
    """A feed of a small Balance."""
    async with opened_feed(tmp_path / "feed") as found:
        yield found


async def test_an_import_counts_from_its_start(feed: Feed) -> None:
    database = feed.engine.database
    importing = asyncio.create_task(Schedule(feed.engine, feed.importer, ScheduleSettings()).run())
    for resource in ("items", "prices", "stock"):
        await eventually(lambda of=resource: is_known(lambda: age(database, of, feed.clock())), f"{resource} imported")
    importing.cancel()
    await asyncio.wait([importing])
    feed.clock.forward(hours=2)
    assert [await age(database, of, feed.clock()) for of in ("items", "prices", "stock")] == [7200.0] * 3
