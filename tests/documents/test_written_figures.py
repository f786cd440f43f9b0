"""How figures and days are written for Balance, and uids that never change."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.money import to_tetri
from services.accounting.documents import figures, ids
from services.accounting.documents.vat import describe_vat_difference


@given(
    total=st.decimals(min_value=-100000, max_value=100000, places=2),
    quantity=st.decimals(min_value=Decimal("0.001"), max_value=100000, places=3),
)
def test_unit_price_times_quantity_rounds_to_the_amount(total: Decimal, quantity: Decimal) -> None:
    price = figures.unit_price(total, quantity)
    assert to_tetri(Decimal(price) * quantity) == total
    assert len(price.partition(".")[2]) >= 4


def test_four_decimals_are_kept_where_they_suffice() -> None:
    assert figures.unit_price(Decimal("100.00"), Decimal(3)) == "33.3333"
    assert figures.unit_price(Decimal("1000.01"), Decimal(5000)) == "0.200002"


@pytest.mark.parametrize(
    ("quantity", "text"), [("2", "2"), ("2.000", "2"), ("0.50", "0.5"), ("1E+2", "100"), ("100", "100"), ("-3", "-3")]
)
def test_quantities_are_written_plainly(quantity: str, text: str) -> None:
    assert figures.number(Decimal(quantity)) == text


def test_amounts_have_two_decimals() -> None:
    assert [figures.amount(Decimal(value)) for value in ("5", "5.1", "-0.01", "1E+3")] == [
        "5.00",
        "5.10",
        "-0.01",
        "1000.00",
    ]


def test_empty_fields_are_left_out_and_false_is_not_empty() -> None:
    assert figures.without_empty({"a": None, "b": "", "c": False, "d": "x"}) == {"c": False, "d": "x"}


def test_uids_do_not_change_between_versions() -> None:
    # a changed uid would write every document a second time
    assert ids.sale_uid("main", 1042) == "bc8a1043-4f5f-5462-a229-e277d60c00e8"
    assert ids.credit_note_uid("main", 1051) == "428db215-9a75-55c5-8102-61f61f3dadee"
    assert ids.cumulative_note_uid("main", 1042) == "e1df72c5-a54a-5b93-bd46-d782bb649265"
    assert ids.client_uid("99001012345") == "c8eb5dea-4022-816f-934d-10751cec8972"


@pytest.mark.parametrize(
    ("stated", "held", "lines", "reported"),
    [
        ("18.00", "18.02", 1, False),
        ("18.00", "18.03", 1, True),
        ("18", "18.49", 1, False),
        ("18", "18.51", 1, True),
        ("18", "18.51", 2, False),
    ],
)
def test_the_shops_tax_is_a_control_figure_with_the_tolerance_of_its_rounding(
    stated: str, held: str, lines: int, reported: bool
) -> None:
    assert bool(describe_vat_difference(Decimal(stated), Decimal(held), lines, "order")) is reported
