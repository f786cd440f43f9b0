"""The documents of an order as they were sent to Balance, or would be: whole, to be read and kept (claim S0.35)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from contracts.envelope import Envelope
from contracts.ledger import (
    CreditNotePlanned,
    CreditNoteRecorded,
    PaymentPlanned,
    PaymentRecorded,
    SalePlanned,
    SaleRecorded,
)
from contracts.model import Event
from contracts.sales_orders import SalesOrderPlanned, SalesOrderRecorded

Planned = SalePlanned | CreditNotePlanned | SalesOrderPlanned | PaymentPlanned
Recorded = SaleRecorded | CreditNoteRecorded | SalesOrderRecorded | PaymentRecorded


def payloads(key: str, envelopes: Iterable[Envelope[Event]]) -> list[dict[str, Any]]:
    """Each document of the order `shop:id` with its JSON: as it was recorded, else as a dry run has planned it."""
    found: dict[str, dict[str, Any]] = {}
    for envelope in envelopes:
        event = envelope.data
        if isinstance(event, Planned | Recorded) and event.key == key:
            name = event.subject.replace("-plan", "")
            if isinstance(event, Recorded) or found.get(name, {}).get("state") != "recorded":
                found[name] = _told(event, envelope)
    return [found[name] for name in sorted(found)]


def _told(event: Planned | Recorded, envelope: Envelope[Event]) -> dict[str, Any]:
    return {
        "document": event.DOCUMENT.replace("-plan", ""),
        "refund": event.refund_id if isinstance(event, CreditNotePlanned | CreditNoteRecorded) else None,
        "state": "recorded" if isinstance(event, Recorded) else "planned",
        "at": envelope.time,
        **_figures(event),
        "currency": event.currency,
        "payload": event.sent,
        **({"parts": [part.sent for part in parts]} if (parts := getattr(event, "parts", ())) else {}),
    }


def _figures(event: Planned | Recorded) -> dict[str, str]:
    """Receipts hold no VAT: that of the Sale stands there."""
    if isinstance(event, PaymentPlanned | PaymentRecorded):
        return {"payment": event.payment, "total": f"{event.amount:f}"}
    return {"total": f"{event.total:f}", "vat": f"{event.vat:f}"}
