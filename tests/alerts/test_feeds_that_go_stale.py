"""A feed that was not read completely for too long is reported as stale once, and as fresh when it is complete."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.alerts import FeedStateChanged
from services.engine.runtime.feed_watch import FeedWatch, with_feed_rules
from services.engine.telemetry.state_readings import record_completion
from tests.outbox.bench import Bench, open_bench
from tests.outbox.sample_service import handlers, record

LIMITS = {"stock": 900.0}


async def published(bench: Bench) -> list[str]:
    """The reported states of the feed so far."""
    return [event.freshness for event in await bench.events_of(FeedStateChanged)]


@pytest.mark.claim("I9")
async def test_a_feed_is_stale_past_its_limit_and_fresh_once_it_is_complete(tmp_path: Path) -> None:
    async with open_bench(tmp_path, with_feed_rules(handlers())) as bench:
        watch = FeedWatch(bench.engine, "balance-feed", LIMITS)
        await record_completion(bench.database, "stock", bench.clock())
        bench.clock.advance(900)
        await watch.check()
        assert await published(bench) == []
        for _ in range(3):
            bench.clock.advance(60)
            await watch.check()
        assert await published(bench) == ["stale"]
        await record_completion(bench.database, "stock", bench.clock())
        await watch.check()
        assert await published(bench) == ["stale", "fresh"]


async def test_a_feed_that_was_never_complete_is_stale_after_its_limit_too(tmp_path: Path) -> None:
    async with open_bench(tmp_path, with_feed_rules(handlers())) as bench:
        watch = FeedWatch(bench.engine, "balance-feed", LIMITS)
        bench.clock.advance(901)
        await watch.check()
        [event] = await bench.events_of(FeedStateChanged)
        assert (event.freshness, event.complete_at) == ("stale", None)


async def test_nothing_is_published_again_after_a_restart(tmp_path: Path) -> None:
    # given a stale feed and a database that is rebuilt from the topics
    async with open_bench(tmp_path / "first", with_feed_rules(handlers())) as bench:
        watch = FeedWatch(bench.engine, "balance-feed", LIMITS)
        bench.clock.advance(1000)
        await watch.check()
        [stale] = await bench.events_of(FeedStateChanged)
    async with open_bench(tmp_path / "second", with_feed_rules(handlers())) as bench:
        await bench.take(record(stale))
        watch = FeedWatch(bench.engine, "balance-feed", LIMITS)
        bench.clock.advance(1000)
        await watch.check()
        assert await published(bench) == []
        # when the feed is complete, then that is reported once
        await record_completion(bench.database, "stock", bench.clock())
        await watch.check()
        assert await published(bench) == ["fresh"]
