"""The credit note that a return request would become: by quantity, at the prices and VAT of the Sale's lines."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from contracts.json_text import digest_of
from contracts.ledger import NO_REFUND
from contracts.money import to_tetri
from contracts.reasons import Reason
from contracts.returns import ReturnLine, ReturnRequested
from services.accounting.documents.figures import number
from services.accounting.documents.unbookable import Unbookable
from services.engine.clock import local_date
from services.refund_exporter.credit_note import CreditNote, recorded_lines
from services.refund_exporter.parts import CreditedPart
from services.refund_exporter.sale_basis import BasisLine, Remainder, SaleBasis


@dataclass(frozen=True, slots=True)
class ReturnCredit:
    """A return request as the reason for a credit note; the shop has no refund for it yet."""

    request_event: ReturnRequested
    refund_id: int = NO_REFUND

    @property
    def shop(self) -> str:
        """The shop."""
        return self.request_event.shop

    @property
    def order_id(self) -> int:
        """Its order."""
        return self.request_event.order_id

    @property
    def request(self) -> str:
        """The shop's id of the request within its order."""
        return self.request_event.request

    @property
    def digest(self) -> str:
        """The digest of the requested lines."""
        return digest_of([[line.order_line_id, number(line.quantity)] for line in self.request_event.lines])


def return_note(request: ReturnRequested, basis: SaleBasis, remainder: Remainder) -> CreditNote:
    """The credit note of the requested pieces on what is left of this Sale.

    Raises `Unbookable` for a line that is not in the Sale, for more than is left of it, and for an empty request.
    """
    if not request.lines or any(line.quantity <= 0 for line in request.lines):
        raise Unbookable(Reason.REFUND_NOTHING_TO_CREDIT, "it asks for no pieces, or for a negative number of them")
    parts = [_part(line, request, basis, remainder) for line in _sum_by_line(request)]
    lines = recorded_lines(parts, remainder)
    total = sum((line.amount for line in lines), Decimal(0))
    return CreditNote(NO_REFUND, local_date(request.asked_at), total, lines)


def _sum_by_line(request: ReturnRequested) -> list[ReturnLine]:
    lines: dict[int, ReturnLine] = {}
    for line in request.lines:
        known = lines.get(line.order_line_id)
        quantity = line.quantity + (known.quantity if known else 0)
        lines[line.order_line_id] = line.model_copy(update={"quantity": quantity})
    return list(lines.values())


def _part(line: ReturnLine, request: ReturnRequested, basis: SaleBasis, remainder: Remainder) -> CreditedPart:
    sold = next((each for each in basis.of_order_line(line.order_line_id) if each.recorded.kind == "product"), None)
    if sold is None:
        detail = f"{_line_name(line, request)} is not in its Sale: the order was changed later. Correct the Sale first"
        raise Unbookable(Reason.REFUND_LINE_UNKNOWN, detail)
    left = remainder.lines[sold.position]
    if line.quantity > left.quantity:
        detail = f"{_line_name(line, request)}: only {number(left.quantity)} are left on the Sale, the others came back"
        raise Unbookable(Reason.REFUND_ABOVE_SALE, detail)
    amount = left.amount if line.quantity == left.quantity else left.limit(_share(line, sold))
    return CreditedPart(sold, amount, line.quantity)


def _share(line: ReturnLine, sold: BasisLine) -> Decimal:
    """The amount of these pieces at the price of the Sale, in whole tetri."""
    return to_tetri(sold.recorded.amount * line.quantity / sold.recorded.quantity)


def _line_name(line: ReturnLine, request: ReturnRequested) -> str:
    what = f" ({line.sku})" if line.sku else ""
    return (
        f"return request {request.request} of order {request.order_id} of shop {request.shop}: "
        f"{number(line.quantity)} of line {line.order_line_id}{what}"
    )
