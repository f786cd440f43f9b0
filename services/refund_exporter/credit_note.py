"""The credit note of a refund: what is given back, on which lines of the Sale, to the tetri (claims S0.12, S0.37)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from contracts.ledger import RecordedLine
from contracts.money import is_whole_tetri
from contracts.reasons import Reason
from contracts.shop import RefundIssued
from services.accounting.documents.period import open_day
from services.accounting.documents.unbookable import Unbookable
from services.accounting.documents.vat_control import vat_note
from services.engine.clock import local_date
from services.refund_exporter.basis import Basis
from services.refund_exporter.given import given_parts
from services.refund_exporter.left import Left
from services.refund_exporter.naming import name_of
from services.refund_exporter.parts import Part
from services.refund_exporter.settle import adding_up, within_left
from services.refund_exporter.spread import spread
from services.refund_exporter.vat import vat_of
from services.settings.orders import OrderSettings


@dataclass(frozen=True, slots=True)
class CreditNote:
    """A credit note as it is meant; `total` equals the refund's amount. `notes`: what an accountant should know."""

    refund_id: int
    date: str
    total: Decimal
    lines: tuple[RecordedLine, ...]
    notes: tuple[str, ...] = ()

    @property
    def vat(self) -> Decimal:
        """The sum of the lines' VAT."""
        return sum((line.vat for line in self.lines), Decimal(0))


def credit_note_of(refund: RefundIssued, basis: Basis, left: Left, settings: OrderSettings) -> CreditNote:
    """The credit note of a refund on this Sale, of which so much is left.

    Raises `Unbookable` when the refund and the Sale give no sound credit note.
    """
    _check(refund, basis, left)
    lines = recorded_lines(_parts(refund, basis, left, settings), left)
    date = open_day(local_date(refund.created_at), settings.locked_until)
    return CreditNote(refund.refund_id, date, refund.amount, lines, _vat_note(refund, lines))


def _check(refund: RefundIssued, basis: Basis, left: Left) -> None:
    if not is_whole_tetri(refund.amount):
        detail = (
            f"{name_of(refund)}: {refund.amount} is not whole tetri: set the shop to 2 decimals; book this one by hand"
        )
        raise Unbookable(Reason.REFUND_NOT_WHOLE_TETRI, detail)
    if refund.currency != basis.currency:
        detail = f"{name_of(refund)} is in {refund.currency}, its Sale in {basis.currency}: book it by hand"
        raise Unbookable(Reason.REFUND_AMOUNT_DIFFERS, detail)
    if refund.amount > left.total:
        detail = (
            f"{name_of(refund)}: {refund.amount} {refund.currency} was given back, only {left.total} is left on its "
            "Sale: correct the Sale or book the rest by hand"
        )
        raise Unbookable(Reason.REFUND_ABOVE_SALE, detail)


def _parts(refund: RefundIssued, basis: Basis, left: Left, settings: OrderSettings) -> tuple[Part, ...]:
    given = given_parts(refund, basis, left)
    if given:
        return within_left(adding_up(given, refund, settings), refund, basis, left, settings)
    if not refund.amount:
        detail = f"{name_of(refund)} gives back neither money nor goods: there is nothing to credit"
        raise Unbookable(Reason.REFUND_NOTHING_TO_CREDIT, detail)
    return spread(refund.amount, basis, left, settings.amount_item)


def recorded_lines(parts: Sequence[Part], left: Left) -> tuple[RecordedLine, ...]:
    """The parts with their VAT, each taking from what the one before has left."""
    rests, lines = dict(left.lines), []
    for part in parts:
        at = part.line.position
        vat = vat_of(part, rests[at])
        lines.append(_line(part, vat))
        if part.on_line:
            rests[at] = rests[at].less(part.amount, vat, part.quantity)
    return tuple(lines)


def _line(part: Part, vat: Decimal) -> RecordedLine:
    sold = part.line.recorded
    return RecordedLine(
        order_line_id=sold.order_line_id if part.on_line else None,
        kind=sold.kind if part.item is None else "amount",
        item=part.item or sold.item,
        quantity=part.quantity,
        amount=part.amount,
        vat=vat,
        vat_percent=sold.vat_percent,
        sale_line=part.line.position if part.on_line else None,
    )


def _vat_note(refund: RefundIssued, lines: Sequence[RecordedLine]) -> tuple[str, ...]:
    if not refund.lines:
        return ()
    stated = sum((line.total_tax for line in refund.lines), Decimal(0))
    return vat_note(stated, sum((line.vat for line in lines), Decimal(0)), len(lines), "refund")
