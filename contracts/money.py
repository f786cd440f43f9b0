"""Exact money: rounding to the tetri, VAT out of a gross amount, and fair allocation."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

TETRI = Decimal("0.01")


def to_tetri(amount: Decimal) -> Decimal:
    """The amount in whole tetri, halves away from zero (as WooCommerce rounds)."""
    return amount.quantize(TETRI, ROUND_HALF_UP)


def is_whole_tetri(amount: Decimal) -> bool:
    """Whether an amount needs no rounding."""
    return amount == amount.quantize(TETRI, ROUND_HALF_UP)


def vat_in(gross: Decimal, percent: Decimal) -> Decimal:
    """The VAT inside a gross amount, in tetri: gross × p / (100 + p) (rule 5)."""
    return to_tetri(gross * percent / (100 + percent))


def allocate(total: Decimal, weights: Sequence[Decimal]) -> list[Decimal]:
    """Split `total` (whole tetri) by weight, to the tetri, by largest remainder; the parts add up exactly.

    Weights may be zero but not negative; when all are zero the whole falls on the first part.
    """
    base = sum(weights, Decimal(0))
    if not weights:
        return []
    if base == 0:
        return [total, *([Decimal(0)] * (len(weights) - 1))]
    return _largest_remainder(total, [total * weight / base for weight in weights])


def _largest_remainder(total: Decimal, exact: Sequence[Decimal]) -> list[Decimal]:
    floored = [_toward_zero(share) for share in exact]
    missing = int((total - sum(floored)) / TETRI)
    step = TETRI if missing >= 0 else -TETRI
    by_remainder = sorted(range(len(exact)), key=lambda i: (-abs(exact[i] - floored[i]), i))
    for index in by_remainder[: abs(missing)]:
        floored[index] += step
    return floored


def _toward_zero(amount: Decimal) -> Decimal:
    return Decimal(int(amount / TETRI)) * TETRI
