"""Refunds that take nothing out of the books, because their order was never in them."""

from __future__ import annotations

from contracts.delivery_ids import refund_key
from contracts.ledger import NothingToCredit
from services.refund_exporter.case import Case
from services.refund_exporter.projection import NOTHING_DUE


def nothing_due(case: Case) -> tuple[NothingToCredit, ...]:
    """What is to be said of the open refunds of an order that was never sold; what was said already is not repeated."""
    if not case.never_sold or case.part_of:
        return ()
    said = (
        NothingToCredit(
            shop=refund.shop,
            order_id=refund.order_id,
            refund_id=refund.refund_id,
            amount=refund.amount,
            currency=refund.currency,
            why=case.never_sold,
            seen_at=case.state.now,
        )
        for refund in case.open_refunds().values()
    )
    return tuple(event for event in said if not _is_known(event, case))


def _is_known(event: NothingToCredit, case: Case) -> bool:
    known = case.state.get(NOTHING_DUE, refund_key(event.key, event.refund_id))
    return known is not None and (known.amount, known.why) == (event.amount, event.why)
