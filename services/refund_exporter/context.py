"""Everything known about the refunds of one order, and the credit note that each of them needs now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from contracts.delivery_ids import refund_key
from contracts.ledger import CreditNoteRecorded, SaleDiverged, is_reversal
from contracts.order_statuses import ENDED_STATUSES
from contracts.shop import OrderChanged, RefundIssued, RefundUnreadable
from services.accounting.documents.push import Push, pushes_of, wants_plan
from services.accounting.documents.trigger import is_triggered, role_of
from services.accounting.documents.unbookable import Unbookable
from services.engine.state.records import State
from services.refund_exporter.composition import EarlierNote, as_earlier, compose_task
from services.refund_exporter.credit_note import build_credit_note
from services.refund_exporter.projection import (
    DIVERGED,
    NOTE,
    ORDER,
    ORDER_REMOVED,
    REFUND,
    REMOVED,
    SALE,
    SALE_PLAN,
    UNREADABLE,
)
from services.refund_exporter.reversal import GIVEN_UP_KINDS, Reversal, build_reversal, reversal_note
from services.refund_exporter.sale_basis import SaleBasis, build_basis, compute_remainder
from services.refund_exporter.tasks import CreditNoteTask
from services.settings.balance import BalanceSettings
from services.settings.orders import AfterSale, OrderSettings
from services.settings.shop import ShopSettings

POLICIES = get_args(AfterSale)
"""From the one that corrects least. The lesser of today's and that of the day of the change applies."""
WantedNotes = Mapping[str, CreditNoteTask | Unbookable]
"""By refund: its credit note, or why there can be none."""


@dataclass(frozen=True, slots=True)
class RefundContext:
    """The refunds of an order by key, those removed since, the recorded credit notes, and the Sale if there is one.

    `unreadable`: refunds that wait until the shop shows them completely.
    `never_sold`: why there will be no Sale. `part_of`: the order itself if its parent's Sale contains it.
    """

    order: str
    shop: ShopSettings
    balance: BalanceSettings
    state: State
    refunds: Mapping[str, RefundIssued]
    removed: frozenset[str]
    unreadable: Mapping[str, RefundUnreadable]
    notes: Mapping[str, CreditNoteRecorded]
    pushes: tuple[Push, ...]
    is_sold: bool
    basis: SaleBasis | None
    diverged: SaleDiverged | None
    never_sold: str
    part_of: OrderChanged | None

    @property
    def is_live(self) -> bool:
        """Whether credit notes are written, and not only planned."""
        return self.shop.flows.refunds == "live" and not self.is_manual

    @property
    def is_manual(self) -> bool:
        """Whether the accountant makes the credit notes: they are planned, and none is written (claim S2.11)."""
        return self.shop.refunds.policy == "manual"

    @property
    def wants_plans(self) -> bool:
        """Whether plans are announced."""
        return not self.is_live or wants_plan(self.pushes)

    @property
    def reversals(self) -> list[CreditNoteRecorded]:
        """The reversals of this order's Sales."""
        return [note for note in self.notes.values() if is_reversal(note.refund_id)]

    @property
    def reversed_by(self) -> CreditNoteRecorded | None:
        """The reversal of the present Sale."""
        sale = self.basis.sale if self.basis else None
        return next((note for note in self.reversals if note.sale == sale), None)

    @property
    def is_given_up(self) -> bool:
        """Whether the order was given up, or removed, after its Sale was recorded."""
        return self._concerns_present_sale and self.diverged is not None and self.diverged.what in GIVEN_UP_KINDS

    @property
    def is_edited(self) -> bool:
        """Whether an edit after the Sale may be reversed: not with refunds, nor with one cumulative credit note."""
        separate = self.balance.dialect.credit_notes == "separate"
        edited = self.diverged is not None and self.diverged.what == "edited"
        return edited and separate and self._concerns_present_sale and not self.refunds

    @property
    def _concerns_present_sale(self) -> bool:
        return self.diverged is not None and self.basis is not None and self.diverged.sale == self.basis.sale

    def reversal(self) -> Reversal | None:
        """The reversal that the policy asks for; None if it is done, or while a refund cannot be read."""
        rules = self.shop.orders
        policy = min(rules.after_sale, self.diverged.policy, key=POLICIES.index) if self.diverged else "report"
        is_due = {
            "report": False,
            "credit": self.is_given_up,
            "credit-and-new-sale": self.is_given_up or self.is_edited,
        }
        if not (self.is_sold and is_due[policy]) or self.diverged is None or self.reversed_by or self.unreadable:
            return None
        return build_reversal(self.diverged, rules.locked_until, len(self.reversals))

    def open_refunds(self) -> dict[str, RefundIssued]:
        """The refunds that need a credit note and can have one, oldest first."""
        closed = self.removed | self.notes.keys() | self.unreadable.keys()
        keys = [key for key in self.refunds if key not in closed]
        return {key: self.refunds[key] for key in sorted(keys, key=lambda key: self.refunds[key].refund_id)}


