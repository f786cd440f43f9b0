"""VAT that is due is never booked as zero, and a negative amount never takes goods out of stock."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from contracts.balance import ItemChanged
from contracts.reasons import Reason
from contracts.shop import LineTax, OrderChanged, TaxRate
from services.accounting.documents.vat_rates import split_by_rate
from services.engine.outbox.decision import Refusal
from services.order_exporter.handlers import handlers
from services.sandbox.recorded import get_recording, list_order_ids
from tests.order_exporter.export_bench import task_of
from tests.support.exporting import (
    FEE,
    KEY,
    PAID,
    VAT,
    ZERO_VAT,
    item_of,
    line,
    link,
    order,
    recorded_order,
    settings,
)
from tests.support.memory_state import Consumer

NAMES = {"18": "regular", "0": "zero", "none": "without"}


def consumer(**orders: Any) -> Consumer:
    service = Consumer(handlers(settings(vat_rates=NAMES | orders.pop("vat_rates", {}), **orders)))
    service.take(link(311), link(312))
    return service


def refused(service: Consumer, bought: OrderChanged) -> Refusal:
    [refusal] = service.take(bought)[KEY].refuse
    return refusal


def rate(percent: str, rate_id: int = VAT) -> TaxRate:
    nothing = Decimal(0)
    return TaxRate(rate_id=rate_id, percent=Decimal(percent), tax_total=nothing, shipping_tax_total=nothing)


def item(vat_rate: str | None) -> ItemChanged:
    return ItemChanged(item=item_of(311), kind="goods", name="Cup", vat_rate=vat_rate, observed_at=PAID)


@pytest.mark.parametrize(
    "bought",
    [
        order(line(11, "100.00"), tax_rates=(rate("0"),)),
        order(line(11, "100.00", taxes=(LineTax(rate_id=VAT, total=Decimal(0)),)), tax_rates=(rate("0"),)),
        order(line(11, "0.00"), line(12, "10.00", kind="shipping"), tax_rates=(rate("0"),)),
        order(line(11, "0.00"), line(12, "10.00", kind="fee"), tax_rates=(rate("0"),)),
        order(line(11, "100.00", tax_class="zero-rate"), tax_rates=(rate("0"),)),
        order(line(11, "50.00", rate=ZERO_VAT, tax_class="")),
        order(line(11, "50.00", rate=ZERO_VAT, tax_class="reduced-rate")),
        order(line(11, "0.00"), line(12, "5.00", kind="fee", rate=ZERO_VAT, tax_class="")),
    ],
    ids=[
        "tax at a rate that answers 0 %",
        "tax of the line, none of the rate",
        "taxed shipping",
        "taxed fee",
        "tax in the zero class",
        "standard class at 0 %",
        "reduced class at 0 %",
        "fee of the standard class at 0 %",
    ],
)
def test_a_taxed_line_at_0_percent_is_parked_and_not_booked_at_zero(bought: OrderChanged) -> None:
    assert refused(consumer(), bought).reason == Reason.SALE_TAX_AT_ZERO


@pytest.mark.parametrize(
    ("bought", "mapped", "rates"),
    [
        (order(line(11, "50.00", rate=ZERO_VAT, tax_class="")), {"standard:0": "exempt"}, ["exempt"]),
        (order(line(11, "50.00", rate=ZERO_VAT)), {}, ["zero"]),
        (order(line(11, "50.00", rate=ZERO_VAT), line(12, "5.00", kind="shipping", rate=ZERO_VAT)), {}, ["zero"] * 2),
        (order(line(11, "50.00", rate=None)), {}, ["without"]),
        (order(line(11, "0.00", rate=ZERO_VAT, tax_class="")), {}, ["zero"]),
    ],
    ids=["a mapping of the class", "the zero class", "shipping of such goods", "untaxed", "free"],
)
def test_0_percent_is_booked_where_it_is_meant(bought: OrderChanged, mapped: dict[str, str], rates: list[str]) -> None:
    task = task_of(consumer(vat_rates=mapped).take(bought)[KEY])
    assert [row["VATRate"] for row in task.document["Items"]] == rates


@pytest.mark.parametrize(
    ("vat_rate", "mapped", "waits"),
    [
        ("regular", {}, True),
        ("regular", {"zero-rate:0": "zero"}, False),
        ("zero", {}, False),
        ("without", {}, False),
        (None, {}, False),
    ],
)
def test_goods_that_balance_taxes_are_not_sold_at_0_percent_unless_a_setting_says_so(
    vat_rate: str | None, mapped: dict[str, str], waits: bool
) -> None:
    service = consumer(vat_rates=mapped)
    service.take(item(vat_rate))
    decision = service.take(order(line(11, "50.00", rate=ZERO_VAT)))[KEY]
    assert [each.reason for each in decision.refuse] == ([Reason.SALE_TAX_AT_ZERO] if waits else [])


@pytest.mark.parametrize(
    "fee",
    [
        line(12, "5.00", kind="fee", rate=None, tax_class="0"),
        line(12, "-5.90", kind="fee", tax_class="0"),
    ],
    ids=["not taxable", "negative, taxed all the same"],
)
def test_a_cart_fee_that_is_not_taxable_asks_nobody(fee: Any) -> None:
    task = task_of(consumer().take(order(line(11, "20.00"), fee))[KEY])
    assert task.document["Items"][1]["VATRate"] == ("without" if not fee.taxes else "regular")


# -- signs


def test_goods_with_a_negative_amount_are_a_discount_that_takes_no_goods() -> None:
    bought = order(line(11, "100.00", quantity="2"), line(12, "-3.93", product=999))
    task = task_of(consumer().take(bought)[KEY])
    assert [(sold.kind, sold.item, str(sold.quantity), str(sold.amount)) for sold in task.lines] == [
        ("product", item_of(311), "2", "100.00"),
        ("fee", FEE, "1", "-3.93"),
    ]
    assert (task.total, task.vat) == (bought.total, bought.total_tax)


@pytest.mark.parametrize(
    ("sold", "orders", "reason", "message"),
    [
        (line(12, "-5.00"), {"negative_goods": "park"}, Reason.SALE_LINE_NEGATIVE, "negative amount -5.00"),
        (line(12, "-5.00"), {"fee_item": None}, Reason.SALE_SETTING_MISSING, "shops.main.orders.fee-item"),
        (line(12, "-5.00", quantity="-1"), {}, Reason.SALE_QUANTITY_INVALID, "quantity -1 and the amount -5.00"),
        (line(12, "5.00", quantity="-1"), {}, Reason.SALE_QUANTITY_INVALID, "quantity -1"),
        (line(12, "5.00", quantity="0"), {}, Reason.SALE_QUANTITY_INVALID, "quantity 0 and the amount 5.00"),
        (line(12, "0.00", quantity="0"), {}, Reason.SALE_QUANTITY_INVALID, "quantity 0"),
    ],
    ids=["parked by setting", "no item for it", "given back", "negative pieces", "money for nothing", "nothing at all"],
)
def test_a_sign_or_quantity_that_sells_nothing_needs_a_person(
    sold: Any, orders: dict[str, Any], reason: Reason, message: str
) -> None:
    refusal = refused(consumer(**orders), order(line(11, "100.00"), sold))
    assert refusal.reason == reason
    assert message in refusal.detail


# -- a negative fee over several rates


def test_every_recorded_negative_fee_is_split_alike_whether_the_shop_rounds_its_taxes_or_not() -> None:
    split, differing = 0, []
    for order_id in list_order_ids():
        one = get_recording(order_id)
        bought, unit = recorded_order(one), Decimal(1).scaleb(-int(one.config["price_num_decimals"]))
        for fee in (each for each in bought.lines if each.kind == "fee" and each.total < 0):
            taxes = tuple(
                tax.model_copy(update={"total": tax.total.quantize(unit, "ROUND_HALF_UP")}) for tax in fee.taxes
            )
            shares, rounded = split_by_rate(fee, bought), split_by_rate(fee.model_copy(update={"taxes": taxes}), bought)
            split += 1
            if set(shares) != set(rounded):
                differing.append(order_id)
    assert split == 31
    assert differing == [307], "its fee of one tetri holds half a tetri of tax, which no proportion of its lines gives"


def test_a_rounded_split_is_that_of_the_shop_and_not_of_the_rounded_tax() -> None:
    # given 2.67 off 345.00 of goods at 18 % and 100.00 at 0 %, taxes answered with two decimals
    taxes = (LineTax(rate_id=VAT, total=Decimal("-0.32")), LineTax(rate_id=ZERO_VAT, total=Decimal("0.00")))
    fee = line(13, "-2.67", kind="fee", total=Decimal("-2.35"), total_tax=Decimal("-0.32"), taxes=taxes)
    bought = order(line(11, "345.00"), line(12, "100.00", product=312, rate=ZERO_VAT), fee)
    assert [(share.percent, str(share.gross)) for share in split_by_rate(fee, bought)] == [(18, "-2.07"), (0, "-0.60")]
