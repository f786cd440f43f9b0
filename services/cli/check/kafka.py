"""Kafka as `davtari check` sees it: is it there, are the topics as the manifest says, may we have them made."""

from __future__ import annotations

from contracts.topics import TOPICS
from services.accounting.checks.finding import FLOWS, Finding
from services.engine.kafka.connection import admin
from services.engine.kafka.topic_faults import CREATE, TopicFault, topic_faults
from services.engine.kafka.topics import create_topics, mend_topics
from services.settings.kafka import KafkaSettings


def title(settings: KafkaSettings) -> str:
    """Which Kafka, and as whom."""
    who = f", as {settings.user_name} ({settings.sasl_mechanism})" if settings.uses_sasl else ""
    return f"Kafka     {settings.bootstrap_servers}   {settings.security_protocol}{who}"


async def findings(settings: KafkaSettings) -> list[Finding]:
    """What is to be said of the topics. Raises `KafkaUnreachable`."""
    async with admin(settings) as asked:
        faults = await topic_faults(asked, settings)
    missing = [fault.topic for fault in faults if fault.kind == "missing"]
    told = f"{len(TOPICS) - len(missing)} of {len(TOPICS)} topics there"
    told += f"; missing: {', '.join(missing)}" if missing else ""
    found = [Finding("topics", not missing, told, CREATE if missing else "", FLOWS)]
    return [*found, *[_finding(fault) for fault in faults if fault.kind != "missing"], *_open(settings)]


def _finding(fault: TopicFault) -> Finding:
    return Finding("topic", None if fault.kind == "partitions" else False, fault.told, fault.fix)


def _open(settings: KafkaSettings) -> list[Finding]:
    if settings.security_protocol != "SASL_PLAINTEXT" or settings.sasl_mechanism != "PLAIN":
        return []
    told = "the password travels unencrypted"
    return [Finding("kafka.security-protocol", None, told, 'use "SASL_SSL", or a SCRAM mechanism')]


async def mended(settings: KafkaSettings) -> list[str]:
    """Make missing topics and set the configuration of those that differ; gives what was done. Safe to repeat."""
    made = [f"topic {name} made" for name in await create_topics(settings)]
    return made + [f"topic {changed}" for changed in await mend_topics(settings)]
