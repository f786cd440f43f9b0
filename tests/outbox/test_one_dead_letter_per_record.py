"""A record that no service can read makes one dead letter, not one for each service; its replay reaches all of them."""

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
from services.cli.registry import OPTIONAL_SERVICES
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
from tests.outbox.shelf import NOW, STOCK, decide, envelope, handlers, stock
from tests.support.engine_bench import DAYS, Clock, Ledger

REPORTER, OTHERS = "balance-feed", ("stock-publisher", "order-exporter", "alerts")
GOOD = envelope(stock("tea"))
UNREADABLE = [
    pytest.param(headers(GOOD), b"{", id="no JSON"),
    pytest.param(headers(GOOD), None, id="a tombstone"),
    pytest.param([], value(GOOD), id="no headers"),
    pytest.param([*headers(GOOD), ("ce_type", b"davtari.StockChanged.v99")], value(GOOD), id="an unknown version"),
]


@dataclass
class House:
    """Services that read the same topics, each with a state of its own."""

    engines: dict[str, Engine]
    ledgers: dict[str, Ledger]
    told: int = 0

    async def reads(self, *records: Record) -> list[Event]:
        """Every service reads these records, and then what the others have said of it; gives all that was said."""
        said: list[Event] = []
        for engine in self.engines.values():
            await engine.take(records)
        while news := [one for ledger in self.ledgers.values() for one in await ledger.envelopes()]:
            said += [one.data for one in news]
            for one in news:
                self.told += 1
                record = Record("dead-letters", 0, self.told, 0, b"k", value(one), headers(one))
                for name, engine in self.engines.items():
                    if name != one.source:
                        await engine.take([record])
        return said

    async def asks(self, command: Event) -> list[Event]:
        """A person's command arrives everywhere; gives all that was said."""
        self.told += 1
        asked = envelope(command)
        return await self.reads(Record("operations", 0, self.told, 0, b"k", value(asked), headers(asked)))

    async def known(self, item: str) -> set[str]:
        """The services that know the stock of an item."""
        found = set()
        for name, engine in self.engines.items():
            async with engine.work() as work:
                if await work.get_many(STOCK, [item]):
                    found.add(name)
        return found


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
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
        yield House(engines, {name: Ledger(engine) for name, engine in engines.items()})


def record(marks: object = headers(GOOD), body: bytes | None = value(GOOD)) -> Record:
    """A record in the topic of Balance's stock."""
    return Record("balance.stock", 0, 7, 0, b"tea", body, marks)  # type: ignore[arg-type]


def asked(letter: DeadLettered) -> dict[str, object]:
    """What every command about a dead letter says."""
    return {"command_id": "c-1", "asked_by": "nino", "asked_at": NOW, "dead_letter": letter.dead_letter}


def letters(said: list[Event]) -> list[DeadLettered]:
    """The dead letters among what was said."""
    return [event for event in said if isinstance(event, DeadLettered)]


@pytest.mark.claim("K29")
@pytest.mark.parametrize(("marks", "body"), UNREADABLE)
async def test_it_is_told_of_by_one_service_once(house: House, marks: object, body: bytes | None) -> None:
    odd = record(marks, body)

    said = await house.reads(odd)
    again = await house.reads(odd)

    assert [(letter.service, letter.record and letter.record.offset) for letter in letters(said)] == [(REPORTER, 7)]
    assert letters(again) == []


async def test_its_replay_reaches_every_service_that_reads_the_topic(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A release has come that knows the type."""
    with monkeypatch.context() as older:
        older.delitem(BY_TYPE, type(GOOD.data).TYPE)
        (letter,) = letters(await house.reads(record()))
    assert await house.known("tea") == set()

    said = await house.asks(ReplayRequested.model_validate(asked(letter)))

    assert await house.known("tea") == {REPORTER, *OTHERS}
    assert [event.how for event in said if isinstance(event, DeadLetterSettled)] == ["replayed"]
    assert letters(said) == []


async def test_a_replay_in_vain_makes_one_dead_letter_again(house: House) -> None:
    (letter,) = letters(await house.reads(record(body=b"{")))

    said = await house.asks(ReplayRequested.model_validate(asked(letter)))

    assert [(one.dead_letter, one.replays) for one in letters(said)] == [(letter.dead_letter, 1)]


async def test_one_that_is_discarded_concerns_nobody_any_more(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as older:
        older.delitem(BY_TYPE, type(GOOD.data).TYPE)
        (letter,) = letters(await house.reads(record()))

    await house.asks(DiscardRequested.model_validate({**asked(letter), "why": "not ours"}))

    assert await house.known("tea") == set()


@pytest.mark.parametrize("topic", [topic.name for topic in TOPICS if topic.name != "privacy.keys"])
def test_every_topic_has_one_service_that_reports_and_that_reads_it(topic: str) -> None:
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


def test_no_service_is_forgotten() -> None:
    assert {*RUN, *OPTIONAL_SERVICES} == SERVICES
