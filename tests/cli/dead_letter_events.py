"""Builds dead letters and their events for the tests of the commands."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime, timedelta
from typing import Any

from contracts.operations import DeadLettered, DeadLetterSettled, FailedDelivery, FailedRecord
from contracts.reasons import Reason
from services.cli.dead_letter_log import DeadLetter, DeadLetterEvent, apply_dead_letter_event
from services.engine.outbox.dead_letters import dead_letter_digest

NOW = datetime(2026, 11, 20, 14, tzinfo=UTC)
SALE = {"shop": "main", "order": 998}


def failed_delivery(
    number: int = 1,
    reason: str = Reason.BALANCE_PERIOD_CLOSED,
    order: int = 998,
    service: str = "order-exporter",
    payload: dict[str, Any] | None = None,
    **more: Any,
) -> DeadLettered:
    """The dead letter of a Sale that Balance refused."""
    content = payload or SALE | {"order": order}
    failed = FailedDelivery(
        delivery_id=f"sale:main:{order}",
        subject=f"main:{order}",
        kind="sale",
        lane="balance.documents",
        payload=content,
        blocked_on=more.pop("blocked_on", None),
    )
    person = {"person": more["person"]} if more.get("person") else {}
    common = {
        "detail": "the period is closed",
        "at": NOW,
        "digest": dead_letter_digest(content | person, failed.blocked_on),
    }
    return DeadLettered(
        dead_letter=f"{number:08d}-dead-letter",
        service=service,
        original_key=f"main:{order}",
        reason=reason,
        about=failed.delivery_id,
        delivery=failed,
        **(common | more),
    )


def failed_record(number: int = 9, value: bytes = b"\xffno", topic: str = "davtari.balance.stock") -> DeadLettered:
    """The dead letter of a record that cannot be decoded."""
    failed = FailedRecord(
        topic=topic,
        partition=0,
        offset=7,
        timestamp=0,
        key=b64encode(b"uid").decode(),
        value=b64encode(value).decode(),
        headers=(("ce_type", b64encode(b"davtari.StockChanged.v1").decode()),),
    )
    common = {"detail": "no JSON", "about": f"record {topic}/0/7", "digest": "x", "at": NOW, "record": failed}
    return DeadLettered(
        dead_letter=f"{number:08d}-dead-letter",
        service="stock-publisher",
        original_key="uid",
        reason=Reason.RECORD_INVALID_DATA,
        **common,
    )


def settled(event: DeadLettered, how: Any = "replayed", seconds: float = 10) -> DeadLetterSettled:
    """The event that closes a dead letter."""
    return DeadLetterSettled(
        dead_letter=event.dead_letter,
        service=event.service,
        original_key=event.original_key,
        how=how,
        by="nino",
        at=event.at + timedelta(seconds=seconds),
    )


def dead_letters(*events: DeadLetterEvent) -> list[DeadLetter]:
    """The dead letters after these events."""
    found: dict[str, DeadLetter] = {}
    for event in events:
        apply_dead_letter_event(found, event)
    return list(found.values())
