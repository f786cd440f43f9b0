"""Notes of an order: private ones, or such as the shop shows to the customer and mails.

A note cannot be changed, and writing one is not idempotent: whoever writes looks for his own first.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import PlainValidator

from services.connectors.woocommerce import php
from services.connectors.woocommerce.api import Api
from services.connectors.woocommerce.read import Answered, Text, Yes


class Note(Answered):
    """A note as the shop holds it; `customer_note` is one that the customer sees. `id` is 0 where it cannot be read."""

    id: Annotated[int, PlainValidator(lambda value: php.whole(value) or 0)] = 0
    note: Text = ""
    customer_note: Yes = False


async def of_order(api: Api, order_id: int) -> list[Note]:
    """All notes of an order, ours and others; the list is not paged. Raises `Rejected` (404) when the order is gone."""
    page = await api.page(_route(order_id), {})
    return [Note.model_validate(row) for row in page.rows]


async def write(api: Api, order_id: int, text: str, *, customer: bool) -> Note:
    """Writes a note and gives its echo. API fact: it fires no webhook (reference section 5)."""
    echo = await api.write("POST", _route(order_id), {"note": text, "customer_note": customer})
    return Note.model_validate(echo)


def _route(order_id: int) -> str:
    return f"/orders/{order_id}/notes"
