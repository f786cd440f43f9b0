"""How a refund is named to a person."""

from __future__ import annotations

from contracts.shop import RefundIssued


def name_of(refund: RefundIssued) -> str:
    """`refund 1051 of order 1042 of shop main`."""
    return f"refund {refund.refund_id} of order {refund.order_id} of shop {refund.shop}"
