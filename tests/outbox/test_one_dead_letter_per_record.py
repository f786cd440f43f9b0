"""A record that no service can read opens one dead letter, not one per service; its replay reaches all of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from contracts.envelope import headers, value
from contracts.model import Event
from contracts.operations import DeadLettered, DeadLetterSettled, DiscardRequested, ReplayRequested
from contracts.registry import BY_TYPE
from contracts.topics import REPORTERS, SERVICES, TOPICS, reports
from services.balance_feed import handlers as balance_feed
from services.catalog_importer import handlers as catalog_importer
from services.cli.registry import OPTIONAL_SERVICES, PAGES
from services.cli.registry import SERVICES as RUN
from services.engine.kafka.record import Record
from services.engine.outbox.engine import Engine
from services.engine.outbox.handlers import Handlers, ServiceRules
from services.engine.runtime.service import ENGINE_TOPICS
from services.engine.state.database import open_database
from services.order_exporter import handlers as order_exporter
from services.order_notifier import handlers as order_notifier
from services.stock_publisher import handlers as stock_publisher
from services.store_feed import handlers as store_feed
from tests.outbox.sample_service import NOW, STOCK, decide, envelope, handlers, stock
from tests.support.engine_bench import DAYS, Clock, Ledger

REPORTER, OTHERS = "balance-feed", ("stock-publisher", "order-exporter", "alerts")
GOOD = envelope(stock("tea"))
UNREADABLE = [
    pytest.param(headers(GOOD), b"{", id="invalid JSON"),
    pytest.param(headers(GOOD), None, id="a tombstone"),
    pytest.param([], value(GOOD), id="no headers"),
    pytest.param([*headers(GOOD), ("ce_type", b"davtari.StockChanged.v99")], value(GOOD), id="an unknown version"),
]


@dataclass
class RunningServices:
    """Services that read the same topics, each with its own state."""

    engines: dict[str, Engine]
    ledgers: dict[str, Ledger]
    offset: int = 0

    async def read(self, *records: Record) -> list[Event]:
        """Have every service read these records, and then the events of the others; returns all published events."""
        published: list[Event] = []
        for engine in self.engines.values():
            await engine.take(records)
        while news := [one for ledger in self.ledgers.values() for one in await ledger.envelopes()]:
            published += [one.data for one in news]
            for one in news:
                self.offset += 1
                record = Record("dead-letters", 0, self.offset, 0, b"k", value(one), headers(one))
                for name, engine in self.engines.items():
                    if name != one.source:
                        await engine.take([record])
        return published

    async def send_command(self, command: Event) -> list[Event]:
        """Have every service read a command of a person; returns all published events."""
        self.offset += 1
        asked = envelope(command)
        return await self.read(Record("commands", 0, self.offset, 0, b"k", value(asked), headers(asked)))

    async def services_knowing(self, item: str) -> set[str]:
        """The services that know the stock of an item."""
        found = set()
        for name, engine in self.engines.items():
            async with engine.work() as work:
                if await work.get_many(STOCK, [item]):
                    found.add(name)
        return found


@pytest.fixture
async def services(tmp_path: Path) -> AsyncIterator[RunningServices]:
    """The service that reports records of Balance's stock, and three others that read them."""
    rules: Handlers = handlers(decide)
    engines: dict[str, Engine] = {}
    async with AsyncExitStack() as stack:
        for name in (REPORTER, *OTHERS):
            database = await open_database(tmp_path, name)
            stack.push_async_callback(database.close)
            own = ServiceRules(name, rules, 3 * DAYS, frozenset, reports=partial(reports, name))
            engines[name] = Engine(own, database, Clock(NOW))
            await engines[name].finish_catch_up()
        yield RunningServices(engines, {name: Ledger(engine) for name, engine in engines.items()})


def record(record_headers: object = headers(GOOD), body: bytes | None = value(GOOD)) -> Record:
    """A record in the topic of Balance's stock."""
    return Record("balance.stock", 0, 7, 0, b"tea", body, record_headers)  # type: ignore[arg-type]


def about(dead_letter: DeadLettered) -> dict[str, object]:
    """The fields of every command about a dead letter."""
    return {"command_id": "c-1", "asked_by": "nino", "asked_at": NOW, "dead_letter": dead_letter.dead_letter}


def dead_letters(published: list[Event]) -> list[DeadLettered]:
    """The dead letters among the published events."""
    return [event for event in published if isinstance(event, DeadLettered)]


@pytest.mark.claim("K29")
@pytest.mark.parametrize(("record_headers", "body"), UNREADABLE)
async def test_an_unreadable_record_is_reported_by_one_service_once(
    services: RunningServices, record_headers: object, body: bytes | None
) -> None:
    odd = record(record_headers, body)

    published = await services.read(odd)
    again = await services.read(odd)

    assert [
        (dead_letter.service, dead_letter.record and dead_letter.record.offset)
        for dead_letter in dead_letters(published)
    ] == [(REPORTER, 7)]
    assert dead_letters(again) == []


async def test_a_replay_reaches_every_service_that_reads_the_topic(
    services: RunningServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a type that the services know only after an update
    with monkeypatch.context() as older:
        older.delitem(BY_TYPE, type(GOOD.data).TYPE)
        (dead_letter,) = dead_letters(await services.read(record()))
    assert await services.services_knowing("tea") == set()

    published = await services.send_command(ReplayRequested.model_validate(about(dead_letter)))

    assert await services.services_knowing("tea") == {REPORTER, *OTHERS}
    assert [event.how for event in published if isinstance(event, DeadLetterSettled)] == ["replayed"]
    assert dead_letters(published) == []


async def test_a_failed_replay_reopens_one_dead_letter(services: RunningServices) -> None:
    (dead_letter,) = dead_letters(await services.read(record(body=b"{")))

    published = await services.send_command(ReplayRequested.model_validate(about(dead_letter)))

    assert [(one.dead_letter, one.replays) for one in dead_letters(published)] == [(dead_letter.dead_letter, 1)]


async def test_a_discarded_record_is_handled_by_no_service(
    services: RunningServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as older:
        older.delitem(BY_TYPE, type(GOOD.data).TYPE)
        (dead_letter,) = dead_letters(await services.read(record()))

    await services.send_command(DiscardRequested.model_validate({**about(dead_letter), "why": "not ours"}))

    assert await services.services_knowing("tea") == set()


@pytest.mark.parametrize("topic", [topic.name for topic in TOPICS if topic.name != "privacy.keys"])
def test_every_topic_has_one_reporting_service_which_reads_it(topic: str) -> None:
    reporter = REPORTERS[topic]

    assert [name for name in sorted(SERVICES) if reports(name, topic)] == [reporter]
    assert topic in (*ENGINE_TOPICS, *read_by(reporter))


def read_by(service: str) -> tuple[str, ...]:
    """The topics that a service reads."""
    return {
        "balance-feed": balance_feed.handlers().topics,
        "store-feed": store_feed.handlers(["main"]).topics,
        "catalog-importer": catalog_importer.TOPICS,
        "stock-publisher": stock_publisher.TOPICS,
        "order-exporter": order_exporter.TOPICS,
        "order-notifier": order_notifier.TOPICS,
    }[service]


def test_the_list_of_services_is_complete() -> None:
    assert {*RUN, *OPTIONAL_SERVICES, *PAGES} == SERVICES
