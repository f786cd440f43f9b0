"""The accountant's approval (claims I5, S1.12): the first documents of a shape are approved one by one.

A document passes when it is approved itself, when its shape is approved, or when as many documents of its shape as
`shops.*.orders.approve-first` were approved. Everything is in events, so a rebuilt database has it too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from contracts.approvals import ApprovalAsked, ApprovalGiven
from contracts.delivery_ids import order_key
from contracts.envelope import Envelope
from contracts.ledger import RecordedLine
from contracts.model import Event
from contracts.reasons import Reason
from services.accounting.documents.figures import number
from services.engine.outbox.handlers import Remember
from services.engine.outbox.outcome import Blocked
from services.engine.state.records import Kind, State

ASKED = Kind("approval-asked", ApprovalAsked)
"""By document; the reference is the shape in its shop."""
GIVEN = Kind("approval-given", ApprovalGiven)
"""By command; the reference is the shape in its shop."""


@dataclass(frozen=True, slots=True)
class ApprovalCandidate:
    """A document that is ready. `id` is its delivery's; documents of the same `shape` are alike."""

    id: str
    kind: Literal["sale", "credit-note"]
    shop: str
    order_id: int
    refund_id: int | None
    shape: str
    total: Decimal
    currency: str

    @property
    def shape_key(self) -> str:
        """The shape in its shop: an approval is valid for one shop only."""
        return shape_key(self.shop, self.shape)


def shape_key(shop: str, shape: str) -> str:
    """The key of a shape of a shop."""
    return f"{shop}|{shape}"


def describe_vat(lines: Iterable[RecordedLine]) -> str:
    """The VAT rates of a document's lines: `VAT 0+18`, `VAT none`."""
    rates = {line.vat_percent for line in lines}
    known = [number(rate) for rate in sorted(rate for rate in rates if rate is not None)]
    return f"VAT {'+'.join([*known, *(['none'] if None in rates else [])])}"


def wait_for_approval(one: ApprovalCandidate, first: int, state: State) -> Blocked | None:
    """What the document waits for, None if it may be sent. `first`: how many of a shape are approved one by one."""
    if first == 0 or is_approved(one.id, first, state.find(GIVEN, one.shape_key).values()):
        return None
    return Blocked(
        on=f"approval:{one.id}",
        reason=Reason.APPROVAL_WAITS,
        detail=f"{one.id}, {one.total} {one.currency}, is among the first of its shape ({one.shape}) and waits for the "
        f"accountant: davtari approve document {one.id}, or davtari approve shape for all of them",
    )


def wait_for_removal_approval(one: ApprovalCandidate, state: State) -> Blocked | None:
    """The same for a document that reverses the Sale of an order that no longer exists in the shop.

    Earlier approvals do not count: it must be approved itself, or its whole shape.
    """
    given = {each.document for each in state.find(GIVEN, one.shape_key).values()}
    if None in given or one.id in given:
        return None
    return Blocked(
        on=f"approval:{one.id}",
        reason=Reason.APPROVAL_REMOVAL,
        detail=f"{one.id}, {one.total} {one.currency}, reverses the Sale of an order that no longer exists in the "
        f"shop: if the goods came back, davtari approve document {one.id}; if not, restore the order in the shop",
    )


def is_approved(document: str, first: int, given: Iterable[ApprovalGiven]) -> bool:
    """Whether a document passes with these approvals of its shape."""
    documents = {each.document for each in given}
    return None in documents or document in documents or len(documents) >= first


def ask_for_approval(one: ApprovalCandidate, state: State, now: datetime) -> tuple[ApprovalAsked, ...]:
    """The question to the accountant; none if the same question was asked already."""
    known = state.get(ASKED, one.id)
    if known and (known.shape, known.total, known.currency) == (one.shape, one.total, one.currency):
        return ()
    question = ApprovalAsked(
        shop=one.shop,
        document=one.id,
        kind=one.kind,
        order_id=one.order_id,
        refund_id=one.refund_id,
        shape=one.shape,
        total=one.total,
        currency=one.currency,
        asked_at=now,
    )
    return (question,)


def approval_rules(kind: Literal["sale", "credit-note"]) -> Mapping[type[Event], Remember]:
    """The rules for questions and approvals in the service that creates this kind of document."""

    def questioned(envelope: Envelope[ApprovalAsked], state: State) -> None:
        question = envelope.data
        if question.kind == kind:
            state.put(ASKED, question.document, question, ref=shape_key(question.shop, question.shape))

    def approved(envelope: Envelope[ApprovalGiven], state: State) -> None:
        given = envelope.data
        key = shape_key(given.shop, given.shape)
        state.put(GIVEN, given.command_id, given, ref=key)
        for document, question in state.find(ASKED, key).items():
            state.release(f"approval:{document}")
            state.touch(order_key(question.shop, question.order_id))

    return {ApprovalAsked: questioned, ApprovalGiven: approved}
