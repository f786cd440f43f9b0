"""The broker that all tests of a run share."""

from __future__ import annotations

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from services.demo.kafka import Broker


@pytest.mark.kafka
async def test_a_test_has_its_own_topics_on_the_shared_broker(kafka: Broker, topic_prefix: str) -> None:
    name = f"{topic_prefix}shop.orders"
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap_servers)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, 3, 1)])
        described = await admin.describe_topics([name])
        mine = [each for each in await admin.list_topics() if each.startswith(topic_prefix)]
    finally:
        await admin.close()
    assert [len(topic["partitions"]) for topic in described] == [3]
    assert mine == [name], "no other test has this prefix"
