"""Webhooks that were switched off, lost, or are signed with another secret: noticed, repaired, and reported once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from pydantic import SecretStr

from contracts.model import Event
from contracts.operations import DeadLettered, DeadLetterSettled
from contracts.shop import OrderChanged
from services.connectors.woocommerce.webhooks import WEBHOOK_TOPICS, WebhookRepair, repair_webhooks
from services.sandbox.woocommerce.webhooks import Webhooks
from services.store_feed.webhook_health import watch_webhooks
from tests.store_feed.conditions import SOON, until
from tests.store_feed.shop_bench import HOOK, MAIN, SECRET, Intake, Store, intake

KEPT = SecretStr(SECRET)


@asynccontextmanager
async def running(task: asyncio.Task[None]) -> AsyncIterator[None]:
    """Something that runs beside the test."""
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def reported(store: Store, kind: type[Event]) -> Event:
    """The next event of this type."""
    changed = asyncio.Event()
    store.engine.on_change.append(changed.set)
    async with asyncio.timeout(SOON):
        while True:
            changed.clear()
            for event in await store.ledger.news():
                if isinstance(event, kind):
                    return event
            await changed.wait()


def statuses(store: Store) -> dict[str, str]:
    """Our webhooks by topic."""
    return {hook["topic"]: hook["status"] for hook in store.shop.webhooks.values() if hook["delivery_url"] == HOOK}


async def test_missing_webhooks_are_made_and_signed_with_our_secret(store: Store) -> None:
    repair = await repair_webhooks(store.woocommerce, HOOK, KEPT)
    order = store.places()
    taken = intake(store.engine)
    answers = await store.delivers(taken.receiver)

    assert repair == WebhookRepair(created=WEBHOOK_TOPICS)
    assert statuses(store) == dict.fromkeys(WEBHOOK_TOPICS, "active")
    assert answers == [200, 200]
    await taken.hints(store.engine)
    assert [event.order_id for event in await store.looks() if isinstance(event, OrderChanged)] == [order]


async def test_a_second_look_fixs_nothing(store: Store) -> None:
    await repair_webhooks(store.woocommerce, HOOK, KEPT)

    assert await repair_webhooks(store.woocommerce, HOOK, KEPT) == WebhookRepair()
    assert len(store.shop.webhooks) == len(WEBHOOK_TOPICS)


async def test_the_webhooks_of_others_are_left_alone(store: Store) -> None:
    theirs = "http://127.0.0.1:9/somebody/else"
    store.subscribes(theirs)
    for hook in store.shop.webhooks.values():
        hook["status"] = "disabled"

    assert await repair_webhooks(store.woocommerce, HOOK, KEPT) == WebhookRepair(created=WEBHOOK_TOPICS)
    assert {hook["status"] for hook in store.shop.webhooks.values() if hook["delivery_url"] == theirs} == {"disabled"}


async def test_a_needless_twin_is_not_revived(store: Store) -> None:
    store.subscribes()
    twin = {"topic": WEBHOOK_TOPICS[0], "delivery_url": HOOK, "secret": SECRET, "status": "disabled"}
    Webhooks(store.shop).create(twin, strict=True)

    assert await repair_webhooks(store.woocommerce, HOOK, KEPT) == WebhookRepair()


@pytest.mark.claim("K3")
async def test_an_outage_of_two_hours_loses_no_order_and_is_reported_once(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    """Given webhooks that WooCommerce switched off meanwhile: all orders arrive, the hooks live again, one alert."""
    store.subscribes()
    placed = []
    for _ in range(10):
        placed.append(store.places())
        store.passes(minutes=12)
        await store.delivers_to_nobody()
    switched_off = statuses(store)

    with caplog.at_level(logging.WARNING, "services.store_feed.webhook_health"):
        async with running(asyncio.create_task(watch_webhooks(MAIN, store.woocommerce, HOOK, KEPT, every=0.01))):
            await until(lambda: store.faults.journal.counts["GET /wp-json/wc/v3/webhooks"] >= 4)
    found = await store.swept()
    afterwards = store.places()
    taken = intake(store.engine)
    answers = await store.delivers(taken.receiver)
    await taken.hints(store.engine)

    assert switched_off["order.created"] == switched_off["order.updated"] == "disabled"
    assert [event.order_id for event in found if isinstance(event, OrderChanged)] == placed
    assert statuses(store) == dict.fromkeys(WEBHOOK_TOPICS, "active")
    assert [record.message for record in caplog.records] == ["webhooks repaired"]
    assert answers == [200, 200]
    assert [event.order_id for event in await store.looks() if isinstance(event, OrderChanged)] == [afterwards]


async def test_an_unavailable_shop_does_not_stop_the_watchdog(store: Store) -> None:
    fault = store.trouble("outage", "GET .*/webhooks$")
    async with running(asyncio.create_task(watch_webhooks(MAIN, store.woocommerce, HOOK, KEPT, every=0.01))):
        await until(lambda: store.faults.journal.counts["GET /wp-json/wc/v3/webhooks"] >= 2)
        store.faults.clear(fault)
        await until(lambda: statuses(store) == dict.fromkeys(WEBHOOK_TOPICS, "active"))


async def wrongly_signed(store: Store, taken: Intake, count: int) -> None:
    """Orders whose webhooks are signed with another secret."""
    for hook in store.shop.webhooks.values():
        hook["secret"] = "another-secret"
    for _ in range(count):
        store.places()
        await store.delivers(taken.receiver)


async def test_a_shop_that_signs_with_another_secret_is_shown_until_it_is_fixed(store: Store) -> None:
    store.subscribes()
    taken = intake(store.engine)
    async with running(asyncio.create_task(taken.alarm.run(store.engine))):
        await wrongly_signed(store, taken, 2)
        dead_letter = await reported(store, DeadLettered)
        for hook in store.shop.webhooks.values():
            hook |= {"secret": SECRET, "status": "active"}
        store.places()
        await store.delivers(taken.receiver)
        settled = await reported(store, DeadLetterSettled)

    assert isinstance(dead_letter, DeadLettered)
    assert dead_letter.reason == "shop.webhook-refused"
    assert "shops.main.webhook-secret-files" in dead_letter.detail
    assert isinstance(settled, DeadLetterSettled)
    assert (settled.dead_letter, settled.how) == (dead_letter.dead_letter, "overtaken")


async def test_anybodys_nonsense_alarms_nobody(store: Store) -> None:
    store.subscribes()
    taken = intake(store.engine)
    async with running(asyncio.create_task(taken.alarm.run(store.engine))):
        await wrongly_signed(store, taken, 1)
        for hook in store.shop.webhooks.values():
            hook["secret"] = SECRET
        order = store.places()
        await store.delivers(taken.receiver)
        await taken.hints(store.engine)

    stated = await store.looks()
    assert [event.order_id for event in stated if isinstance(event, OrderChanged)] == [order]
    assert [event for event in stated if isinstance(event, DeadLettered)] == []
