"""In what an order that the shop lists differs from the order in the topics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal

from contracts.shop import OrderChanged, RefundIssued
from services.cli.day_close.facts import Story
from services.connectors.woocommerce.order_summary import OrderSummary
from services.engine.runtime.tbilisi import local_time


def differences(listed: OrderSummary, story: Story) -> list[str]:
    """Every difference in words; empty when the topics hold what the shop lists."""
    if story.order is None or story.removed:
        return ["the topics do not hold it"]
    return [*_of_order(listed, story.order), *_of_refunds(listed, story.refunds)]


def _of_order(listed: OrderSummary, known: OrderChanged) -> Iterator[str]:
    pairs: dict[str, tuple[object, object]] = {
        "status": (listed.status, known.status),
        "total": (listed.total, known.total),
        "tax": (known.total_tax if listed.total_tax is None else listed.total_tax, known.total_tax),
        "currency": (listed.currency, known.currency),
        "parent": (listed.parent_id, known.parent_id),
        "payment method": (listed.payment_method, known.payment_method),
        "placed": (listed.date_created_gmt, known.created_at),
        "paid": (listed.date_paid_gmt, known.paid_at),
        "completed": (listed.date_completed_gmt, known.completed_at),
    }
    for name, (shop, topics) in pairs.items():
        if shop != topics:
            yield f"{name}: {_text(shop)} in the shop, {_text(topics)} in the topics"


def _of_refunds(listed: OrderSummary, known: Mapping[int, RefundIssued]) -> Iterator[str]:
    amounts = {refund.id: -refund.total for refund in listed.refunds}
    for id_ in sorted(amounts.keys() | known.keys()):
        if id_ not in known:
            yield f"the topics do not hold refund {id_} of {amounts[id_]}"
        elif id_ not in amounts:
            yield f"the shop does not hold refund {id_} of {known[id_].amount} any more"
        elif amounts[id_] != known[id_].amount:
            yield f"refund {id_}: {amounts[id_]} in the shop, {known[id_].amount} in the topics"


def _text(value: object) -> str:
    match value:
        case None | "":
            return "nothing"
        case datetime():
            return local_time(value)
        case Decimal():
            return f"{value:f}"
        case _:
            return str(value)
