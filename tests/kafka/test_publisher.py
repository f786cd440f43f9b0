"""Events are published from the outbox in order per key, and removed once acknowledged, even through broker outages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    KafkaConnectionError,
    KafkaError,
    MessageSizeTooLargeError,
    OutOfOrderSequenceNumber,
    ProducerFenced,
    UnknownProducerId,
)

from contracts.balance import StockChanged
from contracts.envelope import Envelope
from services.demo.kafka import ArchivesBroker, BrokerUnavailable, open_broker
from services.engine.kafka.connection import create_producer
from services.engine.kafka.publisher import Publisher, RenewableProducer
from services.engine.kafka.record import Record
from services.engine.outbox.handlers import Handlers
from services.engine.state.records import State
from tests.kafka.publishing import open_producer, versions, wait_until_empty, waiting_events
from tests.kafka.topics import STOCK, Topics, eventually, topics_on
from tests.outbox.bench import Bench, Script, open_bench
from tests.outbox.sample_service import NAME, stock

pytestmark = pytest.mark.kafka


@asynccontextmanager
async def run_publisher(bench: Bench, topics: Topics) -> AsyncIterator[Publisher]:
    """Run a publisher while the context lasts."""
    async with open_producer(topics) as sender:
        publisher = Publisher(bench.database, sender, topics.settings.topic_prefix, topics.settings.send_timeout)
        bench.engine.on_change.append(publisher.wake)
        running = asyncio.create_task(publisher.run())
        try:
            yield publisher
        finally:
            running.cancel()
            await asyncio.wait([running])


async def test_events_are_published_in_order_and_removed(topics: Topics, tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench, run_publisher(bench, topics):
        for quantity in range(1, 6):
            await bench.announce(*[stock(f"i{n}", quantity) for n in range(300)])
        await wait_until_empty(bench)
    envelopes = await topics.events(STOCK)
    assert len(envelopes) == 1500
    assert [versions(envelopes, f"i{n}") for n in range(300)] == [[1, 2, 3, 4, 5]] * 300


async def test_events_left_from_an_earlier_run_are_published_at_the_start(topics: Topics, tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        await bench.announce(stock("a"))
    async with open_bench(tmp_path) as again, run_publisher(again, topics):
        await wait_until_empty(again)
    assert versions(await topics.events(STOCK), "a") == [1]


async def test_headers_key_and_value_arrive_unchanged(topics: Topics, tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        await bench.announce(stock("a", 3))
        (meant,) = await bench.published()
        async with run_publisher(bench, topics):
            await wait_until_empty(bench)
    (envelopes,) = await topics.events(STOCK)
    (raw,) = await topics.raw(STOCK)
    assert (envelopes, raw.key) == (meant, b"a")


async def test_a_row_is_kept_until_kafka_acknowledges_it(
    topics: Topics, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refusing(*_: object, **__: object) -> None:
        raise KafkaConnectionError("no broker")

    async with open_bench(tmp_path) as bench, open_producer(topics) as sender:
        publisher = Publisher(bench.database, sender, topics.settings.topic_prefix, 1.0)
        await bench.announce(stock("a"))
        with monkeypatch.context() as down:
            down.setattr(sender, "send", refusing)
            down.setattr("services.engine.kafka.publisher.unavailable_wait", lambda *_: 0.0)
            await publisher.publish_once()
        assert (await waiting_events(bench), publisher.failures) == (1, 1)
        await publisher.publish_once()
        assert (await waiting_events(bench), publisher.failures) == (0, 0)


@asynccontextmanager
async def own_broker() -> AsyncIterator[ArchivesBroker]:
    """A broker for one test, which can be frozen."""
    try:
        async with open_broker("archives") as node:
            yield node
    except BrokerUnavailable as reason:
        pytest.skip(str(reason))


@pytest.mark.long
@pytest.mark.xdist_group("own-broker")
async def test_a_frozen_broker_only_delays_events(
    tmp_path: Path, topic_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.engine.kafka.publisher.unavailable_wait", lambda *_: 0.05)
    async with own_broker() as node, topics_on(node, topic_prefix, timeout=0.5) as topics:
        await topics.create(STOCK)
        async with open_bench(tmp_path / "one") as bench, run_publisher(bench, topics) as publisher:
            await bench.announce(stock("a", 1))
            await wait_until_empty(bench)
            node.pause()
            for quantity in (2, 3):
                await bench.announce(*[stock(item, quantity) for item in "abcde"])

            async def failed() -> bool:
                return publisher.failures >= 3

            await eventually(failed, "three failures")
            assert await waiting_events(bench) == 10
            node.resume()
            await wait_until_empty(bench)
        raw = await topics.raw(STOCK)
    read = [Record(r.topic, r.partition, r.offset, r.timestamp, r.key, r.value, r.headers) for r in raw]
    await check_each_handled_once(tmp_path / "two", read)


async def check_each_handled_once(folder: Path, records: list[Record]) -> None:
    """Check that a consumer of these records handles each event once, in order."""
    handled: list[tuple[str, int]] = []

    def remember(envelopes: Envelope[StockChanged], _: State) -> None:
        handled.append((envelopes.data.item, envelopes.sequence))

    async with open_bench(folder, Handlers((), {StockChanged: remember}, Script())) as bench:
        await bench.take(*records)
    assert sorted(handled) == [("a", 1), ("a", 2), ("a", 3), *[(item, n) for item in "bcde" for n in (1, 2)]]
    assert [each for each in handled if each[0] == "a"] == [("a", 1), ("a", 2), ("a", 3)]


SEQUENCE_ERRORS = [OutOfOrderSequenceNumber(), UnknownProducerId(), ProducerFenced()]


@pytest.mark.claim("K32")
@pytest.mark.parametrize("error", SEQUENCE_ERRORS, ids=lambda error: type(error).__name__)
async def test_a_fenced_producer_is_replaced(
    topics: Topics, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: KafkaError
) -> None:
    monkeypatch.setattr("services.engine.kafka.publisher.unavailable_wait", lambda *_: 0.0)
    made: list[AIOKafkaProducer] = []

    def make() -> AIOKafkaProducer:
        made.append(create_producer(topics.settings, NAME))
        if len(made) == 1:  # as after Kafka was restored from an older copy: it refuses every record of this producer
            monkeypatch.setattr(made[0], "send", refusing(error))
        return made[-1]

    sender = RenewableProducer(make)
    await sender.start()
    async with open_bench(tmp_path) as bench:
        publisher = Publisher(bench.database, sender, topics.settings.topic_prefix, 5.0)
        await bench.announce(stock("a", 1), stock("b", 1))
        await publisher.publish_once()
        assert (await waiting_events(bench), len(made)) == (2, 2)
        await publisher.publish_once()
        assert (await waiting_events(bench), publisher.failures) == (0, 0)
    await sender.stop()
    assert [envelopes.subject for envelopes in await topics.events(STOCK)] == ["a", "b"]


def refusing(error: KafkaError) -> Callable[..., Awaitable[asyncio.Future[None]]]:
    """The errors of Kafka for a producer whose sequence numbers do not continue."""

    async def send(*_: object, **__: object) -> asyncio.Future[None]:
        failed = asyncio.get_running_loop().create_future()
        failed.set_exception(error)
        return failed

    return send


async def test_a_late_acknowledgement_is_waited_for_and_nothing_is_sent_twice(
    topics: Topics, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A producer buffers its records; repeated sends would accumulate there during an outage."""
    monkeypatch.setattr("services.engine.kafka.publisher.unavailable_wait", lambda *_: 0.0)
    sent: list[asyncio.Future[None]] = []

    async def send(*_: object, **__: object) -> asyncio.Future[None]:
        sent.append(asyncio.get_running_loop().create_future())
        return sent[-1]

    async with open_bench(tmp_path) as bench, open_producer(topics) as sender:
        monkeypatch.setattr(sender, "send", send)
        publisher = Publisher(bench.database, sender, topics.settings.topic_prefix, 0.05)
        await bench.announce(stock("a", 1))
        for _ in range(3):
            await publisher.publish_once()
        assert (len(sent), await waiting_events(bench), publisher.failures) == (1, 1, 3)
        await bench.announce(stock("a", 2))
        await publisher.publish_once()
        for one in sent:
            one.set_result(None)
        await publisher.publish_once()
        assert (len(sent), await waiting_events(bench), publisher.failures) == (2, 0, 0)


async def test_a_permanent_error_is_distinguished_from_an_unavailable_broker(
    topics: Topics, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("services.engine.kafka.publisher.unavailable_wait", lambda *_: 0.0)
    async with open_bench(tmp_path) as bench, open_producer(topics) as sender:
        monkeypatch.setattr(sender, "send", refusing(MessageSizeTooLargeError()))
        publisher = Publisher(bench.database, sender, topics.settings.topic_prefix, 5.0)
        await bench.announce(stock("a", 1))
        await publisher.publish_once()
        assert "topics create --fix" in publisher.why
        assert [vars(one)["fix"] for one in caplog.records if "refuses an event" in one.message]
        assert await waiting_events(bench) == 1
