"""Dead letters of deliveries and records, as the services publish them."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from contracts.operations import DeadLettered, FailedDelivery, FailedRecord
from tests.support.exporting import PAID


def dead_letter_of_delivery(service: str, subject: str, key: str = "", delivery: str = "") -> DeadLettered:
    """The dead letter of a delivery; its key is its subject unless another is given."""
    failed = FailedDelivery(delivery_id=delivery or f"x:{subject}", subject=subject, kind="x", lane="l", payload={})
    return _dead_letter(service, key or subject, delivery or f"x:{subject}", delivery=failed)


def dead_letter_of_record(service: str, topic: str, key: str) -> DeadLettered:
    """The dead letter of a record that cannot be handled."""
    coded = b64encode(key.encode()).decode()
    failed = FailedRecord(
        topic=f"davtari.{topic}", partition=0, offset=7, timestamp=0, key=coded, value=None, headers=()
    )
    return _dead_letter(service, key, f"record {topic}/0/7", record=failed)


def _dead_letter(service: str, key: str, about: str, **more: Any) -> DeadLettered:
    common = {"reason": "shop.refused", "detail": "no", "digest": "d", "at": PAID}
    return DeadLettered(
        dead_letter=f"{service}|{about}", service=service, original_key=key, about=about, **common, **more
    )
