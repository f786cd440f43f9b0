"""When imports run: at once at first contact, then by cron in Tbilisi's time, and whenever a person asks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from contracts.balance import ItemChanged, ItemWithdrawn, PriceChanged, StockChanged
from contracts.model import Event
from contracts.operations import CommandSettled, ImportRequested
from services.balance_feed.schedule import AFTER_OUTAGE, AFTER_REFUSAL, Schedule
from services.engine.backoff import LONGEST_WAIT
from services.engine.clock import next_run
from services.sandbox.balance import catalogue
from services.sandbox.balance.catalogue import CatalogueRequest
from services.sandbox.balance.record import make_uid
from services.sandbox.balance.stock_and_prices import REGULAR
from services.settings.model import ScheduleSettings
from tests.balance_feed.feed_bench import FIRST, Feed, named

CRONS = ScheduleSettings(items="0 3 * * *", prices="30 * * * *", stock="*/10 * * * *")
SOON = 5.0


class Rests:
    """Replaces sleeping: every pause is recorded with its length, and ends when the test ends it."""

    def __init__(self) -> None:
        self.lengths: asyncio.Queue[float] = asyncio.Queue()
        self._waiting: dict[float, list[asyncio.Event]] = {}

    async def __call__(self, seconds: float) -> None:
        if seconds == 0:
            return
        over = asyncio.Event()
        self._waiting.setdefault(seconds, []).append(over)
        self.lengths.put_nowait(seconds)
        await over.wait()

    async def next(self, count: int = 1) -> list[float]:
        """The lengths of the next rests, shortest first."""
        async with asyncio.timeout(SOON):
            return sorted([await self.lengths.get() for _ in range(count)])

    def end(self, seconds: float) -> None:
        """End every rest of this length."""
        for over in self._waiting.pop(seconds):
            over.set()


@asynccontextmanager
async def scheduled(feed: Feed) -> AsyncIterator[Rests]:
    """The schedule, running."""
    rests = Rests()
    running = asyncio.create_task(Schedule(feed.engine, feed.importer, CRONS, rests).run())
    try:
        yield rests
    finally:
        running.cancel()
        await asyncio.wait([running])


async def settled(feed: Feed, **command: Any) -> tuple[CommandSettled, list[Event]]:
    """Ask for an import; gives the answer, and what was stated meanwhile."""
    reported = {"command_id": "c-1", "asked_by": "nino", "asked_at": feed.clock(), **command}
    async with feed.engine.work() as work:
        await work.announce([(ImportRequested.model_validate(reported), None)])
    stated: list[Event] = []
    changed = asyncio.Event()
    feed.engine.on_change.append(changed.set)
    async with asyncio.timeout(SOON):
        while True:
            changed.clear()
            stated += await feed.ledger.news()
            answers = named(stated, CommandSettled)
            if answers:
                return answers[0], [event for event in stated if event.TOPIC not in ("operations", "commands")]
            await changed.wait()


@pytest.mark.parametrize(
    ("cron", "now", "then"),
    [
        ("0 3 * * *", "2026-11-21T08:30", "2026-11-21T23:00"),
        ("0 3 * * *", "2026-11-21T22:59", "2026-11-21T23:00"),
        ("0 3 * * *", "2026-11-21T23:00", "2026-11-22T23:00"),
        ("17 * * * *", "2026-11-21T08:30", "2026-11-21T09:17"),
        ("*/2 * * * *", "2026-11-21T08:30", "2026-11-21T08:32"),
        ("0 9 * * MON", "2026-11-21T08:30", "2026-11-23T05:00"),
        ("0 0 1 * *", "2026-11-30T19:30", "2026-11-30T20:00"),
    ],
)
def test_cron_means_the_time_of_tbilisi(cron: str, now: str, then: str) -> None:
    at = datetime.fromisoformat(now).replace(tzinfo=UTC)

    assert next_run(cron, at) == datetime.fromisoformat(then).replace(tzinfo=UTC)


def test_a_wrong_cron_is_refused_with_the_settings() -> None:
    with pytest.raises(ValueError, match="write five fields"):
        ScheduleSettings(items="every hour")


async def test_at_first_contact_everything_is_imported_at_once(feed: Feed) -> None:
    async with scheduled(feed) as rests:
        await rests.next(3)

    stated = await feed.ledger.news()
    assert all(named(stated, kind) for kind in (ItemChanged, PriceChanged, StockChanged))


@pytest.mark.claim("S0.15")
async def test_a_restart_waits_for_the_schedule(feed: Feed) -> None:
    async with scheduled(feed) as rests:
        await rests.next(3)
    feed.sandbox.journal.clear()

    async with scheduled(feed) as rests:
        pauses = await rests.next(3)

    now = feed.clock()
    assert pauses == sorted(
        (next_run(cron, now) - now).total_seconds() for cron in (CRONS.items, CRONS.prices, CRONS.stock)
    )
    assert list(feed.sandbox.journal.entries) == []


@pytest.mark.claim("S2.7", "S0.15", "S3.21", "S3.22", "S3.23")
async def test_what_changes_in_balance_is_stated_by_the_next_scheduled_import(feed: Feed) -> None:
    async with scheduled(feed) as rests:
        to_stock = (await rests.next(3))[0]
        await feed.ledger.news()
        feed.books.stocks.delete(FIRST)
        feed.books.prices.put(REGULAR, [(FIRST, Decimal("7.70"))], feed.books.now())

        rests.end(to_stock)
        await rests.next()

    assert [type(event) for event in await feed.ledger.news()] == [StockChanged]


async def test_an_unavailable_balance_is_waited_for_and_found_again(feed: Feed) -> None:
    fault = feed.trouble("outage", "GET .*/Items$")
    async with scheduled(feed) as rests:
        assert AFTER_OUTAGE in await rests.next(3)
        stated_without = await feed.ledger.news()
        rests.end(AFTER_OUTAGE)
        assert await rests.next() == [AFTER_OUTAGE]
        feed.sandbox.clear(fault)
        rests.end(AFTER_OUTAGE)
        await rests.next()

    assert named(stated_without, ItemChanged) == []
    assert len(named(await feed.ledger.news(), ItemChanged)) == len(feed.books.items)


@pytest.mark.parametrize(("wish", "rest"), [("41", 41.0), ("1234", LONGEST_WAIT)])
async def test_balance_may_say_itself_how_long_to_wait_up_to_a_minute(feed: Feed, wish: str, rest: float) -> None:
    feed.trouble("outage", "GET .*/Stocks$", headers={"Retry-After": wish})
    async with scheduled(feed) as rests:
        assert rest in await rests.next(3)


async def test_missing_rights_do_not_stop_the_other_imports_and_are_not_hammered_at(feed: Feed) -> None:
    feed.books.settings = feed.books.settings.changed({"rights": {"forbidden": {"Prices"}}})
    async with scheduled(feed) as rests:
        assert AFTER_REFUSAL in await rests.next(3)

    stated = await feed.ledger.news()
    assert named(stated, ItemChanged)
    assert named(stated, StockChanged)
    assert feed.asked("Prices") == 1


@pytest.mark.claim("S0.15")
async def test_an_import_on_command_answers_with_its_figures(feed: Feed) -> None:
    async with scheduled(feed) as rests:
        await rests.next(3)
        await feed.ledger.news()
        feed.books.items.put(FIRST, {"Name": "ყავა"})

        answer, stated = await settled(feed, resource="items")

    assert (answer.service, answer.outcome, answer.detail) == ("balance-feed", "done", "imported")
    assert answer.figures == {"seen": 20, "unchanged": 19, "changed": 1, "missing": 0, "faults": 0}
    assert [event.name for event in named(stated, ItemChanged)] == ["ყავა"]


async def test_a_dry_run_reports_what_would_be_stated_and_states_nothing(feed: Feed) -> None:
    async with scheduled(feed) as rests:
        await rests.next(3)
        await feed.ledger.news()
        feed.books.items.put(FIRST, {"Name": "", "LoadingPerVehicle": "1"})
        feed.books.items.put(make_uid("item", "extra:1"), {"Name": "ჩაი"})
        feed.books.items.put(make_uid("item", "extra:2"), {"LoadingPerVehicle": "1"})
        feed.books.items.delete(make_uid("item", "extra:3"))

        answer, stated = await settled(feed, resource="items", dry_run=True)
        feed.clock.forward(minutes=1)
        later = await feed.imports("items")

    assert (answer.outcome, answer.detail) == ("done", "dry run, nothing was published")
    assert answer.figures == {"seen": 19, "unchanged": 17, "changed": 1, "missing": 1, "faults": 1}
    assert stated == []
    assert [event.name for event in named(later, ItemChanged)] == ["ჩაი"]


async def test_a_held_import_answers_that_it_was_refused_and_how_to_go_on(feed: Feed) -> None:
    async with scheduled(feed) as rests:
        await rests.next(3)
        catalogue.fill_catalogue(feed.books, CatalogueRequest())

        refused, _ = await settled(feed, resource="stock")
        accepted, stated = await settled(feed, resource="stock", accept_loss=True, command_id="c-2")

    assert refused.outcome == "refused"
    assert "davtari import stock --accept-loss" in refused.detail
    assert accepted.outcome == "done"
    assert all(event.rows == () for event in named(stated, StockChanged))
    assert len(named(stated, StockChanged)) == accepted.figures["missing"] > 5


async def test_an_import_that_cannot_be_made_answers_why(feed: Feed) -> None:
    async with scheduled(feed) as rests:
        await rests.next(3)
        await feed.ledger.news()
        feed.trouble("outage", "GET .*/Items$")

        answer, stated = await settled(feed, resource="items")

    assert answer.outcome == "refused"
    assert "503" in answer.detail
    assert named(stated, ItemWithdrawn) == []


async def test_a_command_is_carried_out_once(feed: Feed) -> None:
    async with scheduled(feed) as rests:
        await rests.next(3)
        await settled(feed, resource="items")
        before = feed.asked("Items")

        await settled(feed, resource="prices", command_id="c-2")

    assert feed.asked("Items") == before
