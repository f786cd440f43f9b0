"""The objective: 99.9 % of paid orders in Balance within five minutes, computed from events (claim I9)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from contracts.operations import DiscardRequested
from contracts.reasons import Reason
from services.cli.freshness import FeedAge, SaleTimeliness, freshness_lines, read_feed_ages, read_sale_timeliness
from services.engine.outbox.outcome import Refused
from services.engine.state.database import open_database
from services.engine.state.files import database_path
from services.engine.telemetry.state_readings import record_completion
from services.order_exporter.handlers import SALE_LANE, handlers
from services.order_exporter.readings import SalesOnTimeReadings
from services.settings.model import Settings, StateSettings
from tests.outbox.bench import Bench, open_bench
from tests.outbox.sample_service import NAME, NOW, record
from tests.support.exporting import SHOP, link, settings
from tests.telemetry.paid_orders import LATE, SOON, USING, paid, sold
from tests.telemetry.scrape import scrape

pytestmark = pytest.mark.claim("I9")


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    """order-exporter without deliveries."""
    async with open_bench(tmp_path, handlers(USING)) as found:
        found.clock.now = NOW
        yield found


async def counts(bench: Bench, using: Settings = USING) -> tuple[float | None, float | None]:
    """The number of counted orders, and how many of them were in time."""
    found = scrape(await SalesOnTimeReadings(using.shops, using.freshness)(bench.database, bench.clock()))
    about = {"service": "order-exporter", "shop": SHOP}
    return found("davtari_paid_orders_due", **about), found("davtari_paid_orders_on_time", **about)


async def test_an_order_counts_by_how_long_after_its_payment_its_sale_was_recorded(bench: Bench) -> None:
    first, second = paid(1), paid(2)
    await bench.take(*[record(fact) for fact in (first, second, sold(first, SOON), sold(second, LATE))])
    assert await counts(bench) == (2, 1)


async def test_an_order_without_a_sale_counts_after_the_limit(bench: Bench) -> None:
    await bench.take(record(paid(1, NOW)))
    bench.clock.advance(299)
    assert await counts(bench) == (0, 0)
    bench.clock.advance(2)
    assert await counts(bench) == (1, 0)


async def test_changes_after_the_payment_do_not_restart_the_measurement(bench: Bench) -> None:
    # given an order paid yesterday, and completed and recorded today: it was late
    done = paid(1, status="completed", completed_at=NOW)
    sale = sold(done, timedelta(days=1))
    await bench.take(record(paid(1)), record(done, version=2), record(sale))
    assert await counts(bench) == (1, 0)


async def test_a_rebuild_counts_the_same_in_any_order_of_topics(bench: Bench) -> None:
    bought = paid(1)
    await bench.take(record(sold(bought, SOON)))
    await bench.take(record(bought))
    assert await counts(bench) == (1, 1)


async def test_discarded_and_cancelled_orders_do_not_count(bench: Bench) -> None:
    await bench.take(
        record(link(311)), record(paid(1)), record(paid(2)), record(paid(2, status="cancelled"), version=2)
    )
    [row] = await bench.engine.claim(SALE_LANE, 5, ())
    await bench.settle(row, Refused(Reason.BALANCE_REFUSED, "no"))
    assert await counts(bench) == (1, 0)
    [dead_letter] = await bench.dead_letters()
    command = {"command_id": "c", "asked_by": "nino", "asked_at": NOW, "why": "a test order"}
    await bench.take(record(DiscardRequested(dead_letter=dead_letter.dead_letter, **command)))
    assert await counts(bench) == (0, 0)


async def test_old_orders_and_dry_runs_are_outside_the_window(bench: Bench) -> None:
    await bench.take(record(paid(1, NOW - timedelta(days=31))))
    assert await counts(bench) == (0, 0)
    assert await counts(bench, settings(flow="dry-run")) == (None, None)


async def test_status_computes_the_same_from_the_state_database(bench: Bench, tmp_path: Path) -> None:
    bought = paid(1)
    await bench.take(record(bought), record(sold(bought, SOON)), record(paid(2)))
    folder = tmp_path / "as the service calls it"
    folder.mkdir()
    database_path(folder, "order-exporter").symlink_to(database_path(tmp_path, NAME))
    using = USING.model_copy(update={"state": StateSettings(directory=folder)})
    [found] = read_sale_timeliness(using, NOW)
    assert (found.due, found.on_time, found.share, found.met) == (2, 1, 0.5, False)


def test_without_orders_the_objective_is_met() -> None:
    assert SaleTimeliness(SHOP, 0, 0, 300, 30, 0.999).met
    assert not SaleTimeliness(SHOP, 1000, 998, 300, 30, 0.999).met
    assert SaleTimeliness(SHOP, 1000, 999, 300, 30, 0.999).met


async def test_status_shows_the_age_of_each_feed_and_whether_it_is_stale(tmp_path: Path) -> None:
    database = await open_database(tmp_path, "balance-feed")
    await record_completion(database, "stock", NOW - timedelta(minutes=20))
    await record_completion(database, "items", NOW - timedelta(minutes=20))
    await database.close()
    ages = read_feed_ages(USING.model_copy(update={"state": StateSettings(directory=tmp_path)}), NOW)
    assert [(each.feed, each.age, each.stale) for each in ages] == [("items", 1200, False), ("stock", 1200, True)]


def test_status_shows_the_objective_in_plain_words() -> None:
    lines = [
        str(line)
        for line in freshness_lines(
            [FeedAge("stock", 40, False), FeedAge("items", 7200, True)],
            [SaleTimeliness("main", 1200, 1199, 300, 30, 0.999)],
        )
    ]
    assert lines == [
        "Last complete read: stock 40 s ago · items 2 h ago",
        "Paid orders of main, 30 days: 1,199 of 1,200 in Balance within 5 min, 99.92% (objective 99.9%)",
    ]
