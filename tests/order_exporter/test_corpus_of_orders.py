"""Every order that a real WooCommerce computed becomes a Sale with the order's own total, or is refused by name."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

import pytest

from contracts.money import to_tetri
from contracts.reasons import Reason
from services.accounting.documents.unbookable import Unbookable
from services.order_exporter.sale import Sale, build_sale
from services.sandbox.recorded import Recording, get_recording, list_order_ids
from tests.support.exporting import ROUNDING, items_of, recorded_order, sale_task, settings

CURRENCIES = {"USD": "66666666-0000-4000-8000-000000000001", "EUR": "66666666-0000-4000-8000-000000000002"}
USING = settings(balance={"currencies": CURRENCIES})
RULES = USING.shops["main"].orders

REFUSED = {
    Reason.SALE_TOTAL_NEGATIVE: {929, 932, 934, 935, 938},  # made to be negative (rule 10)
    Reason.SALE_NOTHING_TO_SELL: {168, 336},  # orders without any line
    Reason.SALE_NOT_WHOLE_TETRI: {716, 752, 754, 757, 758, 759, 768, 770},  # a shop with 3 decimals (rule 11)
}
TYPED_TAXES = {216, 233, 533, 861}
"""Orders whose taxes a person typed in the order screen (notes: totals-tax-left, shipping-typed; rule 5)."""


def made(one: Recording) -> Sale | Reason:
    order = recorded_order(one)
    try:
        return build_sale(order, items_of(order), RULES, USING.balance)
    except Unbookable as refused:
        return refused.reason


@pytest.mark.claim("K8")
@pytest.mark.parametrize("order_id", list_order_ids())
def test_the_sale_comes_to_the_orders_total_or_the_order_is_refused_for_a_known_reason(order_id: int) -> None:
    one = get_recording(order_id)
    sale = made(one)
    if isinstance(sale, Reason):
        assert order_id in REFUSED[sale]
        return
    assert sale.total == sum(line.amount for line in sale.lines) == Decimal(one.order["total"])
    assert all(line.amount == to_tetri(line.amount) for line in sale.lines)


@pytest.mark.claim("S3.8")
@pytest.mark.parametrize("inclusive", [True, False])
def test_shops_with_and_without_tax_in_their_prices_give_documents_with_the_vat_inside(inclusive: bool) -> None:
    orders = (recorded_order(get_recording(order_id)) for order_id in list_order_ids())
    count = 0
    for bought in (each for each in orders if each.prices_include_tax is inclusive and each.total_tax):
        if isinstance(made(get_recording(bought.order_id)), Reason):
            continue
        document, count = sale_task(bought, USING).document, count + 1
        assert document["AmountIncludesVAT"] is True
        assert sum(Decimal(row["Amount"]) for row in document["Items"]) == bought.total
    assert count > 40


def test_no_more_orders_are_refused_than_have_to_be() -> None:
    outcomes = {order_id: made(get_recording(order_id)) for order_id in list_order_ids()}
    refused = {order_id: outcome for order_id, outcome in outcomes.items() if isinstance(outcome, Reason)}
    assert Counter(refused.values()) == {reason: len(ids) for reason, ids in REFUSED.items()}
    assert len(outcomes) == 274
    assert len(refused) == 15


@pytest.mark.claim("K9")
def test_vat_of_the_lines_equals_the_orders_tax_but_for_rounding_and_typed_taxes() -> None:
    sales = {order_id: (get_recording(order_id), made(get_recording(order_id))) for order_id in list_order_ids()}
    flagged = {order_id for order_id, (_, sale) in sales.items() if isinstance(sale, Sale) and sale.notes}
    assert flagged == TYPED_TAXES
    for order_id, (one, sale) in sales.items():
        if isinstance(sale, Sale) and order_id not in TYPED_TAXES and one.config["price_num_decimals"] == "2":
            assert abs(sale.vat - Decimal(one.order["total_tax"])) <= Decimal("0.02"), order_id


@pytest.mark.claim("S3.50", "K9")
def test_what_rounding_leaves_over_is_a_tetri_and_goes_on_the_rounding_line_when_there_is_one() -> None:
    using = settings(balance={"currencies": CURRENCIES}, rounding_item=ROUNDING)
    residues = []
    for order_id in set(list_order_ids()) - set().union(*REFUSED.values()):
        order = recorded_order(get_recording(order_id))
        sale = build_sale(order, items_of(order), using.shops["main"].orders, using.balance)
        residues += [line.amount for line in sale.lines if line.kind == "rounding"]
        assert sum(line.amount for line in sale.lines) == order.total
    assert Counter(map(abs, residues)) == {Decimal("0.01"): 15}


@pytest.mark.claim("S3.48")
def test_every_written_line_has_an_exact_amount_and_a_price_that_multiplies_to_it() -> None:
    rows = 0
    for order_id in set(list_order_ids()) - set().union(*REFUSED.values()):
        for row in sale_task(recorded_order(get_recording(order_id)), USING).document["Items"]:
            assert to_tetri(Decimal(row["Price"]) * Decimal(row["Quantity"])) == Decimal(row["Amount"])
            rows += 1
    assert rows > 1300