def load_context(order: str, shop: ShopSettings, balance: BalanceSettings, state: State) -> RefundContext:
    """What is known about the refunds of an order (`shop:order`)."""
    sale = state.get(SALE, order)
    basis = sale or state.get(SALE_PLAN, order)
    return RefundContext(
        order=order,
        shop=shop,
        balance=balance,
        state=state,
        refunds=state.find(REFUND, order),
        removed=frozenset(state.find(REMOVED, order)),
        unreadable=state.find(UNREADABLE, order),
        notes=state.find(NOTE, order),
        pushes=pushes_of(order, state),
        is_sold=sale is not None,
        basis=build_basis(basis) if basis else None,
        diverged=state.get(DIVERGED, order),
        never_sold="" if sale else _why_never_sold(order, shop.orders, state),
        part_of=_part_of_parent(order, shop.orders, state),
    )


def _why_never_sold(order: str, settings: OrderSettings, state: State) -> str:
    """Why an order (`shop:order`) without a Sale will get none; empty if it may get one (rule 24)."""
    if state.get(ORDER_REMOVED, order) is not None:
        return "its order was removed from the shop and never had a Sale"
    known = state.get(ORDER, order)
    if known is None or known.status not in ENDED_STATUSES or is_triggered(known, settings):
        return ""
    return f"its order is {known.status} and never had a Sale"


def _part_of_parent(order: str, settings: OrderSettings, state: State) -> OrderChanged | None:
    known = state.get(ORDER, order)
    return known if known and role_of(known, settings) == "part-of-parent" else None


def plan_notes(context: RefundContext) -> dict[str, CreditNoteTask | Unbookable]:
    """For each open refund its credit note, or why there can be none; each is computed on what those before it leave.

    The credit note of a refund that was removed again does not count: that refund gave nothing back.
    """
    if context.basis is None:
        return {}
    earlier = _recorded_notes(context, context.basis)
    wanted: dict[str, CreditNoteTask | Unbookable] = {}
    for key, refund in context.open_refunds().items():
        try:
            wanted[key] = _credit_refund(context, context.basis, refund, earlier)
        except Unbookable as error:
            wanted[key] = error
    if reversal := context.reversal():
        wanted |= _plan_reversal(context, context.basis, reversal, earlier)
    return wanted


def _credit_refund(
    context: RefundContext, basis: SaleBasis, refund: RefundIssued, earlier: list[EarlierNote]
) -> CreditNoteTask:
    """The refund's credit note, which is added to `earlier`."""
    remainder = compute_remainder(basis, [line for note in earlier for line in note.lines])
    note = build_credit_note(refund, basis, remainder, context.shop.orders)
    task = compose_task(refund, note, basis, earlier, context.shop.orders, context.balance)
    earlier.append(as_earlier(task))
    return task


def earlier_notes(context: RefundContext, basis: SaleBasis) -> list[EarlierNote]:
    """The credit notes of the Sale, recorded and wanted."""
    wanted = [as_earlier(task) for task in plan_notes(context).values() if isinstance(task, CreditNoteTask)]
    return [*_recorded_notes(context, basis), *wanted]


def _recorded_notes(context: RefundContext, basis: SaleBasis) -> list[EarlierNote]:
    notes = [note for key, note in context.notes.items() if key not in context.removed and note.sale == basis.sale]
    return [as_earlier(note) for note in sorted(notes, key=lambda note: note.refund_id)]


def _plan_reversal(
    context: RefundContext, basis: SaleBasis, reversal: Reversal, earlier: Sequence[EarlierNote]
) -> dict[str, CreditNoteTask | Unbookable]:
    """The credit note over everything that the others leave of the Sale; none if nothing is left."""
    key = refund_key(context.order, reversal.refund_id)
    remainder = compute_remainder(basis, [line for note in earlier for line in note.lines])
    if not remainder.total and not any(line.quantity for line in remainder.lines.values()):
        return {}
    try:
        note = reversal_note(reversal, basis, remainder)
        return {key: compose_task(reversal, note, basis, earlier, context.shop.orders, context.balance)}
    except Unbookable as error:
        return {key: error}
