"""Creating the topics of the manifest. Clients never create topics by themselves: that would make one partition."""

from __future__ import annotations

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from contracts.topics import TOPICS, Topic
from services.engine.kafka.connection import admin
from services.engine.kafka.topic_faults import differences, look
from services.settings.kafka import KafkaSettings

THERE_ALREADY = 36
"""Kafka's error code: somebody else has just made the topic."""


class TopicsNotCreated(Exception):
    """Kafka did not create or alter a topic; the message holds its answer."""


class NotListed(TopicsNotCreated):
    """The broker does not know yet of topics that were made."""


async def create_topics(settings: KafkaSettings) -> list[str]:
    """Create what is missing; gives the full names of the topics made now. Existing topics are left as they are.

    Raises `KafkaUnreachable`, and `TopicsNotCreated` with what to do.
    """
    async with admin(settings) as asked:
        there = set(await asked.list_topics())
        missing = [_new(topic, settings) for topic in TOPICS if settings.topic_prefix + topic.name not in there]
        if missing:
            _raise_for(await asked.create_topics(missing, timeout_ms=30_000), settings)
            await _listed(asked, {topic.name for topic in missing})
        return [topic.name for topic in missing]


async def mend_topics(settings: KafkaSettings) -> list[str]:
    """Set the configuration of topics that differ from the manifest; gives what was changed, one text for each topic.

    What else was set for a topic stays. Partitions are left as they are (see `topic_faults.PARTITIONS_STAY`).
    """
    async with admin(settings) as asked:
        found = await look(asked, [settings.topic_prefix + topic.name for topic in TOPICS])
        by_name = {settings.topic_prefix + topic.name: topic for topic in TOPICS}
        wrong = {name: change for name in found if (change := differences(by_name[name], found[name].configs))}
        resources = [
            ConfigResource(ConfigResourceType.TOPIC, name, {**found[name].own, **by_name[name].config()})
            for name in wrong
        ]
        if resources:
            _raise_for_alter(await asked.alter_configs(resources))
    return [f"{name}: {_changed(change)}" for name, change in wrong.items()]


def _changed(change: dict[str, tuple[str, str]]) -> str:
    return ", ".join(f"{key} {before} → {after}" for key, (before, after) in change.items())


@retry(retry=retry_if_exception_type(NotListed), wait=wait_fixed(0.05), stop=stop_after_delay(30), reraise=True)
async def _listed(asked: AIOKafkaAdminClient, names: set[str]) -> None:
    """A broker may not know for a moment of what the controller has made."""
    if missing := names - set(await asked.list_topics()):
        raise NotListed(f"Kafka made topics and does not list them: {sorted(missing)}. Is one of its brokers down?")


def _raise_for(response: object, settings: KafkaSettings) -> None:
    errors = [error for error in getattr(response, "topic_errors", []) if error[1] not in (0, THERE_ALREADY)]
    if errors:
        told = "; ".join(f"{error[0]}: error {error[1]} {error[2:]}" for error in errors)
        who = settings.user_name or "this client"
        raise TopicsNotCreated(
            f"Kafka did not create topics: {told}. Does {who} have the right Create on topics {settings.topic_prefix}* "
            f"(ops/acl), and are there {settings.replication_factor} brokers (kafka.replication-factor)?"
        )


def _raise_for_alter(responses: list[object]) -> None:
    rows = [row for response in responses for row in getattr(response, "resources", [])]
    if errors := [f"{row[3]}: error {row[0]} {row[1] or ''}" for row in rows if row[0]]:
        raise TopicsNotCreated(
            f"Kafka did not alter topics: {'; '.join(errors)}. It needs the right AlterConfigs on them; ask whoever "
            "runs Kafka for it, or for the change itself: davtari check names it"
        )


def _new(topic: Topic, settings: KafkaSettings) -> NewTopic:
    return NewTopic(
        name=settings.topic_prefix + topic.name,
        num_partitions=topic.partitions,
        replication_factor=settings.replication_factor,
        topic_configs=topic.config(),
    )
