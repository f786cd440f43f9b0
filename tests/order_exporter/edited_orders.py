"""Orders with changed fields, lines and decimals."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from contracts.shop import LineTax, OrderChanged, OrderLine
from tests.support.exporting import (
    PERSONAL_ID,
    buyer,
    line,
    order,
)

CUP = line(11, "100.00", quantity="2", variation_id=3111, sku="CUP", name="Cup")
PARCEL = line(12, "5.00", kind="shipping", name="Courier", method_id="flat_rate")
BOUGHT = order(CUP, PARCEL, person=buyer(personal_id=PERSONAL_ID))


def change_order(of: OrderChanged = BOUGHT, **change: Any) -> OrderChanged:
    return of.model_copy(update=change)


def change_line(of: OrderLine, **change: Any) -> OrderLine:
    return of.model_copy(update=change)


def with_decimals(of: OrderChanged, unit: str) -> OrderChanged:
    """The order as a shop with other decimals shows it."""

    def rounded(amount: Decimal) -> Decimal:
        return amount.quantize(Decimal(unit), ROUND_HALF_UP)

    figures = ("subtotal", "subtotal_tax", "total", "total_tax")
    again = tuple(
        change_line(
            each,
            **{name: rounded(getattr(each, name)) for name in figures},
            taxes=tuple(LineTax(rate_id=tax.rate_id, total=rounded(tax.total)) for tax in each.taxes),
        )
        for each in of.lines
    )
    return change_order(of, lines=again, total=rounded(of.total), total_tax=rounded(of.total_tax))
