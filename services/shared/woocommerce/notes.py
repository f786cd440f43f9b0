"""Notes of an order: private ones, or such as the shop shows to the customer and mails.

A note cannot be changed, and writing one is not idempotent: whoever writes looks for his own first.
"""

from __future__ import annotations

from contracts.reasons import Reason
from services.shared.woocommerce.api import Api
from services.shared.woocommerce.read import Answered, Text, Whole, reading


class Note(Answered):
    """A note as the shop holds it; `customer_note` is one that the customer sees."""

    id: Whole
    note: Text = ""
    customer_note: bool = False


async def of_order(api: Api, order_id: int) -> list[Note]:
    """All notes of an order, ours and others; the list is not paged. Raises `Rejected` (404) when the order is gone."""
    page = await api.page(_route(order_id), {})
    with reading(f"shop {api.shop}: notes of order {order_id}", Reason.SHOP_BAD_ANSWER):
        return [Note.model_validate(row) for row in page.rows]


async def write(api: Api, order_id: int, text: str, *, customer: bool) -> Note:
    """Writes a note and gives its echo. API fact: it fires no webhook (reference section 5)."""
    echo = await api.write("POST", _route(order_id), {"note": text, "customer_note": customer})
    with reading(f"shop {api.shop}: the new note of order {order_id}", Reason.SHOP_BAD_ANSWER):
        return Note.model_validate(echo)


def _route(order_id: int) -> str:
    return f"/orders/{order_id}/notes"
