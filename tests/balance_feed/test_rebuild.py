"""The state database is a cache of the topics: without it nothing is published twice, and nothing is missed."""

from __future__ import annotations

import asyncio
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from contracts.balance import ItemWithdrawn, PriceChanged, StockChanged
from contracts.model import Event
from contracts.operations import CommandSettled, DeadLettered, DeadLetterSettled, ImportRequested
from services.balance_feed.app import blueprint
from services.balance_feed.handlers import COMMAND, NAME, RESOURCES, Resource, handlers
from services.balance_feed.schedule import Schedule
from services.demo.kafka import Broker
from services.engine.client.commands import issue, open_answers, wait_for_settlement
from services.engine.client.reader import read_events
from services.engine.kafka.record import Record
from services.engine.kafka.topics import create_topics
from services.engine.runtime.service import Service
from services.engine.state.store import read_kind
from services.sandbox.balance import catalogue
from services.sandbox.balance.app import create_balance
from services.sandbox.balance.catalogue import CatalogueRequest
from services.sandbox.balance.record import make_uid
from services.sandbox.server import serve
from services.settings.model import ScheduleSettings, Settings
from tests.balance_feed.feed_bench import FIRST, SMALL, Feed, named, opened_feed, over, settings
from tests.kafka.topics import eventually
from tests.support.engine_bench import Clock, reading
from tests.support.signing import KEYS

FACTS = ("balance.items", "balance.prices", "balance.stock")


@asynccontextmanager
async def rebuilt(feed: Feed, directory: Path) -> AsyncIterator[Feed]:
    """The feed after its state database was lost: it has read its topics again."""
    records = await feed.ledger.records()
    async with reading(NAME, handlers(), directory, feed.clock) as engine:
        await engine.take(records)
        await engine.finish_catch_up()
        async with over(feed.sandbox, feed.settings, engine, directory, feed.clock) as again:
            yield again


async def test_a_rebuilt_database_states_nothing_again(feed: Feed, tmp_path: Path) -> None:
    for resource in RESOURCES:
        await feed.imports(resource)

    async with rebuilt(feed, tmp_path / "new") as again:
        for resource in RESOURCES:
            assert await again.imports(resource) == []
            assert await again.is_quiet(resource)


async def test_versions_go_on_where_they_were(feed: Feed, tmp_path: Path) -> None:
    await feed.imports("items")
    feed.books.items.put(FIRST, {"Name": "ყავა"})
    await feed.imports("items")

    async with rebuilt(feed, tmp_path / "new") as again:
        feed.books.items.put(FIRST, {"Name": "ჩაი"})
        await again.importer.run("items")
        (envelope,) = await again.ledger.envelopes()

    assert (envelope.subject, envelope.sequence) == (FIRST, 3)


async def test_what_went_while_the_database_was_lost_is_withdrawn(feed: Feed, tmp_path: Path) -> None:
    for resource in RESOURCES:
        await feed.imports(resource)
    feed.books.delete_item(FIRST)

    async with rebuilt(feed, tmp_path / "new") as again:
        stated = [event for resource in RESOURCES for event in await again.imports(resource)]

    assert [type(event) for event in stated] == [ItemWithdrawn, PriceChanged, StockChanged]
    assert {event.item for event in named(stated, ItemWithdrawn)} == {FIRST}


async def test_a_rebuilt_feed_holds_a_snapshot_that_lost_too_much(tmp_path: Path) -> None:
    async with opened_feed(tmp_path / "old", CatalogueRequest(extra=40)) as feed:
        await feed.imports("items")
        for number in range(20):
            feed.books.items.delete(make_uid("item", f"extra:{number}"))

        async with rebuilt(feed, tmp_path / "new") as again:
            stated = await again.imports("items")

    assert named(stated, ItemWithdrawn) == []
    assert [dead_letter.reason for dead_letter in named(stated, DeadLettered)] == ["balance.snapshot-shrank"]


async def test_an_open_dead_letter_is_not_written_again_and_closed_once_its_record_is_fixed(
    feed: Feed, tmp_path: Path
) -> None:
    feed.books.items.put(FIRST, {"Name": ""})
    (dead_letter,) = named(await feed.imports("items"), DeadLettered)

    async with rebuilt(feed, tmp_path / "new") as again:
        still = await again.imports("items")
        feed.books.items.put(FIRST, {"Name": "ყავა"})
        events = await again.imports("items")

    assert still == []
    assert [event.dead_letter for event in named(events, DeadLetterSettled)] == [dead_letter.dead_letter]


async def test_a_dead_letter_whose_record_was_fixed_meanwhile_is_closed(feed: Feed, tmp_path: Path) -> None:
    feed.books.items.put(FIRST, {"Name": ""})
    await feed.imports("items")
    feed.books.items.put(FIRST, {"Name": "ყავა"})

    async with rebuilt(feed, tmp_path / "new") as again:
        stated = await again.imports("items")

    assert [event.how for event in named(stated, DeadLetterSettled)] == ["overtaken"]


