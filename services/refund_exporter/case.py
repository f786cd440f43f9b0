"""All that bears on the refunds of one order, and the credit note that each of them needs now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from contracts.ledger import CreditNoteRecorded, SaleDiverged
from contracts.shop import RefundIssued
from services.refund_exporter.basis import Basis, basis_of
from services.refund_exporter.compose import Earlier, compose, earlier_of
from services.refund_exporter.credit_note import credit_note_of
from services.refund_exporter.left import left_of
from services.refund_exporter.projection import DIVERGED, NOTE, REFUND, REMOVED, SALE, SALE_PLAN
from services.refund_exporter.reversal import GIVEN_UP, NO_REFUND, Reversal, reversal_note, reversal_of
from services.refund_exporter.tasks import CreditNoteTask
from services.shared.documents.push import Push, pushes_of, wants_plan
from services.shared.documents.unbookable import Unbookable
from services.shared.settings.balance import BalanceSettings
from services.shared.settings.shop import ShopSettings
from services.shared.state.records import State


@dataclass(frozen=True, slots=True)
class Case:
    """The refunds of an order by key, those removed again, the recorded notes, and the Sale if there is one."""

    order: str
    shop: ShopSettings
    balance: BalanceSettings
    state: State
    refunds: Mapping[str, RefundIssued]
    removed: frozenset[str]
    notes: Mapping[str, CreditNoteRecorded]
    pushes: tuple[Push, ...]
    is_sold: bool
    basis: Basis | None
    diverged: SaleDiverged | None

    @property
    def is_live(self) -> bool:
        """Whether credit notes are written, and not only planned."""
        return self.shop.flows.refunds == "live"

    @property
    def wants_plans(self) -> bool:
        """Whether plans are announced."""
        return not self.is_live or wants_plan(self.pushes)

    @property
    def reversal_key(self) -> str:
        """The key of the credit note that takes the whole Sale back."""
        return f"{self.order}:{NO_REFUND}"

    @property
    def given_up(self) -> bool:
        """Whether the order was given up, or removed, after its Sale was recorded."""
        return self.diverged is not None and self.diverged.what in GIVEN_UP

    def reversal(self) -> Reversal | None:
        """What takes the Sale of a given-up order back, where the policy says so and it is not done yet."""
        rules = self.shop.orders
        wanted = self.is_sold and self.given_up and rules.after_sale == "credit"
        if not wanted or self.diverged is None or self.reversal_key in self.notes:
            return None
        return reversal_of(self.diverged, rules.locked_until)

    def open_refunds(self) -> dict[str, RefundIssued]:
        """The refunds that need a credit note, oldest first."""
        left = [key for key in self.refunds if key not in self.removed and key not in self.notes]
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
        notes=state.find(NOTE, order),
        pushes=pushes_of(order, state),
        is_sold=sale is not None,
        basis=basis_of(basis) if basis else None,
        diverged=state.get(DIVERGED, order),
    )


def wanted_notes(case: Case) -> dict[str, CreditNoteTask | Unbookable]:
    """For each open refund its credit note, or why there can be none; each takes from what those before have left.

    The note of a refund that was removed again does not count: what it gave back was given back no more.
    """
    if case.basis is None:
        return {}
    standing = [note for key, note in case.notes.items() if key not in case.removed]
    earlier = [earlier_of(note) for note in sorted(standing, key=lambda note: note.refund_id)]
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


def _reversed(
    case: Case, basis: Basis, reversal: Reversal, earlier: Sequence[Earlier]
) -> dict[str, CreditNoteTask | Unbookable]:
    """The credit note over all that the others leave of the Sale; none when they leave nothing."""
    left = left_of(basis, [line for note in earlier for line in note.lines])
    if not left.total and not any(line.quantity for line in left.lines.values()):
        return {}
    try:
        note = reversal_note(reversal, basis, left)
        return {case.reversal_key: compose(reversal, note, basis, earlier, case.shop.orders, case.balance)}
    except Unbookable as error:
        return {case.reversal_key: error}
