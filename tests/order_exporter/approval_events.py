"""Approvals that an accountant gives, and those that the exporters ask for."""

from __future__ import annotations

from typing import Any

from contracts.approvals import ApprovalAsked, ApprovalGiven
from services.engine.outbox.decision import Decision
from tests.support.exporting import PAID, SHOP

SHAPE = "Sale · bog · VAT 18 · GEL · retail client"


def approval(document: str | None = None, *, shape: str = SHAPE, **fields: Any) -> ApprovalGiven:
    id_ = f"approval of {document or shape}"
    given = {"command_id": id_, "asked_by": "nino", "asked_at": PAID, "shop": SHOP, "shape": shape}
    return ApprovalGiven.model_validate(given | {"document": document} | fields)


def approvals_asked(decision: Decision) -> list[ApprovalAsked]:
    return [event for event in decision.announce if isinstance(event, ApprovalAsked)]
