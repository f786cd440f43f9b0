"""From the shop's orders and refunds to facts, over everything that a real WooCommerce computed."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from contracts.reasons import Reason
from contracts.shop import OrderChanged
from services.connectors.woocommerce.customers import order_ref
from services.connectors.woocommerce.order import order_changed
from services.connectors.woocommerce.read import ReadError
from services.connectors.woocommerce.refund import refund_issued
from services.sandbox.recorded import get_recording, list_order_ids
from tests.woocommerce.order_facts import KEYS, gross, read_order

ALL = [get_recording(order_id) for order_id in list_order_ids()]


def test_every_recorded_order_becomes_a_fact_that_adds_up_to_its_total() -> None:
    """Rule 1: the answered figures add up, or miss by one tetri where tax is rounded at the subtotal."""
    assert len(ALL) > 250
    for one in ALL:
        event = read_order(one.order)
        assert abs(event.total - gross(event)) <= (Decimal("0.01") if "subtotal" in one.config["name"] else 0)
        assert event.total == Decimal(one.order["total"])
        assert len(event.lines) == sum(len(one.order[part]) for part in ("line_items", "shipping_lines", "fee_lines"))


def test_every_line_tax_names_a_rate_of_its_order() -> None:
    for one in ALL:
        event = read_order(one.order)
        rates = {rate.rate_id for rate in event.tax_rates}
        assert {tax.rate_id for line in event.lines for tax in line.taxes} <= rates


def test_every_fact_survives_its_own_json() -> None:
    for one in ALL:
        event = read_order(one.order)
        assert OrderChanged.model_validate_json(event.model_dump_json()) == event


def test_every_recorded_refund_becomes_a_positive_fact_joined_to_the_orders_lines() -> None:
    seen = 0
    for one in ALL:
        lines = {line.line_id: line.kind for line in read_order(one.order).lines}
        for refund in one.all_refunds().values():
            event = refund_issued("main", one.order, refund, **KEYS)
            seen += 1
            assert event.amount == Decimal(refund["amount"]) >= 0
            assert all(line.quantity >= 0 for line in event.lines)
            assert all(lines[line.refunded_line_id or 0] == line.kind for line in event.lines)
            assert all(line.total >= 0 or line.kind == "fee" for line in event.lines)
    assert seen > 120


def test_an_order_from_the_storefront_is_read(order: dict[str, Any]) -> None:
    event = read_order(order)
    assert (event.order_id, event.number, event.status, event.currency) == (4917, "4917", "processing", "GEL")
    assert (event.payment_method, event.created_via, event.prices_include_tax) == ("cod", "store-api", True)
    assert event.created_at == datetime(2026, 11, 21, 3, 13, 29, tzinfo=UTC)
    assert (event.paid_at, event.completed_at) == (None, None)
    assert event.coupon_codes == ("sale10",)
    assert event.refund_ids == (4931,)
    assert event.changed == ()
    assert [(line.kind, line.name, line.sku, str(line.total), str(line.total_tax)) for line in event.lines] == [
        ("product", "ყავა „არაბიკა“ 1კგ", "COF-001", "34.70", "6.25"),
        ("product", "ჩაი", "B-1", "16.70", "3.01"),
        ("shipping", "Courier", "", "4.24", "0.76"),
    ]
    assert [(rate.rate_id, rate.percent) for rate in event.tax_rates] == [(1, Decimal(18))]


def test_personal_data_is_only_in_the_person(order: dict[str, Any]) -> None:
    event = read_order(order)
    assert event.person is not None
    assert (event.person.email, event.person.phone) == ("nino@example.test", "+995599123456")
    assert event.person.comment == "დარეკეთ მისვლამდე"
    outside = event.model_copy(update={"person": None}).model_dump_json()
    for personal in ("ნინო", "ბერიძე", "example.test", "599123456", "რუსთაველის", "დარეკეთ"):
        assert personal not in outside


@pytest.mark.claim("S0.14")
def test_personal_and_company_ids_come_from_the_configured_fields(order: dict[str, Any]) -> None:
    order["meta_data"] = [
        {"key": "_billing_personal_id", "value": " 99012345678 "},
        {"key": "_billing_company_code", "value": 999123456},
    ]
    person = read_order(order).person
    assert person is not None
    assert (person.personal_id, person.company_id) == ("99012345678", "999123456")
    other = order_changed("main", order, personal_id_keys=("elsewhere",)).person
    assert other is not None
    assert (other.personal_id, other.company_id) == (None, None)


def ref(order: dict[str, Any], shop: str = "main", **changes: Any) -> str:
    billing = order["billing"] | {key: value for key, value in changes.items() if key in order["billing"]}
    rest = {key: value for key, value in changes.items() if key not in billing}
    return order_changed(shop, order | {"billing": billing} | rest, **KEYS).person_ref


def test_a_guest_is_recognized_by_e_mail_in_any_case(order: dict[str, Any]) -> None:
    assert ref(order, email="NINO@Example.test", id=5000) == ref(order)
    assert ref(order, email="other@example.test") != ref(order)
    assert ref(order, shop="second") != ref(order)


@pytest.mark.claim("S2.16")
def test_erased_orders_belong_to_no_person(order: dict[str, Any]) -> None:
    erased = {"email": "deleted@site.invalid", "phone": "+000 000 00 00 00", "customer_id": 0}
    assert ref(order, **erased) == order_ref("main", order["id"]) != ref(order)
    assert ref(order, **erased) != ref(order, **erased, id=5000)


def test_a_customer_account_counts_more_than_its_address(order: dict[str, Any]) -> None:
    assert ref(order, customer_id=2, email="a@example.test") == ref(order, customer_id=2, email="b@example.test")
    assert ref(order, customer_id=2) != ref(order, customer_id=3)


def test_a_guest_without_e_mail_is_known_by_phone_then_by_personal_id(order: dict[str, Any]) -> None:
    by_phone = [ref(order, email="", phone=phone) for phone in ("+995 599 12-34-56", "995599123456")]
    assert by_phone[0] == by_phone[1]
    meta = [{"key": "_billing_personal_id", "value": "99012345678"}]
    unknown = {"email": "", "phone": ""}
    assert ref(order, **unknown, meta_data=meta, id=1) == ref(order, **unknown, meta_data=meta, id=2)


def test_guests_without_contacts_are_different_persons(order: dict[str, Any]) -> None:
    assert ref(order, email="", phone="", id=1) != ref(order, email="", phone="", id=2)


def test_the_reference_reveals_nothing_about_the_person(order: dict[str, Any]) -> None:
    assert "nino" not in ref(order)
    assert len(ref(order)) == 36


def test_fields_of_plugins_are_accepted(order: dict[str, Any]) -> None:
    event = read_order(order | {"status": "wc-handed-to-courier", "payment_method": "bog_iframe", "created_via": "app"})
    assert (event.status, event.payment_method, event.created_via) == ("wc-handed-to-courier", "bog_iframe", "app")


def test_php_forms_of_values_are_accepted(order: dict[str, Any]) -> None:
    lines = {str(index): line for index, line in enumerate(order["line_items"], start=3)}
    lines["3"]["sku"] = None
    lines["3"]["name"] = "ყავა &amp; ჩაი"
    lines["4"]["taxes"] = [{"id": 1, "total": ""}]
    event = read_order(order | {"shipping": [], "line_items": lines, "number": 4917, "customer_note": None})
    assert [(line.name, line.sku, line.taxes != ()) for line in event.lines[:2]] == [
        ("ყავა & ჩაი", "", True),
        ("ჩაი", "B-1", False),
    ]


LINE = "line_items.0"
BROKEN: list[tuple[str, Any, str]] = [
    ("total", None, "total"),
    ("total", "12,50", "total"),
    ("total", "NaN", "total"),
    ("total", "1000000000000", "total"),
    ("total", "1e-999999", "total"),
    ("total", True, "total"),
    ("total_tax", "₾6.25", "total_tax"),
    ("total", "1,234.50", "total"),
    ("total", "1e2", "total"),
    ("total", "Infinity", "total"),
    ("id", 2**63, "id"),
    ("id", 0, "id"),
    ("id", "x", "id"),
    ("currency", "lari", "currency"),
    ("prices_include_tax", "perhaps", "prices_include_tax"),
    ("line_items", "none", "line_items"),
    ("tax_lines", [{"rate_id": 1, "tax_total": "1", "shipping_tax_total": "0"}], "tax_lines.0.rate_percent"),
    ("date_created_gmt", "yesterday", "date_created_gmt"),
    ("date_created_gmt", None, "date_created_gmt"),
    ("customer_id", -1, "customer_id"),
    (f"{LINE}.quantity", -1, f"{LINE}.quantity"),
    (f"{LINE}.quantity", "two", f"{LINE}.quantity"),
    (f"{LINE}.total", "9" * 30, f"{LINE}.total"),
    (f"{LINE}.subtotal", "1,234.50", f"{LINE}.subtotal"),
    ("line_items", ["Cup"], LINE),
    ("refunds", [{"id": "first"}], "refunds.0.id"),
    ("date_paid_gmt", "yesterday", "date_paid_gmt"),
    ("status", ["processing"], "status"),
    ("tax_lines", [{"rate_id": 1, "rate_percent": "18 %"}], "tax_lines.0.rate_percent"),
    (f"{LINE}.taxes", [{"id": 1, "total": "x"}], f"{LINE}.taxes.0.total"),
    (f"{LINE}.id", None, f"{LINE}.id"),
]


@pytest.mark.parametrize(("path", "value", "named"), BROKEN)
def test_a_broken_order_is_refused_with_order_and_field(
    order: dict[str, Any], path: str, value: Any, named: str
) -> None:
    record: Any = order
    *way, last = path.split(".")
    for step in way:
        record = record[int(step) if step.isdigit() else step]
    record[last] = value
    with pytest.raises(ReadError) as raised:
        read_order(order)
    assert raised.value.reason == Reason.SHOP_ORDER_INVALID
    assert raised.value.detail.startswith("shop main: order ")
    assert f"field `{named}` " in raised.value.detail


@pytest.mark.parametrize("field", ["id", "total", "status", "currency", "line_items", "date_created_gmt"])
def test_a_missing_field_is_named(order: dict[str, Any], field: str) -> None:
    del order[field]
    with pytest.raises(ReadError, match=f"shop main: .*: field `{field}` is missing"):
        read_order(order)


def test_an_invalid_person_is_reported_without_personal_data(order: dict[str, Any]) -> None:
    order["customer_id"] = "nino@example.test"
    with pytest.raises(ReadError) as raised:
        read_order(order)
    assert "field `customer_id` is not an account number" in raised.value.detail
    assert "nino" not in raised.value.detail
