"""The credit note that a return request would become: by quantity, at the prices and VAT of the Sale's lines."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from contracts.ledger import NO_REFUND
from contracts.reasons import Reason
from contracts.returns import ReturnLine, ReturnRequested
from services.accounting.documents.digest import digest_of
from services.accounting.documents.unbookable import Unbookable
from services.accounting.documents.written import number
from services.engine.clock import local_date
from services.refund_exporter.basis import Basis, BasisLine
from services.refund_exporter.credit_note import CreditNote, recorded_lines
from services.refund_exporter.left import Left
from services.refund_exporter.parts import Part


@dataclass(frozen=True, slots=True)
class Return:
    """A return request as that for which a credit note is composed; the shop knows no refund of it yet."""

    asked: ReturnRequested
    refund_id: int = NO_REFUND

    @property
    def shop(self) -> str:
        """The shop."""
        return self.asked.shop

    @property
    def order_id(self) -> int:
        """Its order."""
        return self.asked.order_id

    @property
    def request(self) -> str:
        """What the shop calls it within its order."""
        return self.asked.request

    @property
    def digest(self) -> str:
        """The digest of what is asked for."""
        return digest_of([[line.order_line_id, number(line.quantity)] for line in self.asked.lines])


def return_note(asked: ReturnRequested, basis: Basis, left: Left) -> CreditNote:
    """The credit note of these pieces on this Sale, of which so much is left.

    Raises `Unbookable` for a line that the Sale does not hold, for more than is left of it, and for nothing at all.
    """
    if not asked.lines or any(line.quantity <= 0 for line in asked.lines):
        raise Unbookable(Reason.REFUND_NOTHING_TO_CREDIT, "it asks for nothing, or for less than nothing")
    parts = [_part(line, asked, basis, left) for line in _each_once(asked)]
    lines = recorded_lines(parts, left)
    total = sum((line.amount for line in lines), Decimal(0))
    return CreditNote(NO_REFUND, local_date(asked.asked_at), total, lines)


def _each_once(asked: ReturnRequested) -> list[ReturnLine]:
    lines: dict[int, ReturnLine] = {}
    for line in asked.lines:
        known = lines.get(line.order_line_id)
        quantity = line.quantity + (known.quantity if known else 0)
        lines[line.order_line_id] = line.model_copy(update={"quantity": quantity})
    return list(lines.values())


def _part(line: ReturnLine, asked: ReturnRequested, basis: Basis, left: Left) -> Part:
    sold = next((each for each in basis.of_order_line(line.order_line_id) if each.recorded.kind == "product"), None)
    if sold is None:
        detail = f"{_name(line, asked)} is not in its Sale: the order was changed after that. Correct the Sale first"
        raise Unbookable(Reason.REFUND_LINE_UNKNOWN, detail)
    rest = left.lines[sold.position]
    if line.quantity > rest.quantity:
        detail = f"{_name(line, asked)}: {number(rest.quantity)} are left on the Sale, the others came back already"
        raise Unbookable(Reason.REFUND_ABOVE_SALE, detail)
    amount = rest.amount if line.quantity == rest.quantity else rest.limit(_share(line, sold))
    return Part(sold, amount, line.quantity)


def _share(line: ReturnLine, sold: BasisLine) -> Decimal:
    """So many pieces at the price of the Sale, in whole tetri."""
    whole = sold.recorded.amount * line.quantity / sold.recorded.quantity
    return whole.quantize(Decimal("0.01"), ROUND_HALF_UP)


def _name(line: ReturnLine, asked: ReturnRequested) -> str:
    what = f" ({line.sku})" if line.sku else ""
    return (
        f"return request {asked.request} of order {asked.order_id} of shop {asked.shop}: {number(line.quantity)} of "
        f"line {line.order_line_id}{what}"
    )
