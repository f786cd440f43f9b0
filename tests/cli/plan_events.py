"""Events of plans: planned, skipped and written products."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from contracts.catalog import ProductLinked, ProductPlanned, WrittenProduct
from contracts.envelope import Envelope, wrap
from contracts.model import Event
from contracts.reasons import Reason
from tests.support.memory_state import NOON


def wrap_events(*events: Event) -> list[Envelope[Event]]:
    return [wrap(event, version=n, source="t", time=NOON) for n, event in enumerate(events, 1)]


def planned(item: str, digest: str = "d1", **more: Any) -> ProductPlanned:
    payload = WrittenProduct(name=f"Tea {item}", sku=item.upper(), regular_price=Decimal("14.75"), digest=digest)
    known = {"shop": "main", "item": item, "action": "create", "sku": item.upper(), "payload": payload}
    return ProductPlanned.model_validate(known | {"digest": digest, "planned_at": NOON} | more)


def skipped(item: str, reason: Reason) -> ProductPlanned:
    return planned(item, action="skip", reason=reason, payload=None, detail="=cmd|' /C calc'!A0")


def linked(item: str, digest: str, minutes: int, price: str = "14.75") -> ProductLinked:
    held = WrittenProduct(name=f"Tea {item}", sku=item.upper(), regular_price=Decimal(price), digest=digest)
    at = NOON + timedelta(minutes=minutes)
    known = {"shop": "main", "item": item, "product_id": 7, "sku": item.upper(), "how": "created", "linked_at": at}
    return ProductLinked.model_validate(known | {"written": held, "written_at": at})
