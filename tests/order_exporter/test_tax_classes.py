"""Taxes are facts of the shop: a class or rate that nobody has mapped waits for a person; no total is ever wrong."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from contracts.reasons import Reason
from contracts.shop import LineTax, OrderChanged, TaxRate
from services.accounting.documents.unbookable import Unbookable
from services.sandbox.recorded import get_recording, list_order_ids
from tests.order_exporter.export_bench import consumer, task_of
from tests.support.exporting import KEY, line, link, order, recorded_order, sale_task, settings

CURRENCIES = {"USD": "66666666-0000-4000-8000-000000000001", "EUR": "66666666-0000-4000-8000-000000000002"}
USING = settings(balance={"currencies": CURRENCIES})


def taxed(percent: str, **fields: Any) -> OrderChanged:
    """An order whose only line was sold at this rate, excluding tax."""
    tax = (Decimal(100) * Decimal(percent) / 100).quantize(Decimal("0.01"))
    sold = line(1, "0.00", rate=None).model_copy(
        update={"total": Decimal(100), "total_tax": tax, "taxes": (LineTax(rate_id=7, total=tax),), **fields}
    )
    rate = TaxRate(rate_id=7, percent=Decimal(percent), tax_total=tax, shipping_tax_total=Decimal(0))
    return order(sold, tax_rates=(rate,), total=100 + tax, prices_include_tax=False)


@pytest.mark.claim("S2.18")
@pytest.mark.parametrize(
    ("changed", "named"),
    [
        (taxed("19"), 'no entry "19"'),
        (taxed("18", tax_class="books"), "tax class 'books', which is new"),
        (order(line(1, "10.00", rate=None, tax_class="books")), "tax class 'books', which is new"),
        (order(line(1, "10.00"), line(2, "5.00", kind="fee", tax_class="books")), "tax class 'books'"),
    ],
    ids=["changed rate", "new class at a known rate", "new class without a rate", "fee in a new class"],
)
def test_a_new_or_changed_class_or_rate_blocks_and_asks_and_nothing_is_made(changed: OrderChanged, named: str) -> None:
    decision = consumer(USING).take(link(311), changed)[KEY]
    [refusal] = decision.refuse
    assert (refusal.reason, decision.deliveries) == (Reason.SALE_TAX_NOT_MAPPED, ())
    assert named in refusal.detail
    assert "shops.main.orders." in refusal.detail


@pytest.mark.claim("S2.18")
def test_once_a_person_has_mapped_it_the_order_goes() -> None:
    known = ("standard", "books")
    using = settings(
        tax_classes=known, vat_rates={"18": "regular", "0": "zero", "none": "without", "books:18": "books"}
    )
    document = task_of(consumer(using).take(link(311), taxed("18", tax_class="books"))[KEY]).document
    assert [row["VATRate"] for row in document["Items"]] == ["books"]
    assert task_of(consumer(using).take(link(311), taxed("18"))[KEY]).document["Items"][0]["VATRate"] == "regular"


@pytest.mark.claim("S3.9", "S3.51")
def test_amount_and_vat_are_those_that_the_shop_has_computed_on_top_of_exclusive_prices() -> None:
    task = task_of(consumer(USING).take(link(311), taxed("18"))[KEY])
    assert (task.total, task.vat, task.lines[0].amount) == (Decimal("118.00"), Decimal("18.00"), Decimal("118.00"))
    assert (task.document["AmountIncludesVAT"], task.document["Items"][0]["Amount"]) == (True, "118.00")


@pytest.mark.claim("S3.9", "S3.10")
def test_every_recorded_order_with_exclusive_prices_is_posted_with_its_own_total_and_tax_or_not_at_all() -> None:
    posted = 0
    for bought in (recorded_order(get_recording(order_id)) for order_id in list_order_ids()):
        if bought.prices_include_tax:
            continue
        try:
            task = sale_task(bought, USING)
        except Unbookable:
            continue
        posted += 1
        assert sum(Decimal(row["Amount"]) for row in task.document["Items"]) == task.total == bought.total
        blur = Decimal("0.02") if bought.total_tax.as_tuple().exponent else Decimal("0.5") * len(task.lines)
        assert abs(task.vat - bought.total_tax) <= blur or task.notes
    assert posted > 60
