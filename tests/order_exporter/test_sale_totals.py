"""The Sale of any order adds up to its total exactly, or there is none."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.reasons import Reason
from contracts.shop import OrderChanged, OrderLine
from services.accounting.documents.unbookable import Unbookable
from services.order_exporter.sale import build_sale
from services.order_exporter.sale_lines import sale_lines
from tests.support import exporting
from tests.support.exporting import ROUNDING, VAT, ZERO_VAT, items_of, line, order

WITH_LINE = exporting.settings(rounding_item=ROUNDING)
WITHOUT = exporting.settings()
amounts = st.decimals(min_value=0, max_value=20000, places=2).map(str)
negative = st.decimals(min_value=-500, max_value=0, places=2).map(str)
rates = st.sampled_from([VAT, ZERO_VAT, None])


@st.composite
def order_lines(draw: st.DrawFn) -> tuple[OrderLine, ...]:
    products = draw(st.lists(st.tuples(amounts, st.integers(1, 40), rates), min_size=1, max_size=12))
    fees = draw(st.lists(st.tuples(st.one_of(amounts, negative), rates), max_size=3))
    shipping = draw(st.lists(st.tuples(amounts, rates), max_size=2))
    made = [line(n, gross, quantity=str(count), rate=rate) for n, (gross, count, rate) in enumerate(products, 1)]
    made += [line(100 + n, gross, kind="fee", rate=rate) for n, (gross, rate) in enumerate(fees)]
    return (*made, *(line(200 + n, gross, kind="shipping", rate=rate) for n, (gross, rate) in enumerate(shipping)))


def sold(of: OrderChanged, using: exporting.Settings) -> Decimal | Reason:
    try:
        sale = build_sale(of, items_of(of), using.shops["main"].orders, using.balance)
    except Unbookable as refused:
        return refused.reason
    return sum((each.amount for each in sale.lines), Decimal(0))


@pytest.mark.claim("K8")
@settings(max_examples=150, deadline=None)
@given(lines=order_lines(), residue=st.integers(-8, 8), using=st.sampled_from([WITHOUT, WITH_LINE]))
def test_total_is_exact_within_the_cap_and_refused_beyond_it(
    lines: tuple[OrderLine, ...], residue: int, using: exporting.Settings
) -> None:
    whole = order(*lines)
    total = whole.total + Decimal(residue) / 100
    changed = whole.model_copy(update={"total": total})
    if total < 0:
        assert sold(changed, using) is Reason.SALE_TOTAL_NEGATIVE
    elif abs(residue) > 5:
        assert sold(changed, using) is Reason.SALE_TOTAL_DIFFERS
    else:
        assert sold(changed, using) == total


@settings(max_examples=100, deadline=None)
@given(lines=order_lines())
def test_no_line_is_lost_and_each_keeps_its_gross_amount(lines: tuple[OrderLine, ...]) -> None:
    whole = order(*lines)
    made = sale_lines(whole, items_of(whole), WITHOUT.shops["main"].orders)
    for original in lines:
        own = [each.amount for each in made if each.order_line_id == original.line_id]
        assert sum(own) == original.total + original.total_tax
