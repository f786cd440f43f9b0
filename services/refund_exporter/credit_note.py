"""The credit note of a refund: what is given back, on which lines of the Sale, to the tetri (claims S0.12, S0.37)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from contracts.ledger import RecordedLine
from contracts.money import is_whole_tetri, vat_in
from contracts.reasons import Reason
from contracts.shop import RefundIssued
from services.accounting.documents.due_date import next_open_day
from services.accounting.documents.unbookable import Unbookable
from services.accounting.documents.vat import describe_vat_difference
from services.engine.clock import local_date
from services.refund_exporter.parts import (
    CreditedPart,
    limit_to_remainder,
    parts_of_lines,
    settle_residue,
    spread_amount,
)
from services.refund_exporter.refund import refund_name
from services.refund_exporter.sale_basis import LineRemainder, Remainder, SaleBasis
from services.settings.orders import OrderSettings


@dataclass(frozen=True, slots=True)
class CreditNote:
    """A credit note as intended. `total` equals the refund's amount; `notes` are remarks for the accountant."""

    refund_id: int
    date: str
    total: Decimal
    lines: tuple[RecordedLine, ...]
    notes: tuple[str, ...] = ()

    @property
    def vat(self) -> Decimal:
        """The sum of the lines' VAT."""
        return sum((line.vat for line in self.lines), Decimal(0))


def build_credit_note(
    refund: RefundIssued, basis: SaleBasis, remainder: Remainder, settings: OrderSettings
) -> CreditNote:
    """The credit note of a refund on what is left of this Sale.

    Raises `Unbookable` if the refund does not fit the Sale.
    """
    _check(refund, basis, remainder)
    lines = recorded_lines(_parts(refund, basis, remainder, settings), remainder)
    date = next_open_day(local_date(refund.created_at), settings.locked_until)
    return CreditNote(refund.refund_id, date, refund.amount, lines, _vat_note(refund, lines))


def _check(refund: RefundIssued, basis: SaleBasis, remainder: Remainder) -> None:
    name = refund_name(refund)
    if not is_whole_tetri(refund.amount):
        detail = f"{name}: {refund.amount} is not whole tetri: set the shop to 2 decimals, and book this one by hand"
        raise Unbookable(Reason.REFUND_NOT_WHOLE_TETRI, detail)
    if refund.currency != basis.currency:
        detail = f"{name} is in {refund.currency}, its Sale in {basis.currency}: book it by hand"
        raise Unbookable(Reason.REFUND_AMOUNT_DIFFERS, detail)
    if refund.amount > remainder.total:
        detail = (
            f"{name}: {refund.amount} {refund.currency} was given back, but only {remainder.total} is left of its "
            "Sale: correct the Sale or book the rest by hand"
        )
        raise Unbookable(Reason.REFUND_ABOVE_SALE, detail)


def _parts(
    refund: RefundIssued, basis: SaleBasis, remainder: Remainder, settings: OrderSettings
) -> tuple[CreditedPart, ...]:
    parts = parts_of_lines(refund, basis, remainder)
    if parts:
        return limit_to_remainder(settle_residue(parts, refund, settings), refund, basis, remainder, settings)
    if not refund.amount:
        detail = f"{refund_name(refund)} gives back neither money nor goods: there is nothing to credit"
        raise Unbookable(Reason.REFUND_NOTHING_TO_CREDIT, detail)
    return spread_amount(refund.amount, basis, remainder, settings.amount_item)


def recorded_lines(parts: Sequence[CreditedPart], remainder: Remainder) -> tuple[RecordedLine, ...]:
    """The parts with their VAT; each is computed on what the parts before it leave."""
    left, lines = dict(remainder.lines), []
    for part in parts:
        at = part.line.position
        vat = _vat(part, left[at])
        lines.append(_recorded_line(part, vat))
        if part.on_line:
            left[at] = left[at].less(part.amount, vat, part.quantity)
    return tuple(lines)


def _vat(part: CreditedPart, left: LineRemainder) -> Decimal:
    """The VAT inside the amount at the rate of the Sale's line, in whole tetri, never more than is left of it.

    The last credit of a line takes all VAT that is left, so that the notes add up to the Sale. If tax alone is given
    back, all of it is VAT; a refund of net amounts alone still lowers the VAT at the line's rate.
    """
    vat = part.amount if part.tax_alone else vat_in(part.amount, part.line.percent)
    if not part.on_line:
        return vat
    return left.vat if part.amount == left.amount else min(vat, left.vat, key=abs)


def _recorded_line(part: CreditedPart, vat: Decimal) -> RecordedLine:
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
    return describe_vat_difference(stated, sum((line.vat for line in lines), Decimal(0)), len(lines), "refund")
