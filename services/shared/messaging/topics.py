"""Creating the topics of the manifest. Clients never create topics by themselves: that would make one partition."""

from __future__ import annotations

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from contracts.topics import TOPICS, Topic
from services.shared.settings.model import KafkaSettings


class TopicsNotCreated(Exception):
    """Kafka did not create a topic; the message holds its answer."""


class NotListed(TopicsNotCreated):
    """The broker does not know yet of topics that were made."""


async def create_topics(settings: KafkaSettings) -> list[str]:
    """Create what is missing; gives the full names of the topics made now. Existing topics are left as they are."""
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap_servers, client_id="davtari-topics")
    try:
        await admin.start()
        there = set(await admin.list_topics())
        missing = [_new(topic, settings) for topic in TOPICS if settings.topic_prefix + topic.name not in there]
        if missing:
            _raise_for(await admin.create_topics(missing, timeout_ms=30_000))
            await _listed(admin, {topic.name for topic in missing})
        return [topic.name for topic in missing]
    finally:
        await admin.close()


@retry(retry=retry_if_exception_type(NotListed), wait=wait_fixed(0.05), stop=stop_after_delay(30), reraise=True)
async def _listed(admin: AIOKafkaAdminClient, names: set[str]) -> None:
    """A broker may not know for a moment of what the controller has made."""
    if missing := names - set(await admin.list_topics()):
        raise NotListed(f"Kafka made topics and does not list them: {sorted(missing)}. Is one of its brokers down?")


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
