"""Exact money: whatever is split adds up again, to the tetri."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.money import TETRI, allocate, is_whole_tetri, to_tetri, vat_in

tetri = st.integers(-10_000_000, 10_000_000).map(lambda n: Decimal(n) * TETRI)
weights = st.lists(st.decimals(0, 10_000, places=4), min_size=1, max_size=30)


@pytest.mark.parametrize(
    ("amount", "rounded"), [("1.005", "1.01"), ("-1.005", "-1.01"), ("1.0049", "1.00"), ("0", "0.00"), ("2", "2.00")]
)
def test_halves_are_rounded_away_from_zero(amount: str, rounded: str) -> None:
    assert str(to_tetri(Decimal(amount))) == rounded


@pytest.mark.parametrize(
    ("gross", "percent", "vat"),
    [("91.00", "18", "13.88"), ("0.01", "18", "0.00"), ("-5.00", "18", "-0.76"), ("7", "0", "0.00")],
)
def test_vat_inside_a_gross_amount(gross: str, percent: str, vat: str) -> None:
    assert str(vat_in(Decimal(gross), Decimal(percent))) == vat


@given(tetri, weights)
def test_shares_add_up_and_are_whole_tetri(total: Decimal, by: list[Decimal]) -> None:
    shares = allocate(total, by)
    assert len(shares) == len(by)
    assert sum(shares) == total
    assert all(is_whole_tetri(share) for share in shares)


@given(tetri, weights)
def test_no_share_is_further_than_a_tetri_from_its_exact_part(total: Decimal, by: list[Decimal]) -> None:
    base = sum(by)
    if base:
        exact = [total * weight / base for weight in by]
        assert all(abs(share - part) < 2 * TETRI for share, part in zip(allocate(total, by), exact, strict=True))


def test_nothing_to_weigh_by_falls_on_the_first() -> None:
    assert allocate(Decimal("1.00"), [Decimal(0), Decimal(0)]) == [Decimal("1.00"), Decimal(0)]
    assert allocate(Decimal("1.00"), []) == []
