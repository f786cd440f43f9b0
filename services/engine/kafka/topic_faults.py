"""What is wrong with the topics, compared with the manifest, and what mends it."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from contracts.topics import BY_NAME, Topic
from services.engine.kafka.connection import admin, topics_missing
from services.settings.kafka import KafkaSettings

log = logging.getLogger(__name__)
CREATE, MEND = "davtari topics create", "davtari topics create --mend"
OWN = 1
"""The source of a value that was set for the topic itself (Kafka protocol)."""
AT_LEAST = frozenset({"max.message.bytes", "min.compaction.lag.ms", "delete.retention.ms"})
"""More than the manifest asks for does no harm here."""
PARTITIONS_STAY = (
    "It works as it is. Partitions are never added to a topic with keys: later events of a key would stand in another "
    "partition than its earlier ones, so their order would be lost, and compaction would keep both. To have another "
    "number: stop the services, davtari events export --topic NAME, delete that topic, davtari topics create, davtari "
    "events replay"
)


@dataclass(frozen=True, slots=True)
class Found:
    """A topic as it stands. `configs` are None where we may not look at them; `own` were set for it by somebody."""

    partitions: int
    configs: Mapping[str, str] | None
    own: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class TopicFault:
    """What is wrong with one topic. `kind` "partitions" can be lived with."""

    topic: str
    kind: Literal["missing", "partitions", "config"]
    told: str
    fix: str


async def topic_faults(
    asked: AIOKafkaAdminClient, settings: KafkaSettings, names: Collection[str] = tuple(BY_NAME)
) -> list[TopicFault]:
    """What differs from the manifest, topic by topic; `names` stand without the prefix. Raises `KafkaError`."""
    full = {settings.topic_prefix + name: BY_NAME[name] for name in names}
    found = await look(asked, list(full))
    return [fault for name, topic in full.items() for fault in faults(topic, name, found.get(name))]


async def topics_there(settings: KafkaSettings, names: Collection[str]) -> None:
    """Whether the topics of these names are there; what else is wrong with them is logged, once in a process.

    Raises `KafkaUnreachable` and `TopicsMissing`.
    """
    async with admin(settings) as asked:
        found = await topic_faults(asked, settings, names)
    if missing := [fault.topic for fault in found if fault.kind == "missing"]:
        raise topics_missing(settings, missing)
    for fault in found:
        _say(fault)


@cache
def _say(fault: TopicFault) -> None:
    log.warning("a topic is not as it should be", extra={"why": fault.told, "fix": fault.fix})


async def look(asked: AIOKafkaAdminClient, names: Sequence[str]) -> dict[str, Found]:
    """The topics that exist, by full name."""
    known = set(await asked.list_topics())
    there = [name for name in names if name in known]
    if not there:
        return {}
    partitions = {one["topic"]: len(one["partitions"]) for one in await asked.describe_topics(there)}
    answers = await asked.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name) for name in there])
    entries = {row[3]: row[4] for answer in answers for row in answer.resources if row[0] == 0}
    return {name: _found(partitions[name], entries.get(name)) for name in there}


def _found(partitions: int, entries: Iterable[Sequence[Any]] | None) -> Found:
    if entries is None:
        return Found(partitions, None, {})
    rows = list(entries)
    own = {row[0]: row[1] for row in rows if row[3] == OWN}
    return Found(partitions, {row[0]: row[1] for row in rows}, own)


def faults(topic: Topic, name: str, found: Found | None) -> list[TopicFault]:
    """What differs for one topic, under its full name."""
    if found is None:
        return [TopicFault(name, "missing", f"{name} is missing", CREATE)]
    wrong = []
    if found.partitions != topic.partitions:
        told = f"{name} has {found.partitions} partitions, the manifest says {topic.partitions}"
        wrong.append(TopicFault(name, "partitions", told, PARTITIONS_STAY))
    if differing := differences(topic, found.configs):
        told = ", ".join(f"{key} is {is_} and must be {wanted}" for key, (is_, wanted) in differing.items())
        wrong.append(TopicFault(name, "config", f"{name}: {told}", MEND))
    return wrong


def differences(topic: Topic, configs: Mapping[str, str] | None) -> dict[str, tuple[str, str]]:
    """`{key: (what it is, what it must be)}`; nothing where we may not look."""
    if configs is None:
        return {}
    return {
        key: (configs.get(key, "not set"), wanted)
        for key, wanted in topic.config().items()
        if not _serves(key, configs.get(key, ""), wanted)
    }


def _serves(key: str, value: str, wanted: str) -> bool:
    if key in AT_LEAST and value.lstrip("-").isdigit():
        return int(value) >= int(wanted)
    return value == wanted
