"""Metrics of a state database: deliveries, dead letters, events, freshness."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from contracts.reasons import Reason
from services.engine.outbox.breaker import Breaker
from services.engine.outbox.decision import Decision
from services.engine.outbox.lane import Lane
from services.engine.outbox.outcome import Blocked, Done, Outcome, Refused, Retry, Unknown
from services.engine.telemetry.instrumentation import instrument_lane, instrument_take
from services.engine.telemetry.state_readings import freshness_readings, record_completion, state_readings
from tests.outbox.bench import Bench, Script
from tests.outbox.fake_upstream import done
from tests.outbox.sample_service import LANE, NAME, availability_delivery, garbage, record, stock
from tests.telemetry.scrape import Scrape, scrape

WAITS = Blocked("link:1", Reason.SALE_CLIENT_WAITS, "it waits")


async def scrape_bench(bench: Bench) -> Scrape:
    """A scrape of the metrics of the bench."""
    now = bench.clock()
    return scrape(
        [*await state_readings(bench.database, NAME, now), *await freshness_readings(bench.database, NAME, now)]
    )


async def test_waiting_deliveries_are_counted_by_lane_and_state_with_the_age_of_the_oldest(bench: Bench) -> None:
    await bench.take(record(stock("a")))
    bench.clock.advance(60)
    await bench.take(record(stock("b"), offset=1), record(stock("c"), offset=2))
    _, second, _ = await bench.due()
    bench.clock.advance(30)
    await bench.settle(second, WAITS)

    found = await scrape_bench(bench)

    assert found("davtari_outbox_deliveries", service=NAME, lane=LANE, state="pending") == 2
    assert found("davtari_outbox_oldest_delivery_age_seconds", service=NAME, lane=LANE, state="pending") == 90
    assert found("davtari_outbox_deliveries", service=NAME, lane=LANE, state="blocked") == 1
    assert found("davtari_outbox_oldest_delivery_age_seconds", service=NAME, lane=LANE, state="blocked") == 30


async def test_a_scheduled_delivery_is_not_late_but_a_retried_one_is(scripted: Bench, script: Script) -> None:
    later = scripted.clock() + timedelta(hours=2)
    script.wanted["early"] = Decision((availability_delivery("early"),))
    script.wanted["planned"] = Decision((replace(availability_delivery("planned"), not_before=later),))
    await scripted.touch("early", "planned")
    [row] = await scripted.due()
    scripted.clock.advance(600)
    await scripted.settle(row, Unknown("no answer"))
    age = {"service": NAME, "lane": LANE, "state": "pending"}
    assert (await scrape_bench(scripted))("davtari_outbox_oldest_delivery_age_seconds", **age) == 600
    await scripted.settle(row, Done())
    script.wanted.pop("early")
    await scripted.touch("early")
    found = await scrape_bench(scripted)
    assert found("davtari_outbox_oldest_delivery_age_seconds", **age) == 0
    assert found("davtari_outbox_deliveries", **age) == 1


async def test_dead_letters_are_counted_by_reason_in_total_and_open(bench: Bench) -> None:
    await bench.take(garbage(1), garbage(2), record(stock("a")))
    [row] = await bench.due()
    await bench.settle(row, Refused(Reason.SHOP_REFUSED, "no"))
    found = await scrape_bench(bench)
    for reason, count in ((Reason.RECORD_INVALID_DATA, 2), (Reason.SHOP_REFUSED, 1)):
        assert found("davtari_dead_letters_opened_total", service=NAME, reason=str(reason)) == count
        assert found("davtari_dead_letters_open", service=NAME, reason=str(reason)) == count

    await bench.take(record(stock("a", 2), version=2, offset=9))

    after = await scrape_bench(bench)
    assert after("davtari_dead_letters_open", service=NAME, reason=str(Reason.SHOP_REFUSED)) == 0
    assert after("davtari_dead_letters_opened_total", service=NAME, reason=str(Reason.SHOP_REFUSED)) == 1


async def test_events_that_wait_for_kafka_are_counted(bench: Bench) -> None:
    await bench.take(record(stock("a")))
    assert (await scrape_bench(bench))("davtari_outbox_events_unpublished", service=NAME) == 0
    [row] = await bench.due()
    await bench.settle(row, done(row))
    assert (await scrape_bench(bench))("davtari_outbox_events_unpublished", service=NAME) == 1


async def test_the_age_of_a_feed_grows_until_it_is_complete_again(bench: Bench) -> None:
    assert (await scrape_bench(bench))("davtari_feed_age_seconds", service=NAME, feed="items") is None
    await record_completion(bench.database, "items", bench.clock())
    await record_completion(bench.database, "orders:main", bench.clock())
    bench.clock.advance(500)
    await record_completion(bench.database, "items", bench.clock())
    bench.clock.advance(20)
    found = await scrape_bench(bench)
    assert found("davtari_feed_age_seconds", service=NAME, feed="items") == 20
    assert found("davtari_feed_age_seconds", service=NAME, feed="orders:main") == 520


async def test_attempts_are_counted_by_outcome_including_exceptions(bench: Bench) -> None:
    await bench.take(*[record(stock(f"i{n}"), offset=n) for n in range(5)])
    rows = await bench.due()
    outcomes: list[Outcome] = [Done(), Retry("away"), WAITS, Refused(Reason.SHOP_REFUSED, "no"), Unknown("?")]

    async def deliver(_: object) -> list[Outcome]:
        if not outcomes:
            raise RuntimeError("a mistake of ours")
        return outcomes

    lane = instrument_lane(Lane("counted", deliver, Breaker()), NAME, bench.database)
    await lane.deliver(rows)
    outcomes.clear()
    with pytest.raises(RuntimeError):
        await lane.deliver(rows[:2])

    found = scrape()
    counts = {
        outcome: found("davtari_delivery_attempts_total", service=NAME, lane="counted", outcome=outcome)
        for outcome in ("done", "retry", "blocked", "refused", "unknown")
    }
    assert counts == {"done": 1, "retry": 1, "blocked": 1, "refused": 1, "unknown": 3}


async def test_batches_and_records_count_once_they_are_durable(bench: Bench) -> None:
    failing = True

    async def take(records: object) -> None:
        if failing:
            raise OSError("disk full")
        await asyncio.sleep(0)

    observed = instrument_take(take, "counting", "davtari.")
    with pytest.raises(OSError, match="disk full"):
        await observed([record(stock("a"))])
    failing = False
    await observed([record(stock("a")), record(stock("b"), offset=1)])
    found = scrape()
    assert found("davtari_consumer_batches_total", service="counting") == 1
    assert found("davtari_consumer_records_total", service="counting", topic="balance.stock") == 2
