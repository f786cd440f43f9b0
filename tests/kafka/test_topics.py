"""The topics of the manifest on the broker, and reading topics without a group."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from contracts.operations import CommandSettled, ReplayRequested
from contracts.topics import TOPICS
from services.demo.kafka import Broker
from services.engine.client.commands import issue, open_answers, wait_for_settlement
from services.engine.client.reader import read_events
from services.engine.kafka.availability import TopicsMissing
from services.engine.kafka.connection import open_admin
from services.engine.kafka.topics import (
    TopicFault,
    check_topics_exist,
    create_topics,
    describe_topics,
    find_topic_faults,
    fix_topic_configs,
)
from tests.kafka.topics import COMMANDS, OPERATIONS, STOCK, Topics, eventually, topics_on
from tests.outbox.sample_service import envelope, stock
from tests.support.signing import with_keys

pytestmark = pytest.mark.kafka
NOW = datetime(2026, 3, 2, tzinfo=UTC)


async def test_the_topics_are_created_once_as_the_manifest_states(kafka: Broker, topic_prefix: str) -> None:
    async with topics_on(kafka, topic_prefix) as topics:
        made = await create_topics(topics.settings)
        assert sorted(made) == sorted(topic_prefix + topic.name for topic in TOPICS)
        assert await create_topics(topics.settings) == []
        client = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap_servers)
        await client.start()
        described = {each["topic"]: len(each["partitions"]) for each in await client.describe_topics(made)}
        resource = ConfigResource(ConfigResourceType.TOPIC, topic_prefix + STOCK)
        (answer,) = await client.describe_configs([resource])
        await client.close()
    assert described == {topic_prefix + topic.name: topic.partitions for topic in TOPICS}
    config = {entry[0]: entry[1] for entry in answer.resources[0][4]}
    assert (config["cleanup.policy"], config["retention.ms"]) == ("compact", "-1")


async def test_differing_topics_are_named_with_the_fix(kafka: Broker, topic_prefix: str) -> None:
    async with topics_on(kafka, topic_prefix) as topics:
        # given one topic that deletes records, one with other partitions, and all others missing
        await topics.create(STOCK)
        await topics.create("shop.orders", partitions=3)
        await _alter(topics, "shop.orders", {"retention.ms": "60000", "segment.ms": "70000"})

        async def faults() -> dict[tuple[str, str], TopicFault]:
            async with open_admin(topics.settings) as asked:
                found = await find_topic_faults(asked, topics.settings)
            return {(one.topic.removeprefix(topic_prefix), one.kind): one for one in found}

        async def forgets() -> bool:
            fault = (await faults()).get(("shop.orders", "config"))
            return fault is not None and "retention.ms is 60000" in fault.message

        await eventually(forgets, "the retention is seen")
        found = await faults()
        assert found["balance.items", "missing"].fix == "davtari topics create"
        assert found["shop.orders", "config"].fix == "davtari topics create --fix"
        assert "cleanup.policy is delete and must be compact" in found[STOCK, "config"].message
        assert "Never add partitions" in found[STOCK, "partitions"].fix
        with pytest.raises(TopicsMissing, match="davtari topics create"):
            await check_topics_exist(topics.settings, ["balance.items", STOCK])
        # when they are fixed
        await create_topics(topics.settings)
        assert len(await fix_topic_configs(topics.settings)) == 2

        # then only the number of partitions remains, and other settings are kept
        async def fixed() -> bool:
            return set(await faults()) == {(STOCK, "partitions")}

        await eventually(fixed, "nothing but the partitions differs")
        async with open_admin(topics.settings) as asked:
            (found_state,) = (await describe_topics(asked, [topic_prefix + "shop.orders"])).values()
        assert found_state.own["segment.ms"] == "70000"


async def _alter(topics: Topics, name: str, configs: dict[str, str]) -> None:
    async with open_admin(topics.settings) as asked:
        full = topics.settings.topic_prefix + name
        await asked.alter_configs([ConfigResource(ConfigResourceType.TOPIC, full, configs)])


async def test_reading_stops_at_the_current_end_and_skips_foreign_records(topics: Topics) -> None:
    await topics.send(envelope(stock("a", 1), 1))
    await topics.put(STOCK, b"k", b"not ours")
    await topics.send(envelope(stock("a", 2), 2))
    async with asyncio.timeout(10):
        found = [envelope_.sequence async for envelope_ in read_events(with_keys(topics.settings), [STOCK])]
    assert found == [1, 2]


async def test_a_topic_can_be_read_from_a_given_time(topics: Topics) -> None:
    await topics.create(OPERATIONS)
    await topics.send(envelope(stock("a", 1), 1))
    await asyncio.sleep(0.01)
    moment = datetime.now(UTC)
    await asyncio.sleep(0.01)
    await topics.send(envelope(stock("a", 2), 2))
    chosen = with_keys(topics.settings)
    async with asyncio.timeout(10):
        later = [each.sequence async for each in read_events(chosen, [STOCK], since={STOCK: moment})]
        none = [each async for each in read_events(chosen, [STOCK], since={STOCK: datetime.now(UTC)})]
        others = [each.sequence async for each in read_events(chosen, [STOCK], since={OPERATIONS: moment})]
    assert (later, none, others) == ([2], [], [1, 2])


async def test_an_immediate_answer_is_found(topics: Topics) -> None:
    await topics.create(COMMANDS, OPERATIONS)
    command = ReplayRequested(command_id="c1", asked_by="nino", asked_at=NOW, dead_letter="x")
    answer = CommandSettled(command_id="c1", service="s", outcome="done", detail="", settled_at=NOW)
    async with open_answers(topics.settings, OPERATIONS) as reader, asyncio.timeout(10):
        await issue(with_keys(topics.settings), command, asked_by="nino")
        await topics.send(envelope(answer))
        assert await wait_for_settlement(reader, "c1") == answer
