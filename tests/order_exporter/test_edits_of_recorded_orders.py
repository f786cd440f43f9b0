"""No recorded order counts as edited when the shop shows it differently, and each does after a real change."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from contracts.ledger import SaleRecorded
from contracts.shop import OrderChanged
from services.accounting.documents.order_edits import describe_edit
from services.accounting.documents.unbookable import Unbookable
from services.sandbox.recorded import get_recording, list_order_ids
from tests.order_exporter.edited_orders import change_line, change_order, with_decimals
from tests.support.exporting import (
    ROUNDING,
    recorded_order,
    recorded_sale,
    settings,
)

CURRENCIES = {"USD": "66666666-0000-4000-8000-000000000001", "EUR": "66666666-0000-4000-8000-000000000002"}


def booked() -> Iterable[tuple[OrderChanged, SaleRecorded]]:
    for rounding, chosen in ((None, list_order_ids()), (ROUNDING, list_order_ids()[::8])):
        using = settings(balance={"currencies": CURRENCIES}, rounding_item=rounding)
        for order_id in chosen:
            bought = recorded_order(get_recording(order_id))
            try:
                yield bought, recorded_sale(bought, using)
            except Unbookable:
                continue


def test_no_recorded_order_is_edited_by_being_shown_otherwise() -> None:
    count = 0
    for bought, held in booked():
        gone = tuple(change_line(each, product_id=0, variation_id=0, sku="") for each in bought.lines)
        again = tuple(change_line(each, line_id=each.line_id + 10**6) for each in reversed(bought.lines))
        for now in (
            bought,
            change_order(bought, lines=gone),
            change_order(bought, lines=again),
            change_order(bought, tax_rates=()),
            with_decimals(bought, "1"),
            with_decimals(bought, "0.001"),
        ):
            assert describe_edit(now, held) == "", bought.order_id
        count += 1
    assert count > 280


def test_every_recorded_order_is_edited_by_a_piece_or_a_tetri_more() -> None:
    for bought, held in booked():
        first = bought.lines[0]
        piece = change_line(first, quantity=first.quantity + 1)
        tetri = change_line(first, total=first.total + Decimal("0.20"))
        if first.kind == "product" and first.total >= 0:
            assert describe_edit(change_order(bought, lines=(piece, *bought.lines[1:])), held), bought.order_id
        if first.total.as_tuple().exponent:
            assert describe_edit(change_order(bought, lines=(tetri, *bought.lines[1:])), held), bought.order_id
            assert describe_edit(change_order(bought, total=bought.total + Decimal("0.01")), held), bought.order_id
