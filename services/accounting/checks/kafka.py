"""Whether anybody else could act as Davtari on Kafka."""

from __future__ import annotations

from contracts.reason_texts import text_of
from contracts.reasons import Reason
from services.accounting.checks.findings import FLOWS, Finding
from services.engine.kafka.authorization import find_exposure
from services.settings.kafka import KafkaSettings


async def check_broker_rights(settings: KafkaSettings) -> list[Finding]:
    """No flow is live on a Kafka that anybody can use. Raises `KafkaUnreachable`."""
    if exposure := await find_exposure(settings):
        reason = Reason.KAFKA_OPEN
        return [Finding("rights", False, f"{exposure} ({reason})", text_of(reason).fix, FLOWS)]
    return [Finding("rights", True, "nobody without a name and rights uses Kafka from another machine")]
