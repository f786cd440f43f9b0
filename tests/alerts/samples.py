"""Sample settings with recipients, dead letters, and their ends."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from contracts.operations import DeadLettered, DeadLetterSettled, FailedDelivery
from contracts.reasons import Reason
from services.settings.alerts import AlertSettings
from services.settings.model import Settings
from tests.outbox.sample_service import NOW
from tests.support.exporting import SHOP, settings

Recipients = Mapping[str, Mapping[str, Any]]
ONE: Recipients = {"everyone": {"url_file": Path("unused")}}
FAST = {"gather": 0.3, "calm": 0.3, "quiet": 0.0}
"""Waits (seconds) of tests in which real time passes."""


def alert_settings(recipients: Recipients = ONE, **more: Any) -> AlertSettings:
    """The recipients and the times of messages."""
    return AlertSettings.model_validate({"recipients": recipients, **more})


def shop_settings(alerts: AlertSettings, **orders: Any) -> Settings:
    """The settings of a shop with live orders."""
    return settings(**orders).model_copy(update={"alerts": alerts})


def dead_letter(
    number: int, reason: str = Reason.SALE_ITEM_NOT_LINKED, at: datetime = NOW, **more: Any
) -> DeadLettered:
    """A dead letter about the Sale of an order."""
    order = f"{SHOP}:{number}"
    delivery = FailedDelivery(
        delivery_id=f"sale:{order}", subject=order, kind="sale", lane="balance.documents", payload={}
    )
    required = {
        "dead_letter": f"dead-letter-{number}",
        "service": "order-exporter",
        "original_key": order,
        "reason": reason,
    }
    fields = {
        "detail": "Nino's order cannot be booked",
        "about": f"sale:{order}",
        "delivery": delivery,
        "digest": "d",
    }
    return DeadLettered.model_validate(required | fields | {"at": at} | more)


def settled(number: int, at: datetime = NOW) -> DeadLetterSettled:
    """The end of that dead letter."""
    return DeadLetterSettled(
        dead_letter=f"dead-letter-{number}",
        service="order-exporter",
        original_key=f"{SHOP}:{number}",
        how="overtaken",
        by="order-exporter",
        at=at,
    )
