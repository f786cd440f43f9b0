"""The credit note over all that is left of a Sale whose order was given up, or edited, after it was recorded (I11).

A parcel refused at the door is the usual case: nothing was paid, the goods come back (claims, settled 2).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from contracts.ledger import NO_REFUND, RecordedLine, SaleDiverged
from contracts.reasons import Reason
from services.accounting.documents.period import open_day
from services.accounting.documents.unbookable import Unbookable
from services.engine.clock import local_date
from services.refund_exporter.basis import Basis, BasisLine
from services.refund_exporter.credit_note import CreditNote
from services.refund_exporter.left import Left, LineLeft

GIVEN_UP = ("given-up", "removed")


@dataclass(frozen=True, slots=True)
class Reversal:
    """Why the whole Sale is taken back; `digest` is that of the order as it is now."""

    shop: str
    order_id: int
    digest: str
    date: str
    revision: int
    edited: bool

    @property
    def refund_id(self) -> int:
        """What stands in place of a refund's number."""
        return NO_REFUND - self.revision


def reversal_of(said: SaleDiverged, locked_until: date | None, revision: int) -> Reversal:
    """The reversal of a Sale, dated the day it was seen, and never in a closed period."""
    day = open_day(local_date(said.observed_at), locked_until)
    return Reversal(said.shop, said.order_id, said.content_digest, day, revision, said.what == "edited")


def reversal_note(reversal: Reversal, basis: Basis, left: Left) -> CreditNote:
    """The credit note over all that earlier notes have left. Raises `Unbookable` when they stand for no lines."""
    lines = tuple(_line(line, left.lines[line.position]) for line in basis.lines)
    rest = tuple(line for line in lines if line.amount or line.quantity)
    if sum((line.amount for line in rest), Decimal(0)) != left.total:
        raise Unbookable(
            Reason.REFUND_AMOUNT_DIFFERS,
            f"order {reversal.order_id} of shop {reversal.shop} was changed after its Sale: {left.total} is left of "
            "that, but not on its lines (amounts were credited on an item of their own): credit the rest by hand",
        )
    return CreditNote(reversal.refund_id, reversal.date, left.total, rest)


def _line(line: BasisLine, left: LineLeft) -> RecordedLine:
    sold = line.recorded
    return RecordedLine(
        order_line_id=sold.order_line_id,
        kind=sold.kind,
        item=sold.item,
        quantity=left.quantity if sold.kind == "product" else Decimal(0),
        amount=left.amount,
        vat=left.vat,
        vat_percent=sold.vat_percent,
        sale_line=line.position,
    )
