"""Documents that wait for the accountant, and the approvals given so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from sqlalchemy import BigInteger, Column, Float, Index, String

from contracts.approvals import ApprovalAsked, ApprovalGiven
from contracts.delivery_ids import credit_note_id, order_key, refund_key
from contracts.envelope import Envelope
from contracts.model import Event, Instant, Part
from contracts.order_statuses import is_void
from services.accounting.documents.approval import is_approved
from services.console.model.facts import touch_order
from services.console.model.history import OrderHistory
from services.console.model.rows import metadata
from services.console.model.timeline import shape_ref
from services.engine.outbox.handlers import Remember
from services.engine.state.records import Kind, State
from services.engine.state.tables import record_table

ApprovalState = Literal["waiting", "approved", "closed"]


class ApprovalRow(Part):
    """A document that waits for approval, was approved, or needs none any more (`closed`)."""

    asked: ApprovalAsked
    state: ApprovalState

    @property
    def shop(self) -> str:
        """The shop."""
        return self.asked.shop

    @property
    def order_id(self) -> int:
        """The order."""
        return self.asked.order_id

    @property
    def asked_at(self) -> Instant:
        """Since when it has waited."""
        return self.asked.asked_at


approvals = record_table(
    "approvals",
    metadata,
    Column("state", String, nullable=False),
    Column("shop", String, nullable=False),
    Column("order_id", BigInteger, nullable=False),
    Column("asked_at", Float, nullable=False),
    Index("approvals_by_state", "state", "asked_at", "key"),
)
APPROVALS = Kind("approval-row", ApprovalRow, approvals)
"""By document; the reference is the shape."""
APPROVAL_GIVEN = Kind("approval-given", ApprovalGiven)
"""By command; the reference is the shape."""


def _on_given(envelope: Envelope[ApprovalGiven], state: State) -> None:
    given = envelope.data
    shape = shape_ref(given.shop, given.shape)
    state.put(APPROVAL_GIVEN, given.command_id, given, ref=shape)
    for row in state.find(APPROVALS, shape).values():
        touch_order(order_key(row.shop, row.order_id), state)


APPROVAL_RULES: Mapping[type[Event], Remember] = {ApprovalGiven: _on_given}


def derive_approvals(key: str, history: OrderHistory, first: int, state: State) -> Sequence[ApprovalAsked]:
    """Write the rows of an order's approvals. Returns those that still wait.

    `first`: so many documents of a shape need an approval (`orders.approve-first`).
    """
    waiting: list[ApprovalAsked] = []
    shapes = {document: shape_ref(one.shop, one.shape) for document, one in history.approval_requests.items()}
    given = state.find_many(APPROVAL_GIVEN, shapes.values())
    for document, asked in history.approval_requests.items():
        found = _state_of(asked, key, history, first, list(given[shapes[document]].values()))
        waiting += [asked] if found == "waiting" else []
        state.put(APPROVALS, document, ApprovalRow(asked=asked, state=found), ref=shapes[document])
    return waiting


def _state_of(
    asked: ApprovalAsked, key: str, history: OrderHistory, first: int, given: Sequence[ApprovalGiven]
) -> ApprovalState:
    if not first or _is_closed(asked, key, history):
        return "closed"
    return "approved" if is_approved(asked.document, first, given) else "waiting"


def _is_closed(asked: ApprovalAsked, key: str, history: OrderHistory) -> bool:
    """Whether the document exists, or is not wanted any more."""
    if asked.kind == "sale":
        given_up = history.order is not None and is_void(history.order)
        return bool(history.sales) or history.removed or given_up
    recorded = {credit_note_id(refund_key(key, refund_id)) for refund_id in history.notes}
    issued = {credit_note_id(refund_key(key, refund_id)) for refund_id in history.refunds}
    is_of_refund = asked.refund_id is not None and asked.refund_id > 0
    return asked.document in recorded or (is_of_refund and asked.document not in issued)
