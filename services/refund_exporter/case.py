"""All that bears on the refunds of one order, and the credit note that each of them needs now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from contracts.delivery_ids import refund_key
from contracts.ledger import CreditNoteRecorded, SaleDiverged, is_reversal
from contracts.shop import OrderChanged, RefundIssued, RefundUnreadable
from services.accounting.documents.push import Push, pushes_of, wants_plan
from services.accounting.documents.unbookable import Unbookable
from services.engine.state.records import State
from services.refund_exporter.basis import Basis, basis_of
from services.refund_exporter.compose import Earlier, compose, earlier_of
from services.refund_exporter.credit_note import credit_note_of
from services.refund_exporter.left import left_of
from services.refund_exporter.projection import DIVERGED, NOTE, REFUND, REMOVED, SALE, SALE_PLAN, UNREADABLE
from services.refund_exporter.reversal import GIVEN_UP, Reversal, reversal_note, reversal_of
from services.refund_exporter.standing import never_sold, parent_of
from services.refund_exporter.tasks import CreditNoteTask
from services.settings.balance import BalanceSettings
from services.settings.orders import AfterSale
from services.settings.shop import ShopSettings

POLICIES = get_args(AfterSale)
"""Each corrects more than the one before; what holds is the least of today's and of the day of the change."""


@dataclass(frozen=True, slots=True)
class Case:
    """The refunds of an order by key, those removed again, the recorded notes, and the Sale if there is one.

    `unreadable` are refunds that wait until the shop shows them as they are.
    `never_sold` says why there is no Sale to come; `part_of` is the order itself where its parent's Sale holds it.
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
    basis: Basis | None
    diverged: SaleDiverged | None
    never_sold: str
    part_of: OrderChanged | None

    @property
    def is_live(self) -> bool:
        """Whether credit notes are written, and not only planned."""
        return self.shop.flows.refunds == "live" and not self.by_hand

    @property
    def by_hand(self) -> bool:
        """Whether the accountant makes the credit notes: they are planned, and none is written (claim S2.11)."""
        return self.shop.refunds.policy == "manual"

    @property
    def wants_plans(self) -> bool:
        """Whether plans are announced."""
        return not self.is_live or wants_plan(self.pushes)

    @property
    def reversals(self) -> list[CreditNoteRecorded]:
        """The credit notes that took whole Sales of this order back."""
        return [note for note in self.notes.values() if is_reversal(note.refund_id)]

    @property
    def reversed_by(self) -> CreditNoteRecorded | None:
        """The credit note that took the present Sale back."""
        sale = self.basis.sale if self.basis else None
        return next((note for note in self.reversals if note.sale == sale), None)

    @property
    def given_up(self) -> bool:
        """Whether the order was given up, or removed, after its Sale was recorded."""
        return self._is_about_this_sale and self.diverged is not None and self.diverged.what in GIVEN_UP

    @property
    def is_edited(self) -> bool:
        """Whether the order is another one than its Sale, to which no refund is bound, nor one note for all refunds."""
        separate = self.balance.dialect.credit_notes == "separate"
        edited = self.diverged is not None and self.diverged.what == "edited"
        return edited and separate and self._is_about_this_sale and not self.refunds

    @property
    def _is_about_this_sale(self) -> bool:
        return self.diverged is not None and self.basis is not None and self.diverged.sale == self.basis.sale

    def reversal(self) -> Reversal | None:
        """What takes the Sale back, where the policy says so and it is not done yet; all its refunds must be known."""
        rules = self.shop.orders
        policy = min(rules.after_sale, self.diverged.policy, key=POLICIES.index) if self.diverged else "report"
        by_policy = {"report": False, "credit": self.given_up, "credit-and-new-sale": self.given_up or self.is_edited}
        if not (self.is_sold and by_policy[policy]) or self.diverged is None or self.reversed_by or self.unreadable:
            return None
        return reversal_of(self.diverged, rules.locked_until, len(self.reversals))

    def open_refunds(self) -> dict[str, RefundIssued]:
        """The refunds that need a credit note and can have one, oldest first."""
        settled = self.removed | self.notes.keys() | self.unreadable.keys()
        left = [key for key in self.refunds if key not in settled]
        return {key: self.refunds[key] for key in sorted(left, key=lambda key: self.refunds[key].refund_id)}


def case_of(order: str, shop: ShopSettings, balance: BalanceSettings, state: State) -> Case:
    """What is known about the refunds of an order (`shop:order`)."""
    sale = state.get(SALE, order)
    basis = sale or state.get(SALE_PLAN, order)
    return Case(
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
        basis=basis_of(basis) if basis else None,
        diverged=state.get(DIVERGED, order),
        never_sold="" if sale else never_sold(order, shop.orders, state),
        part_of=parent_of(order, shop.orders, state),
    )


def wanted_notes(case: Case) -> dict[str, CreditNoteTask | Unbookable]:
    """For each open refund its credit note, or why there can be none; each takes from what those before have left.

    The note of a refund that was removed again does not count: what it gave back was given back no more.
    """
    if case.basis is None:
        return {}
    earlier = _standing(case, case.basis)
    wanted: dict[str, CreditNoteTask | Unbookable] = {}
    for key, refund in case.open_refunds().items():
        try:
            left = left_of(case.basis, [line for note in earlier for line in note.lines])
            note = credit_note_of(refund, case.basis, left, case.shop.orders)
            task = compose(refund, note, case.basis, earlier, case.shop.orders, case.balance)
            earlier.append(earlier_of(task))
            wanted[key] = task
        except Unbookable as error:
            wanted[key] = error
    if reversal := case.reversal():
        wanted |= _reversed(case, case.basis, reversal, earlier)
    return wanted


def earlier_notes(case: Case, basis: Basis) -> list[Earlier]:
    """The credit notes that stand on the Sale, and those that are wanted."""
    wanted = [earlier_of(task) for task in wanted_notes(case).values() if isinstance(task, CreditNoteTask)]
    return [*_standing(case, basis), *wanted]


def _standing(case: Case, basis: Basis) -> list[Earlier]:
    notes = [note for key, note in case.notes.items() if key not in case.removed and note.sale == basis.sale]
    return [earlier_of(note) for note in sorted(notes, key=lambda note: note.refund_id)]


def _reversed(
    case: Case, basis: Basis, reversal: Reversal, earlier: Sequence[Earlier]
) -> dict[str, CreditNoteTask | Unbookable]:
    """The credit note over all that the others leave of the Sale; none when they leave nothing."""
    key = refund_key(case.order, reversal.refund_id)
    left = left_of(basis, [line for note in earlier for line in note.lines])
    if not left.total and not any(line.quantity for line in left.lines.values()):
        return {}
    try:
        note = reversal_note(reversal, basis, left)
        return {key: compose(reversal, note, basis, earlier, case.shop.orders, case.balance)}
    except Unbookable as error:
        return {key: error}
