"""The payload of a delivery: all that the receipt in Balance and the event after it need."""

from __future__ import annotations

from typing import Any

from contracts.model import Money, Part


class ReceiptTask(Part):
    """A receipt to be written. `document` is its JSON; the rest is what `PaymentRecorded` will say."""

    shop: str
    order_id: int
    payment: str
    receipt: str
    resource: str
    sale: str
    client: str
    date: str
    amount: Money
    fee: Money
    currency: str
    method: str
    reference: str
    document: dict[str, Any]
