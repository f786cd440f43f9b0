"""Store credit and gift cards pay for a part of an order: the Sale holds what was sold, and never less."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from contracts.reasons import Reason
from contracts.shop import OrderChanged, StoreCredit
from services.connectors.woocommerce.order import order_changed, store_credits
from services.order_exporter.handlers import handlers
from services.settings.orders import OrderSettings
from tests.order_exporter.export_bench import task_of
from tests.support.exporting import KEY, SHOP, line, link, order, recorded_sale, settings
from tests.support.memory_state import Consumer
from tests.woocommerce.shop_double import answered

JSON = answered("order-get-storefront-guest-cod-coupon-shipping")
CREDIT = {"type": "Credit", "account": "3390"}
CARD = {"type": "Card", "account": "1210"}
PAID_BY_CREDIT = {"store_credit": "payment", "payments": {"store-credit": CREDIT, "bog": CARD}}


def bought(*signs: StoreCredit, total: str = "50.00", **fields: Any) -> OrderChanged:
    return order(line(11, "100.00", quantity="2"), total=Decimal(total), store_credits=signs, **fields)


def sign(name: str = "smart_coupons_contribution", amount: str | None = "50") -> StoreCredit:
    return StoreCredit(name=name, amount=None if amount is None else Decimal(amount))


def consumer(**orders: Any) -> Consumer:
    service = Consumer(handlers(settings(**orders)))
    service.take(link(311))
    return service


@pytest.mark.parametrize(
    ("meta", "coupons", "beside", "found"),
    [
        ([("smart_coupons_contribution", {"credit-abc": 50})], [], {}, [("smart_coupons_contribution", "50")]),
        ([("_ywgc_applied_gift_cards", {"AA-1": "30.00", "BB-2": 20})], [], {}, [("_ywgc_applied_gift_cards", "50")]),
        ([("_wc_gift_cards", [{"code": "x", "amount": "12.5"}])], [], {}, [("_wc_gift_cards", "12.50")]),
        ([("_funds_used", "50.00")], [], {}, [("_funds_used", "50")]),
        ([("_cart_discount", "-50")], [], {}, [("_cart_discount", "50")]),
        ([("store credit", "yes")], [], {}, [("store credit", None)]),
        ([("_wallet_partial_payment", {"amount": "7", "id": 3})], [], {}, [("_wallet_partial_payment", "7")]),
        ([], [("smart_coupon", "50.00")], {}, [("smart_coupon", "50")]),
        ([], [("store_credit", "x")], {}, [("store_credit", None)]),
        ([], [], {"gift_cards": [{"id": 1, "code": "secret", "amount": 50}]}, [("gift_cards", "50")]),
        ([("_funds_used", "0"), ("_gift_card", ""), ("gift_card", [])], [], {}, []),
        ([("_billing_note", "gift")], [("percent", "50.00"), ("fixed_cart", "3")], {}, []),
        ([("_funds_used", True), ("_funds_used", "1e999999999")], [], {}, [("_funds_used", None)]),
        ([("_funds_used", "0e-999999999")], [], {}, []),
    ],
)
def test_a_sign_of_store_credit_is_read_with_its_amount_and_without_its_code(
    meta: list[tuple[str, Any]],
    coupons: list[tuple[str, str]],
    beside: dict[str, Any],
    found: list[tuple[str, str | None]],
) -> None:
    order_json = {
        "meta_data": [{"key": key, "value": value} for key, value in meta],
        "coupon_lines": [{"code": "c", "discount_type": sort, "discount": amount} for sort, amount in coupons],
        **beside,
    }
    assert store_credits(order_json) == tuple(sign(name, amount) for name, amount in found)
    assert order_changed(SHOP, JSON | order_json).store_credits == tuple(sign(*each) for each in found)


def test_the_custom_fields_of_an_ordinary_order_are_no_signs() -> None:
    folder = Path(__file__).parents[1] / "captures/woocommerce"
    orders = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("order-get-*.json"))]
    assert len(orders) > 5
    assert [store_credits(each["response"]["body"]) for each in orders] == [()] * len(orders)


@pytest.mark.parametrize(
    "signs",
    [(sign(),), (sign(amount=None),), (sign(amount="30"),)],
    ids=["its amount", "no amount", "another amount"],
)
def test_an_order_whose_total_credit_has_lowered_is_parked_by_name_and_not_to_be_recalculated(
    signs: tuple[StoreCredit, ...],
) -> None:
    [refusal] = consumer().take(bought(*signs))[KEY].refuse
    assert refusal.reason == Reason.SALE_STORE_CREDIT
    assert "store credit or a gift card (smart_coupons_contribution" in refusal.detail
    assert "its total is 50.00 GEL, the sum of its lines 100.00" in refusal.detail
    assert 'shops.main.orders.store-credit = "payment"' in refusal.detail
    assert "Do not recalculate" in refusal.detail


@pytest.mark.parametrize(
    ("total", "signs"), [("50.00", ()), ("150.00", (sign(),))], ids=["no sign", "the total is higher"]
)
def test_a_difference_without_a_sign_keeps_its_reason_and_advises_nothing_that_undoes_a_payment(
    total: str, signs: tuple[StoreCredit, ...]
) -> None:
    [refusal] = consumer().take(bought(*signs, total=total))[KEY].refuse
    assert refusal.reason == Reason.SALE_TOTAL_DIFFERS
    assert "Recalculate" not in refusal.detail
    assert "would remove such a payment" in refusal.detail


@pytest.mark.parametrize(
    ("total", "fields", "payments"),
    [
        ("50.00", {}, [("3390", "50.00"), ("1210", "50.00")]),
        ("0.00", {"paid_at": None}, [("3390", "100.00")]),
        ("50.00", {"payment_method": "tbc"}, [("3390", "50.00")]),
    ],
    ids=["partly", "wholly", "the rest by a method that is not mapped"],
)
def test_by_setting_the_sale_holds_the_lines_in_full_with_the_credit_as_a_payment(
    total: str, fields: dict[str, Any], payments: list[tuple[str, str]]
) -> None:
    paid = bought(sign(amount=str(100 - Decimal(total))), total=total, **fields)
    task = task_of(consumer(**PAID_BY_CREDIT).take(paid)[KEY])
    assert (task.total, task.vat) == (Decimal("100.00"), Decimal("15.25"))
    assert [(row["PaymentAccount"], row["Amount"]) for row in task.document["Payment"]] == payments


def test_an_amount_that_the_signs_do_not_explain_is_parked_by_name_even_then() -> None:
    [refusal] = consumer(**PAID_BY_CREDIT).take(bought(sign(amount="30")))[KEY].refuse
    assert refusal.reason == Reason.SALE_STORE_CREDIT
    assert "which states 30" in refusal.detail


def test_signs_on_an_order_that_adds_up_change_nothing() -> None:
    task = task_of(consumer(**PAID_BY_CREDIT).take(bought(sign(), total="100.00"))[KEY])
    assert [row["Amount"] for row in task.document["Payment"]] == ["100.00"]


def test_the_setting_needs_the_account_of_the_credit() -> None:
    with pytest.raises(ValueError, match=r"needs payments\.store-credit"):
        OrderSettings.model_validate({"store_credit": "payment"})


def test_the_receipt_of_an_order_is_of_the_money_that_came() -> None:
    methods = {"since": "2026-01-01", "methods": {"bog": {"account": "1210"}}}
    using = settings(receipts=methods, store_credit="payment", payments={"store-credit": CREDIT})
    service = Consumer(handlers(using))
    paid = bought(sign())
    [receipt] = service.take(link(311), paid, recorded_sale(paid, using))[KEY].deliveries
    assert receipt.kind == "receipt"
    assert Decimal(receipt.payload["amount"]) == Decimal("50.00")
