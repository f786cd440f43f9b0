"""A plan reports or awaits unfinished work of services, and does not depend on the order of reading."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from contracts.envelope import Envelope, wrap
from contracts.model import Event
from services.balance_feed.handlers import handlers as feed_handlers
from services.balance_feed.importing import STATING
from services.catalog_importer.decide import SIBLING_WAIT, product_lane_name
from services.catalog_importer.handlers import handlers, rules_fingerprint
from services.cli.plans import completeness
from services.cli.plans.completeness import FEED, IMPORTER, find_missing_work, wait_until_complete
from services.cli.plans.plan import build_plan
from services.engine.outbox.engine import Engine
from services.engine.outbox.outcome import Done
from services.engine.state.database import write_meta
from services.engine.telemetry.state_readings import record_completion
from services.settings.model import Settings
from tests.catalog_importer.catalogue_bench import DRY, item, price, priced, settings
from tests.cli.plan_events import linked, planned
from tests.support.engine_bench import Clock, opened
from tests.support.memory_state import NOON


def chosen(folder: Path, **shop: Any) -> Settings:
    found = settings(DRY, **shop)
    return found.model_copy(update={"state": found.state.model_copy(update={"directory": folder})})


@asynccontextmanager
async def importer(folder: Path, clock: Clock | None = None) -> AsyncIterator[Engine]:
    """The importer, at rest, under the settings of `chosen`."""
    rules = chosen(folder)
    async with opened(IMPORTER, handlers(rules), folder, clock or Clock(NOON)) as engine:
        await engine.set_fingerprint(rules_fingerprint(rules))
        yield engine


async def publish(engine: Engine) -> None:
    """What was announced is in the topics now."""
    async with engine.database.write() as connection:
        await connection.exec_driver_sql("DELETE FROM outbox_events")


async def lacks(rules: Settings) -> str:
    return "; ".join(one.why for one in await find_missing_work(rules, "main"))


async def test_a_plan_is_complete_when_services_are_idle(tmp_path: Path) -> None:
    async with importer(tmp_path):
        assert await lacks(chosen(tmp_path)) == ""


async def test_without_the_services_state_it_is_unknown_whether_they_have_finished(tmp_path: Path) -> None:
    assert await lacks(chosen(tmp_path)) == completeness.ELSEWHERE
    assert await wait_until_complete(chosen(tmp_path), "main", 30.0, print) == [completeness.ELSEWHERE]


async def test_other_settings_of_the_service_are_reported_without_waiting(tmp_path: Path) -> None:
    async with importer(tmp_path):
        [why] = await wait_until_complete(chosen(tmp_path, catalogue={"allow_services": True}), "main", 30.0, print)
    assert "runs with other settings: restart it" in why


async def test_changed_settings_are_still_applied(tmp_path: Path) -> None:
    changed = chosen(tmp_path, catalogue={"allow_services": True})
    async with importer(tmp_path) as engine:
        await _take(engine, item(), item("tea-200"), priced("tea-100", price("5")))
        await _look_up(engine)
        assert await lacks(chosen(tmp_path)) == ""
        # when the service starts with other settings, every item is decided again
        await engine.set_fingerprint(rules_fingerprint(changed))
        assert "2 items have to be decided again" in await lacks(changed)
        while await engine.decide_due():
            pass
        await publish(engine)
        assert "decided" not in await lacks(changed)


async def test_lookups_in_the_shop_are_awaited(tmp_path: Path) -> None:
    async with importer(tmp_path) as engine:
        await _take(engine, item(), item("tea-200"))
        assert "2 items are not looked up in the shop yet" in await lacks(chosen(tmp_path))
        messages: asyncio.Queue[str] = asyncio.Queue()
        waiting = asyncio.create_task(wait_until_complete(chosen(tmp_path), "main", 30.0, messages.put_nowait))
        assert (await messages.get()).startswith("2 items are not looked up")
        await _look_up(engine)
        assert await waiting == []


async def test_after_the_timeout_missing_work_is_reported(tmp_path: Path) -> None:
    async with importer(tmp_path) as engine:
        await _take(engine, item())
        [why] = await wait_until_complete(chosen(tmp_path), "main", 0.0, print)
    assert why == "1 items are not looked up in the shop yet"


@pytest.mark.parametrize(
    ("stating", "complete", "message"),
    [
        ("", ("items", "prices"), ""),
        ("items", ("items", "prices"), "balance-feed is publishing changes of Balance's items"),
        ("stock", ("items", "prices"), ""),
        ("", ("items",), "Balance's prices were never read completely"),
        (
            "items",
            (),
            "balance-feed is publishing changes of Balance's items; Balance's prices were never read completely",
        ),
    ],
)
async def test_an_unfinished_feed_is_reported(
    stating: str, complete: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    async with importer(tmp_path), opened(FEED, feed_handlers(), tmp_path, Clock(NOON)) as feed:
        for resource in complete:
            await record_completion(feed.database, resource, NOON)
        async with feed.database.write() as connection:
            await write_meta(connection, STATING + stating, "yes")
        assert await lacks(chosen(tmp_path)) == message


async def _take(engine: Engine, *events: Event) -> None:
    async with engine.work() as work:
        await work.announce([(event, None) for event in events])
    await publish(engine)


async def _look_up(engine: Engine) -> None:
    """The lane's deliveries are made, and what follows is published."""
    engine.clock.forward(seconds=SIBLING_WAIT.total_seconds())  # type: ignore[attr-defined]
    rows = await engine.claim(product_lane_name("main"), 10, ())
    await engine.settle([(row, Done()) for row in rows])
    async with engine.database.write() as connection:
        await connection.exec_driver_sql("DELETE FROM outbox_deliveries")
    await publish(engine)


def test_plans_do_not_depend_on_the_order_of_topics() -> None:
    events = [
        *(planned(f"item-{number}", f"d{number}") for number in range(40)),
        *(linked(f"item-{number}", f"d{number}", 1) for number in range(0, 40, 5)),
        *(item(f"item-{number}") for number in range(40)),
    ]
    by_topic: dict[str, list[Envelope[Event]]] = {}
    for number, event in enumerate(events, 1):
        by_topic.setdefault(event.TOPIC, []).append(wrap(event, version=number, source="t", time=NOON))
    ids = set()
    for seed in range(20):
        ids.add(build_plan("main", _interleaved(by_topic, random.Random(seed))).id)
    assert len(ids) == 1


def _interleaved(by_topic: dict[str, list[Envelope[Event]]], chance: random.Random) -> list[Envelope[Event]]:
    """Each topic in its order, the topics mixed."""
    left = {topic: list(envelopes) for topic, envelopes in by_topic.items()}
    found = []
    while left:
        topic = chance.choice(sorted(left))
        found.append(left[topic].pop(0))
        left = {name: envelopes for name, envelopes in left.items() if envelopes}
    return found
