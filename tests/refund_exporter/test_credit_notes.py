"""Each kind of refund has a defined credit note: full, partial, money, shipping, fee, tax alone, pieces alone."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from decimal import Decimal

import pytest

from contracts.ledger import RecordedLine
from contracts.reasons import Reason
from contracts.shop import LineTax
from services.accounting.documents.ids import credit_note_uid
from services.accounting.documents.unbookable import Unbookable
from services.refund_exporter.parts import parts_of_lines
from services.refund_exporter.sale_basis import build_basis, compute_remainder
from services.refund_exporter.tasks import CreditNoteTask
from tests.refund_exporter.refund_bench import CORRECTION, CUP, PARCEL, RETURN, SALE, TEA, note, rows
from tests.support.exporting import (
    AMOUNT,
    RETAIL,
    ROUNDING,
    SHIPPING,
    SHOP,
    VAT,
    WAREHOUSE,
    ZERO_VAT,
    given_back,
    item_of,
    line,
    order,
    refund,
    settings,
)

BASIS = build_basis(SALE)

# -- the kinds


def test_the_document_points_at_its_sale_and_at_the_sales_lines() -> None:
    task = note(refund("15.00", given_back(TEA, "15.00", quantity="1")))
    header = {name: value for name, value in task.document.items() if name != "Items"}
    assert header == {
        "uid": credit_note_uid(SHOP, 1051),
        "Date": "2026-03-05T00:00:00",
        "OperationType": RETURN,
        "BaseDocument": SALE.sale,
        "Client": RETAIL,
        "Warehouse": WAREHOUSE,
        "AmountIncludesVAT": "true",
        "VATtaxable": "იბეგრება დღგ-ით",
        "VATarticle": "მიწოდება კომპენსაციით",
        "CustomersAccount": "1410.01",
        "PrimaryDocument": "1042",
        "Comments": "Refund 1051 of order 1042, shop main",
    }
    assert task.document["Items"] == [
        {
            "BaseDocument": SALE.lines[0].balance_line_uid,
            "Number": "1",
            "Item": item_of(311),
            "Quantity": "1",
            "Price": "15.0000",
            "Amount": "15.00",
            "AmountIncludingVAT": "15.00",
            "VAT": "2.29",
            "VATrate": "ჩვეულებრივი",
            "RevenueAccount": "6110",
        }
    ]


def test_a_refund_of_everything_gives_back_every_line() -> None:
    parts = (
        given_back(TEA, "60.00", quantity="4"),
        given_back(CUP, "30.00", quantity="1", total=Decimal(30), total_tax=Decimal(0)),
        given_back(PARCEL, "10.00", kind="shipping", quantity="1"),
    )
    task = note(refund("100.00", *parts))
    assert rows(task) == [
        (item_of(311), "4", "60.00", "9.15"),
        (item_of(312), "1", "30.00", "0.00"),
        (SHIPPING, "1", "10.00", "1.53"),
    ]
    assert (task.document["OperationType"], task.vat) == (RETURN, SALE.vat)


def test_shipping_alone_is_a_correction_that_moves_no_goods() -> None:
    task = note(refund("4.00", given_back(PARCEL, "4.00", kind="shipping", quantity="1")))
    assert (task.document["OperationType"], rows(task)) == (CORRECTION, [(SHIPPING, "1", "4.00", "0.61")])


def test_money_without_pieces_corrects_the_price_of_what_was_sold() -> None:
    task = note(refund("5.00", given_back(TEA, "5.00")))
    assert (task.document["OperationType"], rows(task)) == (CORRECTION, [(item_of(311), "4", "5.00", "0.76")])
    assert task.document["Items"][0]["Price"] == "1.2500"
    assert task.lines[0].quantity == 0


def test_pieces_without_money_come_back_for_nothing() -> None:
    task = note(refund("0.00", given_back(TEA, "0.00", quantity="2")))
    assert (task.document["OperationType"], rows(task)) == (RETURN, [(item_of(311), "2", "0.00", "0.00")])


def test_tax_alone_is_all_vat() -> None:
    task = note(refund("9.15", given_back(TEA, "9.15", total=Decimal(0), total_tax=Decimal("9.15"))))
    assert (task.document["OperationType"], rows(task)) == (CORRECTION, [(item_of(311), "4", "9.15", "9.15")])


def test_a_net_amount_alone_still_lowers_the_vat_and_says_so() -> None:
    task = note(refund("11.80", given_back(TEA, "11.80", total=Decimal("11.80"), total_tax=Decimal("0.00"))))
    assert task.vat == Decimal("1.80")
    assert task.notes == ("VAT: the refund says 0.00, its lines at their rates hold 1.80",)


def test_an_amount_alone_is_spread_over_what_is_left_of_each_line() -> None:
    task = note(refund("10.01"))
    assert rows(task) == [
        (item_of(311), "4", "6.01", "0.92"),
        (item_of(312), "1", "3.00", "0.00"),
        (SHIPPING, "1", "1.00", "0.15"),
    ]
    assert task.document["OperationType"] == CORRECTION


def test_an_amount_alone_goes_on_the_service_item_by_rate_when_one_is_set() -> None:
    task = note(refund("10.01"), using=settings(amount_item=AMOUNT))
    assert [(row["Item"], row["Amount"], row["VATrate"]) for row in task.document["Items"]] == [
        (AMOUNT, "7.01", "ჩვეულებრივი"),
        (AMOUNT, "3.00", "ნულოვანი"),
    ]
    assert {row["BaseDocument"] for row in task.document["Items"]} == {SALE.sale}
    assert all(each.sale_line is None for each in task.lines)


def test_what_is_left_after_a_part_is_given_back_with_all_its_vat() -> None:
    first = note(refund("7.77"))
    last = note(refund("92.23", refund_id=1052), first)
    assert first.total + last.total == SALE.total
    assert first.vat + last.vat == SALE.vat


@pytest.mark.claim("K6")
def test_several_refunds_in_any_mix_end_at_nothing_left() -> None:
    made: list[CreditNoteTask] = []
    for number, issued in enumerate(
        [
            refund("3.33"),
            refund("15.00", given_back(TEA, "15.00", quantity="1")),
            refund("2.00", given_back(PARCEL, "2.00", kind="shipping")),
            refund("1.00", given_back(TEA, "1.00", total=Decimal(0), total_tax=Decimal("1.00"))),
            refund("0.00", given_back(TEA, "0.00", quantity="1")),
            refund("78.67"),
        ]
    ):
        made.append(note(issued.model_copy(update={"refund_id": 2000 + number}), *made))
    left = compute_remainder(build_basis(SALE), [each for one in made for each in one.lines])
    assert left.total == 0
    assert {(each.amount, each.vat) for each in left.lines.values()} == {(Decimal(0), Decimal(0))}
    assert sum(one.vat for one in made) == SALE.vat


def test_a_fee_sold_at_two_rates_is_given_back_at_both() -> None:
    taxes = (LineTax(rate_id=VAT, total=Decimal("-0.56607")), LineTax(rate_id=ZERO_VAT, total=Decimal(0)))
    fee = line(2, "-3.90", kind="fee", total=Decimal("-3.33"), total_tax=Decimal("-0.57"), taxes=taxes)
    bought = order(line(TEA, "199.00"), fee)
    parts = (
        given_back(TEA, "199.00", quantity="1"),
        given_back(2, "-3.90", kind="fee", total=Decimal("-3.33"), total_tax=Decimal("-0.57")),
    )
    task = note(refund("195.10", *parts), bought=bought)
    assert [row["Amount"] for row in task.document["Items"]] == ["199.00", "-3.71", "-0.19"]


def test_the_last_refund_of_a_fee_takes_the_remainder_of_each_rate_also_where_one_was_credited_too_much() -> None:
    """Given a fee of 0.06 at 18 % and 0.04 at 0 %, of which an earlier note credited 0.00 and 0.05."""
    fee = replace(BASIS.lines[0], recorded=fee_line(line_id=2, amount="0.06", percent=18))
    at_zero = replace(BASIS.lines[1], recorded=fee_line(line_id=2, amount="0.04", percent=0))
    basis = replace(BASIS, lines=(fee, at_zero), total=Decimal("0.10"))
    credited = at_zero.recorded.model_copy(update={"amount": Decimal("0.05"), "sale_line": 2})
    last = refund("0.05", given_back(2, "0.05", kind="fee", total=Decimal("0.05"), total_tax=Decimal(0)))
    parts = parts_of_lines(last, basis, compute_remainder(basis, [credited]))
    assert [(part.line.position, part.amount) for part in parts] == [(1, Decimal("0.06")), (2, Decimal("-0.01"))]


def fee_line(line_id: int, amount: str, percent: int) -> RecordedLine:
    return RecordedLine(
        order_line_id=line_id,
        kind="fee",
        item=SHIPPING,
        quantity=Decimal(1),
        amount=Decimal(amount),
        vat=Decimal(0),
        vat_percent=Decimal(percent),
    )


def test_amounts_on_a_service_item_never_exceed_what_was_sold_at_a_rate() -> None:
    """The Sale is 70.00 at 18 % and 30.00 at 0 %."""
    using, made = settings(amount_item=AMOUNT), list[CreditNoteTask]()
    for number, amount in enumerate(("33.35", "33.35", "33.30")):
        made.append(note(refund(amount, refund_id=3000 + number), *made, using=using))
    sums: dict[Decimal | None, Decimal] = defaultdict(Decimal)
    for each in (each_line for task in made for each_line in task.lines):
        sums[each.vat_percent] += each.amount
    assert sums == {Decimal(18): Decimal("70.00"), Decimal(0): Decimal("30.00")}


def test_a_residue_up_to_the_cap_goes_on_the_largest_line() -> None:
    parts = (given_back(TEA, "15.00", quantity="1"), given_back(PARCEL, "2.00", kind="shipping"))
    assert [row[2] for row in rows(note(refund("16.98", *parts)))] == ["14.98", "2.00"]


def test_money_beyond_what_a_line_has_left_is_taken_from_the_others() -> None:
    # given a goodwill refund that took 3.00 from the tea
    first = note(refund("5.00"))
    # when the tea's full price is given back as money
    task = note(refund("60.00", given_back(TEA, "60.00"), refund_id=1052), first)
    # then 57.00 come from the tea and 3.00 from what is left of the rest
    assert [row[2] for row in rows(task)] == ["57.00", "2.25", "0.75"]
    assert task.total == Decimal("60.00")


def test_pieces_and_money_on_other_goods_need_a_service_item_in_one_return() -> None:
    issued = refund(
        "20.00",
        given_back(TEA, "15.00", quantity="1"),
        given_back(CUP, "5.00", total=Decimal(5), total_tax=Decimal(0)),
    )
    task = note(issued, using=settings(amount_item=AMOUNT))
    assert rows(task) == [(item_of(311), "1", "15.00", "2.29"), (AMOUNT, "1", "5.00", "0.00")]
    assert [each.sale_line for each in task.lines] == [1, 2]
    with pytest.raises(Unbookable) as refused:
        note(issued)
    assert refused.value.reason is Reason.REFUND_SETTING_MISSING
    assert "shops.main.orders.amount-item" in refused.value.detail


def test_the_rounding_line_of_a_sale_is_given_back_with_the_rest() -> None:
    using = settings(rounding_item=ROUNDING)
    bought = order(line(TEA, "60.00", quantity="4"), total=Decimal("60.02"))
    task = note(refund("60.02"), using=using, bought=bought)
    assert [row[0] for row in rows(task)] == [item_of(311), ROUNDING]
