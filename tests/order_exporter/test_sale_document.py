"""A Sale as it goes to Balance: header, template, postings, prices."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from contracts.balance import Accounts
from services.accounting.documents.ids import sale_uid
from services.order_exporter.sale import build_sale
from services.order_exporter.sale_document import sale_document
from services.settings.model import Settings
from tests.support.exporting import (
    ORDER,
    RETAIL,
    SHIPPING,
    SHOP,
    WAREHOUSE,
    buyer,
    item_of,
    items_of,
    line,
    order,
    sale_task,
    settings,
)

GOODS = Accounts(inventories="1610", expenses="7110", revenues="6120", vat_payable="3330")


def document(using: Settings, accounts: dict[str, Accounts] | None = None, **fields: Any) -> dict[str, Any]:
    of = order(line(1, "25.00", quantity="2"), line(2, "5.00", kind="shipping"), **fields)
    sale = build_sale(of, items_of(of), using.shops[SHOP].orders, using.balance)
    return sale_document(sale, RETAIL, accounts or {}, using.shops[SHOP].orders, using.balance)


def test_the_header_names_client_warehouse_and_order() -> None:
    using = settings(balance={"template": {"department": "shop", "extra": {"PriceType": "retail"}}})
    header = {name: value for name, value in document(using, transaction_id="TX-7").items() if name != "Items"}
    assert header == {
        "uid": sale_uid(SHOP, ORDER),
        "Date": "2026-03-02T00:00:00",
        "Warehouse": WAREHOUSE,
        "Client": RETAIL,
        "AmountIncludesVAT": True,
        "VATTaxable": "იბეგრება დღგ-ით",
        "OperationType": "მიწოდება კომპენსაციით",
        "VATArticle": "მიწოდება კომპენსაციით",
        "PrimaryDocument": "1042",
        "Comments": "Order 1042, shop main | bog | transaction TX-7",
        "ReceivablesAccount": "1410.01",
        "RevenueAccount": "6110",
        "Department": "shop",
        "PriceType": "retail",
    }


PAYMENTS = {"bog": {"type": "Card", "account": "1410.77"}}


def test_a_mapped_payment_is_in_the_sale_with_its_account_and_its_reference_in_the_comment() -> None:
    made = document(settings(payments=PAYMENTS), transaction_id="TX-7")
    assert made["Payment"] == [{"PaymentType": "Card", "PaymentAccount": "1410.77", "Amount": "30.00"}]
    assert made["Comments"].endswith("transaction TX-7")


@pytest.mark.parametrize(
    ("payments", "fields"),
    [({}, {}), (PAYMENTS, {"payment_method": "cod"}), (PAYMENTS, {"paid_at": None})],
    ids=["off by default", "another method", "not paid"],
)
def test_without_mapping_or_money_there_is_no_payment_in_it(payments: dict[str, Any], fields: dict[str, Any]) -> None:
    assert "Payment" not in document(settings(payments=payments), **fields)


def test_goods_take_their_own_postings_and_services_the_templates() -> None:
    goods, service = document(settings(), {item_of(311): GOODS})["Items"]
    assert goods == {
        "Item": item_of(311),
        "Quantity": "2",
        "Price": "12.5000",
        "Amount": "25.00",
        "VATRate": "ჩვეულებრივი",
        "AccountNumber": "1610",
        "ExpensesAccount": "7110",
        "IncomeAccount": "6120",
        "VATPayableAccount": "3330",
    }
    assert service["Item"] == SHIPPING
    assert service["IncomeAccount"] == "6110"
    assert "AccountNumber" not in service


def test_the_date_is_the_day_in_tbilisi_on_which_the_shop_got_its_money() -> None:
    assert document(settings())["Date"] == "2026-03-02T00:00:00"
    assert document(settings(), paid_at=None)["Date"] == "2026-03-01T00:00:00"


@pytest.mark.claim("S3.46", "S3.47")
def test_a_discount_is_shown_beside_the_full_price_when_the_accountant_wants_it() -> None:
    of = order(line(1, "66.66", quantity="3", before="100.00"))
    [discounted] = sale_task(of, settings()).document["Items"]
    [shown] = sale_task(of, settings(price_as="price-and-discount")).document["Items"]
    assert (discounted["Price"], discounted["Amount"], "Discount" in discounted) == ("22.2200", "66.66", False)
    assert (shown["Price"], shown["Discount"], shown["Amount"]) == ("33.3333", "33.34", "66.66")


def test_a_price_that_was_raised_by_hand_is_no_discount() -> None:
    of = order(line(1, "12.50", before="10.00"))
    [row] = sale_task(of, settings(price_as="price-and-discount")).document["Items"]
    assert (row["Price"], row["Amount"], "Discount" in row) == ("12.5000", "12.50", False)


def test_a_fraction_of_a_unit_stays_a_fraction() -> None:
    [row] = sale_task(order(line(1, "3.33", quantity="0.375")), settings()).document["Items"]
    assert row["Quantity"] == "0.375"
    assert Decimal(row["Price"]) * Decimal("0.375") == pytest.approx(Decimal("3.33"), abs=Decimal("0.004"))


def test_the_document_has_no_personal_data() -> None:
    person = buyer(personal_id="not a number", comment="ring twice")
    task = sale_task(order(line(1, "5.00"), person=person), settings())
    assert "the buyer's number is not valid" in task.document["Comments"]
    text = task.model_dump_json()
    assert not any(word in text for word in ("ნინო", "nino@", "599000001", "ნიმუშის", "ring twice", "not a number"))


def test_the_same_order_number_in_two_shops_is_two_sales() -> None:
    other = settings(shop="vake")
    tasks = [sale_task(order(line(1, "5.00")), settings()), sale_task(order(line(1, "5.00"), shop="vake"), other)]
    assert len({task.sale for task in tasks}) == 2
