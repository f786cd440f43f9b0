"""Creates the topics of the manifest, compares existing ones with it, and corrects their configuration.

Clients never create topics: a topic created automatically would have one partition.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from contracts.topics import BY_NAME, TOPICS, Topic
from services.engine.kafka.connection import open_admin, topics_missing_error
from services.settings.kafka import KafkaSettings

log = logging.getLogger(__name__)
CREATE, FIX = "davtari topics create", "davtari topics create --fix"
TOPIC_ALREADY_EXISTS = 36
"""Error code of the Kafka protocol."""
SET_FOR_TOPIC = 1
"""Source of a configuration value that was set for the topic itself (Kafka protocol)."""
MINIMUMS = frozenset({"max.message.bytes", "min.compaction.lag.ms", "delete.retention.ms"})
"""Larger values than the manifest's are fine."""
PARTITIONS_FIX = (
    "It works as it is. Never add partitions to a topic with keys: later events of a key would go to another partition "
    "than its earlier ones, so their order would be lost and compaction would keep both. To change the number: stop "
    "the services, run davtari events export --topic NAME, delete the topic, run davtari topics create and davtari "
    "events replay"
)


class TopicsNotCreated(Exception):
    """Kafka did not create or alter a topic; the message contains its answer."""


class TopicsNotListed(TopicsNotCreated):
    """The broker does not list topics that were just created."""


@dataclass(frozen=True, slots=True)
class TopicState:
    """An existing topic. `configs` is None if we may not read them; `own` are the values set for the topic itself."""

    partitions: int
    configs: Mapping[str, str] | None
    own: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class TopicFault:
    """How one topic differs from the manifest. Services run with a fault of the kind "partitions"."""

    topic: str
    kind: Literal["missing", "partitions", "config"]
    message: str
    fix: str


async def find_topic_faults(
    client: AIOKafkaAdminClient, settings: KafkaSettings, names: Collection[str] = tuple(BY_NAME)
) -> list[TopicFault]:
    """The differences from the manifest; `names` are without the prefix. Raises `KafkaError`."""
    wanted = {settings.topic_prefix + name: BY_NAME[name] for name in names}
    found = await describe_topics(client, list(wanted))
    return [fault for name, topic in wanted.items() for fault in compare_topic(topic, name, found.get(name))]


async def check_topics_exist(settings: KafkaSettings, names: Collection[str]) -> None:
    """Check that these topics exist; other faults are logged, once per process.

    Raises `KafkaUnreachable` and `TopicsMissing`.
    """
    async with open_admin(settings) as client:
        found = await find_topic_faults(client, settings, names)
    if missing := [fault.topic for fault in found if fault.kind == "missing"]:
        raise topics_missing_error(settings, missing)
    for fault in found:
        _log_once(fault)


@cache
def _log_once(fault: TopicFault) -> None:
    log.warning("a topic differs from the manifest", extra={"why": fault.message, "fix": fault.fix})


async def describe_topics(client: AIOKafkaAdminClient, names: Sequence[str]) -> dict[str, TopicState]:
    """The topics of these full names that exist."""
    listed = set(await client.list_topics())
    existing = [name for name in names if name in listed]
    if not existing:
        return {}
    partitions = {one["topic"]: len(one["partitions"]) for one in await client.describe_topics(existing)}
    answers = await client.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name) for name in existing])
    entries = {row[3]: row[4] for answer in answers for row in answer.resources if row[0] == 0}
    return {name: _topic_state(partitions[name], entries.get(name)) for name in existing}


def _topic_state(partitions: int, entries: Iterable[Sequence[Any]] | None) -> TopicState:
    if entries is None:
        return TopicState(partitions, None, {})
    rows = list(entries)
    own = {row[0]: row[1] for row in rows if row[3] == SET_FOR_TOPIC}
    return TopicState(partitions, {row[0]: row[1] for row in rows}, own)


def compare_topic(topic: Topic, name: str, found: TopicState | None) -> list[TopicFault]:
    """The differences of one topic, which has this full name."""
    if found is None:
        return [TopicFault(name, "missing", f"{name} is missing", CREATE)]
    faults = []
    if found.partitions != topic.partitions:
        message = f"{name} has {found.partitions} partitions, the manifest says {topic.partitions}"
        faults.append(TopicFault(name, "partitions", message, PARTITIONS_FIX))
    if differing := config_differences(topic, found.configs):
        message = ", ".join(f"{key} is {value} and must be {wanted}" for key, (value, wanted) in differing.items())
        faults.append(TopicFault(name, "config", f"{name}: {message}", FIX))
    return faults


