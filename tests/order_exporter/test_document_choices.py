"""What the accountant may choose about a Sale: coupons and waybill in it, discounts from the regular price, posting."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from contracts.balance import ItemPrice, PriceChanged
from contracts.shop import OrderChanged
from services.settings.model import Settings
from tests.order_exporter.export_bench import consumer, task_of
from tests.support.exporting import KEY, PLACED, SHIPPING, item_of, line, link, order, settings

OTHER_SHIPPING = "33333333-0000-4000-8000-000000000009"
REGULAR, WHOLESALE = "99999999-0000-4000-8000-000000000001", "99999999-0000-4000-8000-000000000002"


def document(using: Settings, of: OrderChanged, *more: Any) -> dict[str, Any]:
    return task_of(consumer(using).take(link(311), *more, of)[KEY]).document


def bought(**fields: Any) -> OrderChanged:
    return order(line(1, "20.00", quantity="2"), line(2, "5.00", kind="shipping", method_id="flat_rate"), **fields)


# -- coupons, waybill, service item


@pytest.mark.claim("S2.17")
@pytest.mark.parametrize(("codes", "text"), [(True, " | coupons AUTUMN, ვეფხვი"), (False, "")])
def test_coupon_codes_are_in_the_comment_if_the_settings_ask_for_it(codes: bool, text: str) -> None:
    of = bought(coupon_codes=("AUTUMN", "ვეფხვი"))
    assert document(settings(coupon_codes=codes), of)["Comments"] == f"Order 1042, shop main | bog{text}"


@pytest.mark.claim("S2.17")
def test_a_coupon_is_a_discount_on_its_lines() -> None:
    of = order(line(1, "18.00", quantity="2", before="20.00"), coupon_codes=("AUTUMN",))
    [row] = document(settings(price_as="price-and-discount", coupon_codes=True), of)["Items"]
    assert (row["Price"], row["Discount"], row["Amount"]) == ("10.0000", "2.00", "18.00")


WAYBILL_RULE = {"shipping_method": "flat_rate", "waybill": False, "shipping_item": OTHER_SHIPPING}


@pytest.mark.claim("I12")
@pytest.mark.parametrize(
    ("field", "comment", "flag"),
    [(None, " | no waybill from Balance: it is issued elsewhere", None), ("IssueWaybill", "", False)],
)
def test_the_document_says_whether_balance_issues_the_waybill(
    field: str | None, comment: str, flag: bool | None
) -> None:
    balance = {"dialect": {"waybill_field": field}}
    made = document(settings(balance=balance, rules=[WAYBILL_RULE], waybill=True), bought())
    assert made["Comments"] == f"Order 1042, shop main | bog{comment}"
    assert made.get("IssueWaybill") is flag


@pytest.mark.claim("S4.26")
@pytest.mark.parametrize(("method", "item"), [("flat_rate", OTHER_SHIPPING), ("free_shipping", SHIPPING)])
def test_the_shipping_method_decides_the_service_item(method: str, item: str) -> None:
    of = order(line(1, "20.00"), line(2, "5.00", kind="shipping", method_id=method))
    assert document(settings(rules=[WAYBILL_RULE]), of)["Items"][1]["Item"] == item


# -- a sale price as a price, or as a discount from the regular one


def stated(price: str, price_type: str = REGULAR, *, days: int = -1) -> PriceChanged:
    prices = (ItemPrice(price_type=price_type, price=Decimal(price)),)
    return PriceChanged(item=item_of(311), prices=prices, observed_at=PLACED + timedelta(days=days))


def figures(*facts: PriceChanged, of: OrderChanged | None = None, as_: str = "discount") -> tuple[str, str | None, str]:
    using = settings(price_as="price-and-discount", sale_price_as=as_)
    row = document(using, of or order(line(1, "20.00", quantity="2")), *facts)["Items"][0]
    return row["Price"], row.get("Discount"), row["Amount"]


@pytest.mark.claim("S3.49")
def test_a_sale_price_is_booked_as_it_is_or_as_a_discount_from_the_regular_price() -> None:
    assert figures(stated("12.50"), as_="price") == ("10.0000", None, "20.00")
    assert figures(stated("12.50")) == ("12.5000", "5.00", "20.00")


@pytest.mark.claim("S3.49")
@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ((), ("10.0000", None, "20.00")),
        ((stated("9.00"),), ("10.0000", None, "20.00")),
        ((stated("12.50"), stated("99.00", days=1)), ("12.5000", "5.00", "20.00")),
        ((stated("12.50", days=2),), ("12.5000", "5.00", "20.00")),
        ((stated("11.00", days=-3), stated("12.50")), ("12.5000", "5.00", "20.00")),
    ],
    ids=["none known", "sold above it", "raised after the order", "first known after the order", "the last before it"],
)
def test_the_regular_price_of_the_day_of_the_order_counts(facts: tuple[PriceChanged, ...], expected: Any) -> None:
    assert figures(*facts) == expected


@pytest.mark.claim("S3.49")
def test_the_amount_of_the_line_stays_to_the_tetri_with_a_coupon_on_top() -> None:
    of = order(line(1, "17.77", quantity="3", before="20.01"))
    assert figures(stated("7.00"), of=of) == ("7.0000", "3.23", "17.77")


def test_of_several_price_types_the_one_that_the_catalogue_uses_counts() -> None:
    both = (ItemPrice(price_type=WHOLESALE, price=Decimal(50)), ItemPrice(price_type=REGULAR, price=Decimal("12.50")))
    fact = stated("1.00").model_copy(update={"prices": both})
    assert figures(fact) == ("10.0000", None, "20.00")


def test_net_prices_are_made_gross_before_they_are_compared() -> None:
    of = order(line(1, "23.60", quantity="2"), prices_include_tax=False)
    assert figures(stated("12.00"), of=of) == ("14.1600", "4.72", "23.60")


def test_discounts_from_the_regular_price_need_a_document_that_shows_discounts() -> None:
    with pytest.raises(ValidationError, match='needs price-as = "price-and-discount"'):
        settings(sale_price_as="discount")


# -- posted or not


@pytest.mark.claim("S3.38")
@pytest.mark.parametrize(("state", "posted"), [("posted", True), ("unposted", False)])
def test_a_sale_is_left_unposted_where_that_is_wanted_and_balance_has_a_field_for_it(state: str, posted: bool) -> None:
    using = settings(balance={"dialect": {"posted_field": "Posted"}}, document_state=state)
    assert document(using, bought())["Posted"] is posted


@pytest.mark.parametrize("setting", [{"document_state": "unposted"}, {"short_stock": "unposted"}])
def test_nothing_is_left_unposted_while_nobody_knows_how(setting: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match=r"balance\.dialect\.posted-field"):
        settings(**setting)


def test_a_sale_says_nothing_of_posting_unless_the_settings_name_the_field() -> None:
    assert "Posted" not in document(settings(), bought())
