"""How an order's lines become a Sale's lines: rates, services, discounts, and what cannot be sold."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from contracts.reasons import Reason
from contracts.shop import LineTax, OrderChanged, TaxRate
from services.accounting.documents.unbookable import Unbookable
from services.order_exporter.sale import Sale, build_sale
from services.settings.model import Settings
from tests.support.exporting import (
    FEE,
    ROUNDING,
    SHIPPING,
    VAT,
    ZERO_VAT,
    items_of,
    line,
    order,
    sale_task,
    settings,
)


def sale(of: OrderChanged, using: Settings | None = None) -> Sale:
    using = using or settings()
    return build_sale(of, items_of(of), using.shops["main"].orders, using.balance)


def tax(rate_id: int, percent: str, **fields: Any) -> TaxRate:
    return TaxRate(
        rate_id=rate_id, percent=Decimal(percent), tax_total=Decimal(0), shipping_tax_total=Decimal(0), **fields
    )


@pytest.mark.claim("S3.12", "I12")
def test_vat_rate_is_that_of_the_lines_tax_and_not_of_its_tax_class() -> None:
    # given lines of the standard class: taxed, zero-rated, and untaxed because the buyer lives abroad
    lines = (line(1, "118.00"), line(2, "50.00", rate=ZERO_VAT), line(3, "30.00", rate=None))
    using = settings(vat_rates={"18": "regular-uid", "0": "zero-uid", "none": "without-uid"})
    assert [(each.percent, each.vat_rate) for each in sale(order(*lines), using).lines] == [
        (Decimal(18), "regular-uid"),
        (Decimal(0), "zero-uid"),
        (None, "without-uid"),
    ]


def test_a_line_of_cents_keeps_its_rate_although_its_tax_is_nothing() -> None:
    [sold] = sale(order(line(1, "0.02", total=Decimal("0.02"), total_tax=Decimal("0.00")))).lines
    assert (sold.percent, sold.vat) == (Decimal(18), Decimal("0.00"))


def test_shipping_and_fees_are_service_items_at_their_own_rates() -> None:
    parcel = line(2, "5.00", kind="shipping", rate=None)
    sold = sale(order(line(1, "10.00"), parcel, line(3, "-1.18", kind="fee"))).lines
    assert [(each.kind, each.item, each.quantity, each.amount, each.percent) for each in sold[1:]] == [
        ("shipping", SHIPPING, 1, Decimal("5.00"), None),
        ("fee", FEE, 1, Decimal("-1.18"), Decimal(18)),
    ]


def test_free_lines_stay_lines() -> None:
    gift = line(2, "0.00", before="25.00", quantity="3")
    assert [each.quantity for each in sale(order(line(1, "10.00"), gift)).lines] == [1, 3]


def test_free_shipping_needs_no_service_item() -> None:
    free = order(line(1, "10.00"), line(2, "0.00", kind="shipping"))
    assert [each.kind for each in sale(free, settings(shipping_item=None)).lines] == ["product"]


def test_a_negative_fee_over_goods_of_two_rates_becomes_a_line_per_rate() -> None:
    # given WooCommerce's own figures: -3.33 net, taxed in proportion to 198.63 of goods, 85 % of them at 18 %
    fee = line(
        2,
        "-3.90",
        kind="fee",
        total=Decimal("-3.33"),
        total_tax=Decimal("-0.57"),
        taxes=(LineTax(rate_id=VAT, total=Decimal("-0.56607")), LineTax(rate_id=ZERO_VAT, total=Decimal(0))),
    )
    whole = sale(order(line(1, "199.00"), fee))
    assert [(each.percent, each.amount) for each in whole.lines[1:]] == [
        (Decimal(18), Decimal("-3.71")),
        (Decimal(0), Decimal("-0.19")),
    ]
    assert sum(each.vat for each in whole.lines[1:]) == Decimal("-0.57")


def test_a_negative_fee_over_taxed_and_untaxed_goods_is_untaxed_for_its_rest() -> None:
    fee = line(
        2,
        "-3.79",
        kind="fee",
        total=Decimal("-3.33"),
        total_tax=Decimal("-0.46"),
        taxes=(LineTax(rate_id=VAT, total=Decimal("-0.457537")),),
    )
    assert [(each.percent, each.amount) for each in sale(order(line(1, "300.00"), fee)).lines[1:]] == [
        (Decimal(18), Decimal("-3.00")),
        (None, Decimal("-0.79")),
    ]


@pytest.mark.claim("S3.50")
def test_a_residue_goes_on_the_largest_line_and_changes_no_other() -> None:
    whole = order(line(1, "10.00"), line(2, "90.00"), line(3, "20.00"), total=Decimal("119.99"))
    assert [each.amount for each in sale(whole).lines] == [Decimal("10.00"), Decimal("89.99"), Decimal("20.00")]


@pytest.mark.claim("S3.50")
def test_a_residue_goes_on_the_named_rounding_line_when_one_is_set() -> None:
    whole = order(line(1, "10.00"), line(2, "90.00"), total=Decimal("100.03"))
    last = sale(whole, settings(rounding_item=ROUNDING)).lines[-1]
    assert (last.kind, last.item, last.amount, last.percent) == ("rounding", ROUNDING, Decimal("0.03"), Decimal(18))


def test_a_tax_typed_by_hand_is_noted_for_the_accountant_and_stops_nothing() -> None:
    whole = sale(order(line(1, "118.00"), total_tax=Decimal("20.00")))
    assert whole.total == Decimal("118.00")
    assert whole.notes == ("VAT: the order says 20.00, its lines at their rates hold 18.00",)


BAD = {
    "negative total": (order(line(1, "5.00"), line(2, "-9.00", kind="fee")), {}, Reason.SALE_TOTAL_NEGATIVE, "-4.00"),
    "no lines": (order(), {}, Reason.SALE_NOTHING_TO_SELL, "no line"),
    "only free shipping, no item for it": (
        order(line(1, "0.00", kind="shipping")),
        {"shipping_item": None},
        Reason.SALE_NOTHING_TO_SELL,
        "no line",
    ),
    "three decimals": (order(line(1, "5.00"), total=Decimal("5.001")), {}, Reason.SALE_NOT_WHOLE_TETRI, "5.001"),
    "a line of three decimals": (
        order(line(1, "5.00", total=Decimal("4.238"), total_tax=Decimal("0.763"))),
        {},
        Reason.SALE_NOT_WHOLE_TETRI,
        "5.001",
    ),
    "total apart": (order(line(1, "5.00"), total=Decimal("5.06")), {}, Reason.SALE_TOTAL_DIFFERS, "+0.06"),
    "quantity 0": (order(line(1, "5.00", quantity="0")), {}, Reason.SALE_QUANTITY_INVALID, "quantity 0"),
    "negative quantity": (order(line(1, "5.00", quantity="-1")), {}, Reason.SALE_QUANTITY_INVALID, "quantity -1"),
    "no shipping item": (
        order(line(1, "5.00"), line(2, "3.00", kind="shipping")),
        {"shipping_item": None},
        Reason.SALE_SETTING_MISSING,
        "shops.main.orders.shipping-item",
    ),
    "no fee item": (
        order(line(1, "5.00"), line(2, "3.00", kind="fee")),
        {"fee_item": None},
        Reason.SALE_SETTING_MISSING,
        "shops.main.orders.fee-item",
    ),
    "no warehouse": (
        order(line(1, "5.00")),
        {"warehouse": None},
        Reason.SALE_SETTING_MISSING,
        "shops.main.orders.warehouse",
    ),
    "currency without a uid": (
        order(line(1, "5.00"), currency="USD"),
        {},
        Reason.SALE_CURRENCY_NOT_MAPPED,
        "balance.currencies.USD",
    ),
    "rate without a mapping": (
        order(line(1, "5.00")),
        {"vat_rates": {"0": "zero", "none": "without"}},
        Reason.SALE_TAX_NOT_MAPPED,
        'shops.main.orders.vat-rates has no entry "18"',
    ),
    "rate that the order does not list": (
        order(line(1, "5.00"), tax_rates=()),
        {},
        Reason.SALE_TAX_NOT_MAPPED,
        "tax rate 1",
    ),
    "compound rate": (
        order(line(1, "5.00"), tax_rates=(tax(VAT, "18", compound=True, label="city"),)),
        {},
        Reason.SALE_TAX_NOT_MAPPED,
        "compound",
    ),
    "tax without a rate": (order(line(1, "5.00", taxes=())), {}, Reason.SALE_TAX_NOT_MAPPED, "names no rate"),
    "two taxes on one line": (
        order(
            line(
                1,
                "123.00",
                total=Decimal("100.00"),
                total_tax=Decimal("23.00"),
                taxes=(LineTax(rate_id=1, total=Decimal(18)), LineTax(rate_id=5, total=Decimal(5))),
            ),
            tax_rates=(tax(1, "18"), tax(5, "5")),
        ),
        {},
        Reason.SALE_TAX_NOT_MAPPED,
        "several taxes",
    ),
}


@pytest.mark.claim("S3.11")
@pytest.mark.parametrize("name", BAD)
def test_what_gives_no_sound_sale_is_refused_with_a_reason_that_names_the_cause(name: str) -> None:
    bad, changes, reason, named = BAD[name]
    with pytest.raises(Unbookable) as refused:
        sale(bad, settings(**changes))
    assert refused.value.reason is reason
    assert named in refused.value.detail


def test_an_order_in_a_mapped_currency_is_written_in_it() -> None:
    using = settings(balance={"currencies": {"USD": "usd-uid"}})
    task = sale_task(order(line(1, "5.00"), currency="USD"), using)
    assert (task.currency, task.document["Currency"]) == ("USD", "usd-uid")
    assert "Currency" not in sale_task(order(line(1, "5.00")), using).document