def config_differences(topic: Topic, configs: Mapping[str, str] | None) -> dict[str, tuple[str, str]]:
    """`{key: (value, wanted value)}`; empty if we may not read the configuration."""
    if configs is None:
        return {}
    return {
        key: (configs.get(key, "not set"), wanted)
        for key, wanted in topic.config().items()
        if not _is_sufficient(key, configs.get(key, ""), wanted)
    }


def _is_sufficient(key: str, value: str, wanted: str) -> bool:
    if key in MINIMUMS and value.lstrip("-").isdigit():
        return int(value) >= int(wanted)
    return value == wanted


async def create_topics(settings: KafkaSettings) -> list[str]:
    """Create the missing topics and return their full names. Existing topics stay as they are.

    Raises `KafkaUnreachable`, and `TopicsNotCreated` with what to do.
    """
    async with open_admin(settings) as client:
        existing = set(await client.list_topics())
        missing = [
            _new_topic(topic, settings) for topic in TOPICS if settings.topic_prefix + topic.name not in existing
        ]
        if missing:
            _raise_for_create(await client.create_topics(missing, timeout_ms=30_000), settings)
            await _wait_until_listed(client, {topic.name for topic in missing})
        return [topic.name for topic in missing]


async def fix_topic_configs(settings: KafkaSettings) -> list[str]:
    """Set the configuration of topics that differ from the manifest; returns one line for each changed topic.

    Other values that were set for a topic are kept. Partitions are not changed (see `PARTITIONS_FIX`).
    """
    wanted = {settings.topic_prefix + topic.name: topic for topic in TOPICS}
    async with open_admin(settings) as client:
        found = await describe_topics(client, list(wanted))
        wrong = {name: change for name in found if (change := config_differences(wanted[name], found[name].configs))}
        resources = [
            ConfigResource(ConfigResourceType.TOPIC, name, {**found[name].own, **wanted[name].config()})
            for name in wrong
        ]
        if resources:
            _raise_for_alter(await client.alter_configs(resources))
    return [f"{name}: {_describe_change(change)}" for name, change in wrong.items()]


def _describe_change(change: dict[str, tuple[str, str]]) -> str:
    return ", ".join(f"{key} {before} → {after}" for key, (before, after) in change.items())


@retry(retry=retry_if_exception_type(TopicsNotListed), wait=wait_fixed(0.05), stop=stop_after_delay(30), reraise=True)
async def _wait_until_listed(client: AIOKafkaAdminClient, names: set[str]) -> None:
    """A broker may not know at once what the controller has created."""
    if missing := names - set(await client.list_topics()):
        raise TopicsNotListed(f"Kafka created {sorted(missing)} but does not list them. Is one of its brokers down?")


def _raise_for_create(response: object, settings: KafkaSettings) -> None:
    errors = [error for error in getattr(response, "topic_errors", []) if error[1] not in (0, TOPIC_ALREADY_EXISTS)]
    if errors:
        answers = "; ".join(f"{error[0]}: error {error[1]} {error[2:]}" for error in errors)
        user = settings.user_name or "this client"
        raise TopicsNotCreated(
            f"Kafka did not create topics: {answers}. Does {user} have the right Create on topics "
            f"{settings.topic_prefix}* (ops/acl), and are there {settings.replication_factor} brokers "
            "(kafka.replication-factor)?"
        )


def _raise_for_alter(responses: list[object]) -> None:
    rows = [row for response in responses for row in getattr(response, "resources", [])]
    if errors := [f"{row[3]}: error {row[0]} {row[1] or ''}" for row in rows if row[0]]:
        raise TopicsNotCreated(
            f"Kafka did not alter topics: {'; '.join(errors)}. The right AlterConfigs on them is needed; ask the "
            "administrator of Kafka for it, or to make the change: davtari check names it"
        )


def _new_topic(topic: Topic, settings: KafkaSettings) -> NewTopic:
    return NewTopic(
        name=settings.topic_prefix + topic.name,
        num_partitions=topic.partitions,
        replication_factor=settings.replication_factor,
        topic_configs=topic.config(),
    )
