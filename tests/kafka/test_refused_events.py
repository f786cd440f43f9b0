"""Events that Kafka will refuse until a person does something wait, and hold up no other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiokafka.errors import InvalidTopicError, KafkaError, MessageSizeTooLargeError, TopicAuthorizationFailedError

from services.engine.kafka import publisher as publisher_module
from services.engine.kafka.publisher import Publisher
from tests.kafka.publishing import open_producer, versions, wait_until_empty, waiting_events
from tests.kafka.topics import STOCK, Topics, eventually
from tests.outbox.bench import Bench, open_bench
from tests.outbox.sample_service import stock

pytestmark = pytest.mark.kafka


@pytest.mark.parametrize("error", [MessageSizeTooLargeError(), TopicAuthorizationFailedError(), InvalidTopicError()])
async def test_what_kafka_has_is_not_published_again_with_what_it_refuses(
    topics: Topics, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: KafkaError
) -> None:
    """Events behind a refused one of the same key wait for it: compaction would keep the older one."""
    monkeypatch.setattr("services.engine.kafka.publisher.unavailable_wait", lambda *_: 0.0)
    refused = {b"b"}
    async with open_bench(tmp_path) as bench, open_producer(topics) as sender:
        send = sender.send

        async def selective(topic: str, **record: Any) -> asyncio.Future[Any]:
            if record["key"] in refused:
                raise error
            return await send(topic, **record)

        monkeypatch.setattr(sender, "send", selective)
        publisher = Publisher(bench.database, sender, topics.settings.topic_prefix, 5.0)
        await bench.announce(stock("a", 1), stock("b", 1), stock("c", 1), stock("b", 2))
        for _ in range(3):
            await publisher.publish_once()
        assert publisher.failures == 3
        assert type(error).__name__ in publisher.why
        assert await waiting_events(bench) == 2
        refused.clear()
        for _ in range(2):
            await publisher.publish_once()
        assert (await waiting_events(bench), publisher.failures) == (0, 0)
    found = await topics.events(STOCK)
    assert sorted((one.subject, one.sequence) for one in found) == [("a", 1), ("b", 1), ("b", 2), ("c", 1)]
    assert versions(found, "b") == [1, 2]


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of ten events, so that few events fill many of them."""
    module = "services.engine.kafka.publisher"
    monkeypatch.setattr(f"{module}.MAX_EVENTS", 10)
    for name in ("_PAGE", "_NOT_BEHIND"):
        monkeypatch.setattr(f"{module}.{name}", getattr(publisher_module, name).limit(10))


@asynccontextmanager
async def run_refusing(
    bench: Bench, topics: Topics, monkeypatch: pytest.MonkeyPatch, is_refused: Callable[[bytes], bool]
) -> AsyncIterator[tuple[Publisher, list[bytes]]]:
    """Run a publisher; Kafka refuses some keys. The list gets the key of each event that is sent."""
    sent: list[bytes] = []
    async with open_producer(topics) as sender:
        send = sender.send

        async def selective(topic: str, **record: Any) -> asyncio.Future[Any]:
            sent.append(record["key"])
            if is_refused(record["key"]):
                raise MessageSizeTooLargeError
            return await send(topic, **record)

        async def renew() -> None:
            """Kafka has not seen what this test refuses."""

        monkeypatch.setattr(sender, "send", selective)
        monkeypatch.setattr(sender, "renew", renew)
        publisher = Publisher(bench.database, sender, topics.settings.topic_prefix, 5.0)
        bench.engine.on_change.append(publisher.wake)
        running = asyncio.create_task(publisher.run())
        try:
            yield publisher, sent
        finally:
            running.cancel()
            await asyncio.wait([running])


@pytest.mark.usefixtures("small_pages")
async def test_any_number_of_refused_events_delays_no_other(
    topics: Topics, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = {f"refused{n}".encode() for n in range(55)}
    wait = 3600.0
    monkeypatch.setattr("services.engine.kafka.publisher.unavailable_wait", lambda *_: wait)
    async with open_bench(tmp_path) as bench:
        await bench.announce(*[stock(key.decode(), 1) for key in sorted(refused)], stock("good", 1))
        await bench.announce(stock("refused0", 2), stock("good", 2))
        async with run_refusing(bench, topics, monkeypatch, refused.__contains__) as (publisher, sent):

            async def others_are_out() -> bool:
                return await waiting_events(bench) == 56

            await eventually(others_are_out, "the other events are published")
            await bench.announce(stock("later", 1))
            await eventually(others_are_out, "a later event is published")
            assert max(map(sent.count, refused)) <= 2
            assert "MessageSizeTooLargeError" in publisher.why
            refused.clear()
            wait = 0.0
            publisher._refused.retry_at = 0.0
            publisher.wake()
            await wait_until_empty(bench)
            assert (publisher.failures, publisher.why) == (0, "")
    found = await topics.events(STOCK)
    assert sorted(one.data.key for one in found) == sorted(
        [*(f"refused{n}" for n in range(55)), "refused0", "good", "good", "later"]
    )
    assert versions(found, "refused0") == [1, 2]


@pytest.mark.usefixtures("small_pages")
async def test_events_that_kafka_takes_again_are_found_behind_those_that_it_still_refuses(
    topics: Topics, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.engine.kafka.publisher.unavailable_wait", lambda *_: 0.01)
    lasting = {f"a{n}".encode() for n in range(25)}
    passing = {b"z1", b"z2"}
    async with open_bench(tmp_path) as bench:
        await bench.announce(*[stock(key.decode(), 1) for key in sorted(lasting | passing)])
        async with run_refusing(bench, topics, monkeypatch, lambda key: key in lasting | passing) as (_, sent):

            async def tried() -> bool:
                return sent.count(b"z1") >= 2

            await eventually(tried, "the last page is tried again")
            passing.clear()

            async def out() -> bool:
                return await waiting_events(bench) == 25

            await eventually(out, "what Kafka takes again is published")