@pytest.mark.parametrize("answered", [False, True])
async def test_a_command_without_an_answer_is_suntil_open(feed: Feed, tmp_path: Path, answered: bool) -> None:
    reported = {"command_id": "c-1", "asked_at": feed.clock()}
    asked = ImportRequested.model_validate({**reported, "asked_by": "nino", "resource": "items"})
    answer = CommandSettled(command_id="c-1", service=NAME, outcome="done", detail="", settled_at=feed.clock())
    async with feed.engine.work() as work:
        await work.announce([(event, None) for event in ((asked, answer) if answered else (asked,))])

    async with rebuilt(feed, tmp_path / "new") as again:
        kept = [key async for key, _ in read_kind(again.engine.database, COMMAND.name)]

    assert kept == ([] if answered else ["c-1"])


async def test_the_same_record_twice_changes_nothing(feed: Feed, tmp_path: Path) -> None:
    await feed.imports("items")
    records: Sequence[Record] = await feed.ledger.records()

    await feed.engine.take([*records, *records])

    assert await feed.ledger.news() == []
    assert await feed.is_quiet("items")


@asynccontextmanager
async def running(known: Settings) -> AsyncIterator[Service]:
    """The service as it runs in production, caught up."""
    async with blueprint(known) as plan:
        service = Service(plan, known)
        run = asyncio.create_task(service.run())
        ready = asyncio.create_task(service.ready.wait())
        await asyncio.wait([run, ready], return_when=asyncio.FIRST_COMPLETED, timeout=30)
        assert service.ready.is_set(), run
        try:
            yield service
        finally:
            run.cancel()
            await asyncio.wait([run, ready])


async def imported(known: Settings, resource: Resource) -> CommandSettled:
    """Ask the running service for an import, through Kafka."""
    command = ImportRequested(command_id=str(uuid4()), asked_by="nino", asked_at=Clock()(), resource=resource)
    async with open_answers(known.kafka, "operations") as consumer, asyncio.timeout(30):
        await issue(known, command, asked_by="nino")
        return await wait_for_settlement(consumer, command.command_id)


async def facts(known: Settings, at_least: int) -> dict[str, Event]:
    """All facts in the topics, by event id; sends overtake each other on their way to the partitions."""
    async with asyncio.timeout(30):
        while True:
            found = [(envelope.id, envelope.data) async for envelope in read_events(known, FACTS)]
            if len(found) >= at_least:
                assert len(dict(found)) == len(found), "nothing was published twice"
                return dict(found)


def on_kafka(url: str, kafka: Broker, topic_prefix: str, directory: Path) -> Settings:
    """The settings of a service that runs."""
    (directory / "password").write_text("sandbox", encoding="utf-8")
    base = settings(f"{url}/Balance_Exchange/hs/Exchange").model_dump(by_alias=True)
    base["balance"]["password-file"] = directory / "password"
    base["kafka"] = {"bootstrap-servers": kafka.bootstrap_servers, "topic-prefix": topic_prefix}
    base["commands"] = KEYS.model_dump(by_alias=True)
    base["state"] = {"directory": directory / "state"}
    return Settings.model_validate(base)


@pytest.mark.kafka
async def test_through_kafka_a_new_database_is_filled_from_the_topics(
    kafka: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    """Given a feed that has stated everything, when its database is deleted, then it states only what is new."""
    sandbox = create_balance()
    catalogue.fill_catalogue(sandbox.books, SMALL)
    async with serve(sandbox) as served:
        known = on_kafka(served.url, kafka, topic_prefix, tmp_path)
        await create_topics(known.kafka)
        async with running(known):
            seen = sum([(await imported(known, resource)).figures["seen"] for resource in RESOURCES])
            first = await facts(known, seen)
        shutil.rmtree(tmp_path / "state")
        sandbox.books.delete_item(FIRST)

        async with running(known):
            figures = [(await imported(known, resource)).figures for resource in RESOURCES]
            both = await facts(known, seen + 3)

    second = [event for known_id, event in both.items() if known_id not in first]
    assert Counter(type(event) for event in second) == Counter([ItemWithdrawn, PriceChanged, StockChanged])
    assert {event.key for event in second} == {FIRST}
    assert [each["changed"] for each in figures] == [0, 0, 0]


@pytest.mark.claim("K32")
async def test_a_rebuilt_database_is_compared_with_balance_at_once_whatever_the_schedule(
    feed: Feed, tmp_path: Path
) -> None:
    """The topics may have lost facts that were stated before; the schedule may come a day later."""
    for resource in RESOURCES:
        await feed.imports(resource)
    async with rebuilt(feed, tmp_path / "new") as again:
        again.books.stocks.delete(FIRST)
        schedule = Schedule(again.engine, again.importer, ScheduleSettings(**dict.fromkeys(RESOURCES, "0 0 1 1 *")))
        running = asyncio.create_task(schedule.run())
        stated: list[Event] = []

        async def published() -> bool:
            stated.extend(await again.ledger.news())
            return bool(named(stated, StockChanged))

        await eventually(published, "what Balance has not any more is stated")
        running.cancel()
        await asyncio.wait([running])
