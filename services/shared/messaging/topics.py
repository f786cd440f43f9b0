"""Creating the topics of the manifest. Clients never create topics by themselves: that would make one partition."""

from __future__ import annotations

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from tenacity import AsyncRetrying, RetryCallState, retry_if_result, stop_after_delay, wait_fixed

from contracts.topics import TOPICS, Topic
from services.shared.settings.model import KafkaSettings


async def create_topics(settings: KafkaSettings) -> list[str]:
    """Create what is missing; gives the full names of the topics made now. Existing topics are left as they are."""
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap_servers, client_id="davtari-topics")
    try:
        await admin.start()
        there = set(await admin.list_topics())
        missing = [_new(topic, settings) for topic in TOPICS if settings.topic_prefix + topic.name not in there]
        if missing:
            _raise_for(await admin.create_topics(missing, timeout_ms=30_000))
            await _known(admin, {topic.name for topic in missing})
        return [topic.name for topic in missing]
    finally:
        await admin.close()


async def _known(admin: AIOKafkaAdminClient, names: set[str]) -> None:
    """A broker may not know for a moment of what the controller has made."""
    not_yet = AsyncRetrying(
        retry=retry_if_result(bool), wait=wait_fixed(0.05), stop=stop_after_delay(30), retry_error_callback=_never_known
    )
    await not_yet(lambda: _unknown(admin, names))


async def _unknown(admin: AIOKafkaAdminClient, names: set[str]) -> set[str]:
    return names - set(await admin.list_topics())


def _never_known(state: RetryCallState) -> None:
    raise TopicsNotCreated("Kafka made the topics and does not list them after 30 s: is one of its brokers down?")


class TopicsNotCreated(Exception):
    """Kafka did not create a topic; the message holds its answer."""


def _raise_for(response: object) -> None:
    errors = [error for error in getattr(response, "topic_errors", []) if error[1] not in (0, 36)]
    if errors:
        raise TopicsNotCreated("; ".join(f"{error[0]}: error {error[1]} {error[2:]}" for error in errors))


def _new(topic: Topic, settings: KafkaSettings) -> NewTopic:
    return NewTopic(
        name=settings.topic_prefix + topic.name,
        num_partitions=topic.partitions,
        replication_factor=settings.replication_factor,
        topic_configs=topic.config(),
    )
