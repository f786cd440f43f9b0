"""Personal data on a real broker: sealed in the topics, readable with the keys, unreadable once forgotten."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiokafka.errors import KafkaConnectionError

from contracts.envelope import Envelope, headers, value, wrap
from contracts.model import Event
from contracts.privacy import PersonKeyMade
from contracts.shop import OrderChanged, Person
from services.demo.kafka import Broker
from services.engine.client.reader import read_events
from services.engine.kafka.availability import TopicsMissing
from services.engine.kafka.connection import create_producer
from services.engine.privacy.key_ring import KeyRing, open_key_ring
from services.engine.privacy.keys import TOPIC
from services.engine.privacy.opener import open_opener
from services.engine.privacy.sealer import Sealer
from tests.kafka.topics import Topics, topics_on
from tests.privacy.people import FEED, GIORGI, NINO, NOW, PRIVATE, forgotten, nino, order
from tests.support.signing import with_keys

pytestmark = pytest.mark.kafka
ORDERS = "shop.orders"


@pytest.fixture
async def topics(kafka: Broker, topic_prefix: str) -> AsyncIterator[Topics]:
    """The topics of orders and keys."""
    async with topics_on(kafka, topic_prefix) as found:
        await found.create(ORDERS, TOPIC)
        yield found


def shop_event(event: Event, version: int = 1) -> Envelope[Event]:
    """An event of the shop."""
    return wrap(event, version=version, source=FEED, time=NOW)


async def publish(topics: Topics, ring: KeyRing, *envelopes: Envelope[Event]) -> None:
    """Publish events as a service does."""
    sealer = Sealer(ring, topics.producer, topics.settings.topic_prefix, FEED, lambda: NOW)
    for envelope, body in zip(envelopes, await sealer.values([value(one) for one in envelopes]), strict=True):
        await topics.put(ORDERS, envelope.data.key.encode(), body, headers(envelope))


async def forget(topics: Topics, ref: str) -> None:
    """Delete the key of a person from the topic."""
    for made in [each for each in await topics.events(TOPIC) if isinstance(each.data, PersonKeyMade)]:
        if made.data.person_ref == ref:
            ring = open_key_ring(with_keys(topics.settings))
            (key,) = (await ring.look_up([made.data.kid])).values()
            assert key
            await ring.close()
            await topics.send(forgotten(key, made.sequence + 1))


async def read_persons(topics: Topics) -> list[Person | None]:
    """The persons that a reader finds in the orders."""
    found = [envelope.data async for envelope in read_events(with_keys(topics.settings), [ORDERS])]
    return [event.person for event in found if isinstance(event, OrderChanged)]


@pytest.mark.claim("S2.16")
async def test_personal_data_is_sealed_in_the_log_and_unreadable_without_the_key(topics: Topics) -> None:
    ring = open_key_ring(with_keys(topics.settings))
    await publish(topics, ring, shop_event(order(1)), shop_event(order(2)), shop_event(order(3, GIORGI)))
    written = b"".join(record.value or b"" for record in await topics.raw(ORDERS))
    assert written.count(b'"sealed":"') == 3
    assert [text for text in PRIVATE if text.encode() in written] == []
    assert len(await topics.events(TOPIC)) == 2
    assert await read_persons(topics) == [nino(), nino(), nino(GIORGI)]

    await forget(topics, NINO)
    assert await read_persons(topics) == [None, None, nino(GIORGI)]

    await publish(topics, ring, shop_event(order(4)))
    await ring.close()
    assert await read_persons(topics) == [None, None, nino(GIORGI), nino()]


async def test_a_running_reader_finds_keys_created_later(topics: Topics) -> None:
    ring = open_key_ring(with_keys(topics.settings))
    async with open_opener(with_keys(topics.settings)) as opener:
        for number, ref in enumerate((NINO, GIORGI), start=1):
            await publish(topics, ring, shop_event(order(number, ref)))
            raw = (await topics.raw(ORDERS))[-1]
            read = OrderChanged.model_validate_json(await opener.value(raw.value) or b"")
            assert read == order(number, ref)
    await ring.close()


async def test_unsealed_values_are_readable(topics: Topics) -> None:
    await topics.send(shop_event(order(1)))
    ring = open_key_ring(with_keys(topics.settings))
    await publish(topics, ring, shop_event(order(2, GIORGI)))
    await ring.close()
    assert await read_persons(topics) == [nino(), nino(GIORGI)]


async def test_a_restarted_service_reuses_its_key(topics: Topics) -> None:
    for number in (1, 2):
        ring = open_key_ring(with_keys(topics.settings))
        await publish(topics, ring, shop_event(order(number)))
        await ring.close()
    assert len(await topics.events(TOPIC)) == 1


async def test_a_key_without_acknowledgement_is_published_again_unchanged(
    topics: Topics, monkeypatch: pytest.MonkeyPatch
) -> None:
    # with another key, compaction would remove the first key and make its sealed data unreadable
    ring = open_key_ring(with_keys(topics.settings))
    async with create_producer(topics.settings, FEED) as sender:
        sealer = Sealer(ring, sender, topics.settings.topic_prefix, FEED, lambda: NOW)
        send = sender.send_and_wait

        async def unanswered(*given: object, **named: object) -> None:
            await send(*given, **named)
            raise KafkaConnectionError("no answer")

        with monkeypatch.context() as lost:
            lost.setattr(sender, "send_and_wait", unanswered)
            with pytest.raises(KafkaConnectionError):
                await sealer.values([value(shop_event(order()))])
        await sealer.values([value(shop_event(order()))])
    await ring.close()
    assert len({each.data for each in await topics.events(TOPIC)}) == 1


async def test_without_the_key_topic_nobody_counts_as_forgotten(kafka: Broker, topic_prefix: str) -> None:
    async with topics_on(kafka, topic_prefix) as topics:
        ring = open_key_ring(with_keys(topics.settings))
        with pytest.raises(TopicsMissing, match="davtari topics create"):
            await ring.look_up(["some key"])
