"""The parts of a refund: how much of which line of the Sale it gives back, adding up to the refund's amount.

A refund gives back pieces, money, shipping, fees or tax alone on lines of the order, or an amount without lines.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from contracts.money import allocate, is_whole_tetri
from contracts.reasons import Reason
from contracts.shop import RefundIssued, RefundLine
from services.accounting.documents.figures import number
from services.accounting.documents.unbookable import Unbookable, setting_key
from services.refund_exporter.refund import refund_name
from services.refund_exporter.sale_basis import BasisLine, Remainder, SaleBasis
from services.settings.orders import OrderSettings

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class CreditedPart:
    """`amount` is gross. `quantity` is what came back of goods, 0 if only money did.

    `tax_alone`: the net amount is not changed. `item`: a service item in place of the line's own; if `on_line` is
    false, the part belongs to several lines, and `line` only provides its VAT rate.
    """

    line: BasisLine
    amount: Decimal
    quantity: Decimal = ZERO
    tax_alone: bool = False
    item: str | None = None
    on_line: bool = True


def parts_of_lines(refund: RefundIssued, basis: SaleBasis, remainder: Remainder) -> tuple[CreditedPart, ...]:
    """What the refund's lines give back; lines that give back nothing are left out.

    Raises `Unbookable` for a line that is not in the Sale, and for more goods than were sold (rule 17).
    """
    lines = (line for line in refund.lines if _gives_back(line))
    return tuple(part for line in lines for part in _line_parts(line, refund, basis, remainder))


def _gives_back(line: RefundLine) -> bool:
    """Free shipping is refunded as an empty line; free goods that come back do count."""
    return bool(line.total + line.total_tax) or (line.kind == "product" and line.quantity != 0)


def _line_parts(line: RefundLine, refund: RefundIssued, basis: SaleBasis, remainder: Remainder) -> list[CreditedPart]:
    sold = basis.of_order_line(line.refunded_line_id)
    if not sold:
        raise _unknown_line(line, refund)
    gross = _gross(line, refund)
    _check_sign(line, gross, sold, refund)
    if len(sold) > 1:
        shares = zip(sold, _split_over_rates(gross, sold, remainder), strict=True)
        return [CreditedPart(each, share) for each, share in shares if share]
    left = remainder.lines[sold[0].position].quantity
    quantity = _quantity(line, refund, left) if sold[0].recorded.kind == "product" else ZERO
    return [CreditedPart(sold[0], gross, quantity, tax_alone=not line.total and bool(line.total_tax))]


def _split_over_rates(gross: Decimal, sold: Sequence[BasisLine], remainder: Remainder) -> list[Decimal]:
    """A fee sold at several rates is given back in proportion to what is left of each rate.

    The last refund takes the exact remainder of each rate (rule 25), even if a rate was credited too much before.
    """
    left = [remainder.lines[each.position].amount for each in sold]
    if gross == sum(left, ZERO):
        return left
    return allocate(gross, [abs(amount) if amount * gross > 0 else ZERO for amount in left])


def _check_sign(line: RefundLine, gross: Decimal, sold: Sequence[BasisLine], refund: RefundIssued) -> None:
    """A refund lowers what was sold, in money and in pieces; it never adds to it."""
    total = sum((each.recorded.amount for each in sold), ZERO)
    if gross * total >= 0 and not (line.kind == "product" and line.quantity < 0):
        return
    raise Unbookable(
        Reason.REFUND_WRONG_SIGN,
        f"{refund_name(refund)}: line {line.line_id} ({_line_name(line)}) gives back {number(line.quantity)} pieces "
        f"and {gross} of the {total} in the Sale, which has the wrong sign. Delete the refund in the shop and "
        "create it again, or book it by hand",
    )


def _gross(line: RefundLine, refund: RefundIssued) -> Decimal:
    gross = line.total + line.total_tax
    if not is_whole_tetri(gross):
        raise Unbookable(
            Reason.REFUND_NOT_WHOLE_TETRI,
            f"{refund_name(refund)}: line {line.line_id} gives back {gross}, which is not whole tetri: book it by hand",
        )
    return gross


def _quantity(line: RefundLine, refund: RefundIssued, left: Decimal) -> Decimal:
    if line.kind != "product":
        return ZERO
    if line.quantity > left:
        raise Unbookable(
            Reason.REFUND_ABOVE_SALE,
            f"{refund_name(refund)}: {line.quantity} of {_line_name(line)} come back, but only {left} are left on the "
            "Sale: delete the refund in the shop and create it again with the right quantity, or book it by hand",
        )
    return line.quantity


def _line_name(line: RefundLine) -> str:
    return line.name or line.sku or line.kind


def _unknown_line(line: RefundLine, refund: RefundIssued) -> Unbookable:
    return Unbookable(
        Reason.REFUND_LINE_UNKNOWN,
        f"{refund_name(refund)}: it gives back {line.name or line.kind} (line {line.refunded_line_id} of the order), "
        "which is not in the Sale: the order was changed after its Sale was recorded. Correct the Sale or book this by "
        "hand",
    )


def spread_amount(
    amount: Decimal, basis: SaleBasis, remainder: Remainder, amount_item: str | None
) -> tuple[CreditedPart, ...]:
    """An amount without lines (positive, at most what is left), spread over the lines in proportion to what is left.

    Rule 14. If everything is given back, each line gives its exact remainder. With an `amount_item` the parts are one
    for each VAT rate, on that service item.
    """
    if amount_item:
        return _spread_over_rates(amount, basis, remainder, amount_item)
    left = [remainder.lines[line.position].amount for line in basis.lines]
    parts = zip(basis.lines, _split_exactly(amount, left, remainder.total), strict=True)
    return tuple(CreditedPart(line, share) for line, share in parts if share)


def _spread_over_rates(amount: Decimal, basis: SaleBasis, remainder: Remainder, item: str) -> tuple[CreditedPart, ...]:
    """Earlier amounts on service items lowered no line, so they are subtracted by rate (rule 25)."""
    left: dict[Decimal | None, Decimal] = defaultdict(Decimal)
    for line in basis.lines:
        left[line.recorded.vat_percent] += remainder.lines[line.position].amount
    for percent, credited in remainder.unassigned.items():
        left[percent] -= credited
    first = {line.recorded.vat_percent: line for line in reversed(basis.lines)}
    shares = zip(left, _split_exactly(amount, list(left.values()), remainder.total), strict=True)
    return tuple(CreditedPart(first[percent], share, item=item, on_line=False) for percent, share in shares if share)


def _split_exactly(amount: Decimal, left: Sequence[Decimal], total: Decimal) -> Sequence[Decimal]:
    if amount == total == sum(left, ZERO):
        return left
    return allocate(amount, [max(each, ZERO) for each in left])


def settle_residue(
    parts: Sequence[CreditedPart], refund: RefundIssued, settings: OrderSettings
) -> tuple[CreditedPart, ...]:
    """The parts with the rounding residue, up to `rounding-cap`, added to the largest of them.

    Raises `Unbookable` if the refund's amount differs from its lines by more (rule 13).
    """
    residue = refund.amount - sum((part.amount for part in parts), ZERO)
    if not residue:
        return tuple(parts)
    if abs(residue) > settings.rounding_cap:
        raise Unbookable(
            Reason.REFUND_AMOUNT_DIFFERS,
            f"{refund_name(refund)}: {refund.amount} was given back, but its lines add up to "
            f"{refund.amount - residue}, a difference of {residue:+}, more than "
            f"{setting_key(refund.shop, 'rounding-cap')} = {settings.rounding_cap}. Delete the refund in the shop and "
            "create it again with a matching amount, or book it by hand",
        )
    largest = max(range(len(parts)), key=lambda index: abs(parts[index].amount))
    changed = replace(parts[largest], amount=parts[largest].amount + residue)
    return (*parts[:largest], changed, *parts[largest + 1 :])


def limit_to_remainder(
    parts: Sequence[CreditedPart], refund: RefundIssued, basis: SaleBasis, remainder: Remainder, settings: OrderSettings
) -> tuple[CreditedPart, ...]:
    """The parts, none above what is left of its line; the excess is spread over what is left of the other lines.

    An earlier refund without lines was spread over all lines, so a line may have less left than is given back on it.
    Raises `Unbookable` if the other lines have too little left.
    """
    limited = [replace(part, amount=_limit(part, remainder, settings.rounding_cap)) for part in parts]
    excess = sum((part.amount for part in parts), ZERO) - sum((part.amount for part in limited), ZERO)
    if not excess:
        return tuple(limited)
    rest = _subtract(remainder, limited)
    if not 0 < excess <= sum((max(line.amount, ZERO) for line in rest.lines.values()), ZERO):
        raise Unbookable(
            Reason.REFUND_ABOVE_SALE,
            f"{refund_name(refund)}: its lines give back more than is left of the Sale's lines; book it by hand",
        )
    return (
        *(part for part in limited if part.amount or part.quantity),
        *spread_amount(excess, basis, rest, settings.amount_item),
    )


def _limit(part: CreditedPart, remainder: Remainder, cap: Decimal) -> Decimal:
    """The part's amount. All notes together may exceed a line by `cap`; more than that is cut off."""
    line = remainder.lines[part.line.position]
    limit, rest = line.limit(part.amount), line.amount - part.amount
    overdrawn = rest * part.line.recorded.amount < 0 and abs(rest) > cap
    return limit if overdrawn or abs(part.amount - limit) > cap else part.amount


def _subtract(remainder: Remainder, parts: Sequence[CreditedPart]) -> Remainder:
    lines = dict(remainder.lines)
    for part in parts:
        at = part.line.position
        lines[at] = lines[at].less(part.amount, ZERO, part.quantity)
    return replace(remainder, total=remainder.total - sum((part.amount for part in parts), ZERO), lines=lines)
