"""The parts of a refund that names lines of the order: by quantity, by money, shipping, fees, tax alone."""

from __future__ import annotations

from decimal import Decimal

from contracts.money import allocate, is_whole_tetri
from contracts.reasons import Reason
from contracts.shop import RefundIssued, RefundLine
from services.accounting.documents.unbookable import Unbookable
from services.accounting.documents.written import number
from services.refund_exporter.basis import Basis, BasisLine
from services.refund_exporter.left import Left
from services.refund_exporter.naming import name_of
from services.refund_exporter.parts import Part


def given_parts(refund: RefundIssued, basis: Basis, left: Left) -> tuple[Part, ...]:
    """What the refund's lines give back; lines that give nothing are left out.

    Raises `Unbookable` for a line that the Sale does not hold, and for more goods than were sold (order-money rule 17).
    """
    return tuple(part for line in refund.lines if _says_something(line) for part in _parts(line, refund, basis, left))


def _says_something(line: RefundLine) -> bool:
    """Free shipping is refunded as a line of nothing; free goods that come back are something."""
    return bool(line.total + line.total_tax) or (line.kind == "product" and line.quantity != 0)


def _parts(line: RefundLine, refund: RefundIssued, basis: Basis, left: Left) -> list[Part]:
    sold = basis.of_order_line(line.refunded_line_id)
    if not sold:
        raise _unknown(line, refund)
    gross = _gross(line, refund)
    _check_sign(line, gross, sold, refund)
    if len(sold) > 1:
        return [Part(each, share) for each, share in zip(sold, _by_rate(gross, sold, left), strict=True) if share]
    is_goods = sold[0].recorded.kind == "product"
    quantity = _quantity(line, refund, left.lines[sold[0].position].quantity, is_goods=is_goods)
    return [Part(sold[0], gross, quantity, tax_alone=not line.total and bool(line.total_tax))]


def _check_sign(line: RefundLine, gross: Decimal, sold: tuple[BasisLine, ...], refund: RefundIssued) -> None:
    """What was sold for money is given back as money and goods, and never takes more of either."""
    total = sum((each.recorded.amount for each in sold), Decimal(0))
    if gross * total >= 0 and not (line.kind == "product" and line.quantity < 0):
        return
    what = line.name or line.sku or line.kind
    raise Unbookable(
        Reason.REFUND_WRONG_SIGN,
        f"{name_of(refund)}: line {line.line_id} ({what}) gives back {number(line.quantity)} pieces and {gross} of the "
        f"{total} that the Sale holds for it: its sign is the wrong one. Delete the refund in the shop and make it "
        "again, or book it by hand",
    )


def _gross(line: RefundLine, refund: RefundIssued) -> Decimal:
    gross = line.total + line.total_tax
    if not is_whole_tetri(gross):
        raise Unbookable(
            Reason.REFUND_NOT_WHOLE_TETRI,
            f"{name_of(refund)}: line {line.line_id} gives back {gross}, which is not whole tetri: book it by hand",
        )
    return gross


def _by_rate(gross: Decimal, sold: tuple[BasisLine, ...], left: Left) -> list[Decimal]:
    """A fee that was sold at several rates is given back in the proportion of what is left of each.

    So the last refund of it takes each rate's own rest, and none before it takes more of a rate than there is.
    """
    return allocate(gross, [abs(left.lines[each.position].amount) for each in sold])


def _quantity(line: RefundLine, refund: RefundIssued, left: Decimal, *, is_goods: bool) -> Decimal:
    if line.kind != "product" or not is_goods:
        return Decimal(0)
    if line.quantity > left:
        raise Unbookable(
            Reason.REFUND_ABOVE_SALE,
            f"{name_of(refund)}: {line.quantity} of {line.name or line.sku or line.kind} come back, {left} are left on "
            "the Sale: delete the refund in the shop and make it again with the right quantity, or book it by hand",
        )
    return line.quantity


def _unknown(line: RefundLine, refund: RefundIssued) -> Unbookable:
    return Unbookable(
        Reason.REFUND_LINE_UNKNOWN,
        f"{name_of(refund)}: it gives back {line.name or line.kind} (line {line.refunded_line_id} of the order), which "
        "is not in the Sale: the order was changed after its Sale was recorded. Correct the Sale or book this by hand",
    )
