"""Changes of the stock topic by an operator: records deleted, the topic deleted or created again."""

from __future__ import annotations

from contextlib import suppress

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.errors import UnknownTopicOrPartitionError

from services.engine.kafka.connection import open_admin
from tests.kafka.topics import STOCK, Topics, eventually


async def delete_before(topics: Topics, offset: int) -> None:
    """Delete the records of the stock topic before an offset."""
    admin = AIOKafkaAdminClient(bootstrap_servers=topics.settings.bootstrap_servers)
    await admin.start()
    partition = TopicPartition(topics.settings.topic_prefix + STOCK, 0)
    await admin.delete_records({partition: RecordsToDelete(before_offset=offset)})
    await admin.close()


async def recreate_topic(topics: Topics, partitions: int = 1) -> None:
    """Delete the stock topic and create it again, empty."""
    await delete_topic(topics)

    async def is_recreated() -> bool:
        with suppress(UnknownTopicOrPartitionError):
            await topics.create(STOCK, partitions=partitions)
        return await is_listed(topics)

    await eventually(is_recreated, "the recreated topic")


async def delete_topic(topics: Topics) -> None:
    """Delete the stock topic."""
    async with open_admin(topics.settings) as admin:
        await admin.delete_topics([topics.settings.topic_prefix + STOCK])

    async def is_deleted() -> bool:
        return not await is_listed(topics)

    await eventually(is_deleted, "the deletion of the topic")


async def is_listed(topics: Topics) -> bool:
    admin = AIOKafkaAdminClient(bootstrap_servers=topics.settings.bootstrap_servers)
    await admin.start()
    try:
        return topics.settings.topic_prefix + STOCK in await admin.list_topics()
    finally:
        await admin.close()
