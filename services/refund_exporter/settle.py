"""Making the parts of a refund add up to its amount, and keeping each within what is left of its line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from contracts.reasons import Reason
from contracts.shop import RefundIssued
from services.accounting.documents.unbookable import Unbookable, setting_key
from services.refund_exporter.basis import Basis
from services.refund_exporter.left import Left
from services.refund_exporter.naming import name_of
from services.refund_exporter.parts import Part
from services.refund_exporter.spread import spread
from services.settings.orders import OrderSettings


def adding_up(parts: Sequence[Part], refund: RefundIssued, settings: OrderSettings) -> tuple[Part, ...]:
    """The parts with the residue up to the cap on the largest of them.

    Raises `Unbookable` when the refund's amount was set apart from its lines (order-money rule 13).
    """
    residue = refund.amount - sum((part.amount for part in parts), Decimal(0))
    if not residue:
        return tuple(parts)
    if abs(residue) > settings.rounding_cap:
        raise Unbookable(
            Reason.REFUND_AMOUNT_DIFFERS,
            f"{name_of(refund)}: {refund.amount} was given back, its lines come to {refund.amount - residue}: "
            f"{residue:+} apart, more than {setting_key(refund.shop, 'rounding-cap')} = {settings.rounding_cap}. "
            "Delete the refund in the shop and make it again so that they agree, or book it by hand",
        )
    largest = max(range(len(parts)), key=lambda index: abs(parts[index].amount))
    moved = replace(parts[largest], amount=parts[largest].amount + residue)
    return (*parts[:largest], moved, *parts[largest + 1 :])


def within_left(
    parts: Sequence[Part], refund: RefundIssued, basis: Basis, left: Left, settings: OrderSettings
) -> tuple[Part, ...]:
    """The parts, none above what is left of its line; the excess is spread over what is left of the others.

    An earlier refund without lines was spread over all of them, so that a line may hold less than is given back on it.
    """
    kept = [replace(part, amount=_bearable(part, left, settings.rounding_cap)) for part in parts]
    excess = sum((part.amount for part in parts), Decimal(0)) - sum((part.amount for part in kept), Decimal(0))
    if not excess:
        return tuple(kept)
    rest = _less(left, kept)
    if not 0 < excess <= sum((max(line.amount, Decimal(0)) for line in rest.lines.values()), Decimal(0)):
        raise Unbookable(
            Reason.REFUND_ABOVE_SALE,
            f"{name_of(refund)}: its lines give back more than the Sale's lines hold; book it by hand",
        )
    return (
        *(part for part in kept if part.amount or part.quantity),
        *spread(excess, basis, rest, settings.amount_item),
    )


def _bearable(part: Part, left: Left, cap: Decimal) -> Decimal:
    """The part's amount, up to the cap more than is left of its line: that much in all its notes, not in each."""
    held = left.lines[part.line.position]
    limit, rest = held.limit(part.amount), held.amount - part.amount
    overdrawn = rest * part.line.recorded.amount < 0 and abs(rest) > cap
    return limit if overdrawn or abs(part.amount - limit) > cap else part.amount


def _less(left: Left, parts: Sequence[Part]) -> Left:
    lines = dict(left.lines)
    for part in parts:
        at = part.line.position
        lines[at] = lines[at].less(part.amount, Decimal(0), part.quantity)
    return Left(left.total - sum((part.amount for part in parts), Decimal(0)), lines)
