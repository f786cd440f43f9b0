"""The reversal of a Sale: a credit note over what is left of it, if its order was given up or edited later (claim I11).

The usual case is a parcel refused at the door: nothing was paid, and the goods come back.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from contracts.ledger import NO_REFUND, RecordedLine, SaleDiverged
from contracts.reasons import Reason
from services.accounting.documents.due_date import next_open_day
from services.accounting.documents.unbookable import Unbookable
from services.engine.clock import local_date
from services.refund_exporter.credit_note import CreditNote
from services.refund_exporter.sale_basis import BasisLine, LineRemainder, Remainder, SaleBasis

GIVEN_UP_KINDS = ("given-up", "removed")


@dataclass(frozen=True, slots=True)
class Reversal:
    """Why the whole Sale is reversed; `digest` is that of the order as it is now."""

    shop: str
    order_id: int
    digest: str
    date: str
    revision: int
    edited: bool

    @property
    def refund_id(self) -> int:
        """0 for an order's first reversal, -1 for its second, and so on."""
        return NO_REFUND - self.revision


def build_reversal(diverged: SaleDiverged, locked_until: date | None, revision: int) -> Reversal:
    """The reversal of a Sale, dated the day the divergence was observed, or the first open day after it."""
    day = next_open_day(local_date(diverged.observed_at), locked_until)
    edited = diverged.what == "edited"
    return Reversal(diverged.shop, diverged.order_id, diverged.content_digest, day, revision, edited)


def reversal_note(reversal: Reversal, basis: SaleBasis, remainder: Remainder) -> CreditNote:
    """The credit note over everything that earlier notes leave.

    Raises `Unbookable` if earlier notes credited amounts on no line of the Sale.
    """
    lines = tuple(_reversed_line(line, remainder.lines[line.position]) for line in basis.lines)
    lines = tuple(line for line in lines if line.amount or line.quantity)
    if sum((line.amount for line in lines), Decimal(0)) != remainder.total:
        raise Unbookable(
            Reason.REFUND_AMOUNT_DIFFERS,
            f"order {reversal.order_id} of shop {reversal.shop} was changed after its Sale: {remainder.total} is left "
            "of the Sale, but not on its lines (amounts were credited on a service item): credit the rest by hand",
        )
    return CreditNote(reversal.refund_id, reversal.date, remainder.total, lines)


def _reversed_line(line: BasisLine, left: LineRemainder) -> RecordedLine:
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
