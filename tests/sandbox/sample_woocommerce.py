"""What must be in the shop before each recorded exchange."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tests.sandbox.woocommerce_world import (
    Step,
    at,
    capture,
    category,
    changed,
    customer,
    goods,
    notes,
    order_of,
    product,
    refunds,
    trashed,
    variations,
    webhook,
)


def answered(case: str) -> Any:
    """The body of a recorded answer."""
    return capture(case)["response"]["body"]


def sent(case: str) -> Any:
    """The body of a recorded request."""
    return capture(case)["request"]["body"]


COFFEES = category(16, {"name": "ყავა", "slug": "coffee-ge"})
GRAINS = category(17, {"name": "მარცვლეული", "parent": 16})
GRAINS_APART = category(18, {"name": "მარცვლები"})
TEAS = category(19, {"name": "ჩაი"})
COFFEE = product(10, sent("product-create"))
MORE_COFFEE = product(10, {**sent("product-create"), "stock_quantity": 98})
TEA = product(13, {"name": "ჩაი", "sku": "B-1", "regular_price": "7.30", "manage_stock": True, "stock_quantity": 50})
A = product(13, {"name": "A", "sku": "B-1", "regular_price": "1"})
DRAFT = product(130, sent("product-create-draft"))
PUBLISHED = changed(130, {"status": "publish"})
SIZE = {"name": "ზომა", "variation": True, "options": ["S", "M"]}
SHIRT = product(4943, {"name": "მაისური", "type": "variable", "attributes": [SIZE]})
SIZES = variations(4943, sent("variations-batch-create")["create"])
GOODS = [COFFEES, COFFEE, TEA]
FULL_CATALOGUE = [COFFEES, COFFEE, *goods(11, 12), A, *goods(*range(14, 129))]
HUNDRED = [
    product(
        29 + n,
        {"name": f"S{n}", "sku": f"SKU-00{n:02}", "regular_price": "5", "manage_stock": True}
        | {"stock_quantity": n + 1},
    )
    for n in range(100)
]

GUEST = order_of("order-create-guest-cod-rest")
COMPLETED = order_of("order-put-status-completed")
STOREFRONT = order_of("order-get-storefront-guest-cod-coupon-shipping")
PAID = order_of("order-create-rest-coupon-shipping-fee-paid")

RENAMED = changed(10, {"meta_data": [{"key": "_sku", "value": "HACK"}]})
STOCK_77 = changed(10, {"stock_quantity": 77})
EXPERIMENTS = changed(
    10, {"meta_data": [{"key": "balance_id", "value": "b-5"}, {"key": "balance_bool", "value": True}]}
)
OBJECT = {"key": "balance_json", "value": {"a": 1, "b": ["x"]}}
META_SO_FAR = [
    changed(10, {"regular_price": "45.60", "stock_quantity": 6}),
    changed(10, {"meta_data": [{"key": "balance_id", "value": "b-5"}, OBJECT, {"key": "balance_num", "value": 12.5}]}),
    changed(10, {"meta_data": [{"key": "balance_bool", "value": True}]}),
]
SALE_PRICE = changed(10, {"sale_price": "39.90"})
NO_DATE = changed(10, {"date_on_sale_from": "garbage"})

BEFORE, AFTER = (datetime(2026, 11, 21, 2, 51, second, tzinfo=UTC) for second in (20, 27))

GIVEN: dict[str, list[Step]] = {
    "categories-list": [COFFEES, GRAINS, GRAINS_APART, TEAS],
    "category-create": [],
    "category-create-bad-parent": [],
    "customer-by-email": [customer(2, sent("customer-create"))],
    "customer-create": [],
    "customer-create-duplicate-email": [customer(2, sent("customer-create"))],
    "order-put-status-processing": [COFFEES, MORE_COFFEE, GUEST],
    "order-put-status-completed": [*GOODS, order_of("order-put-status-processing")],
    "order-put-status-refunded": [*GOODS, COMPLETED],
    "order-put-bad-status": [GUEST],
    "order-put-cancelled-before-payment": [*GOODS, order_of("order-get-storefront-bacs-on-hold")],
    "order-delete-to-trash": [order_of("order-create-no-billing-minimal")],
    "order-get-after-partial-refund": [
        order_of("order-get-after-partial-refund"),
        refunds(4917, [answered("refund-partial-one-line")]),
    ],
    "order-get-after-full-refund": [
        order_of("order-get-after-full-refund"),
        refunds(4920, [answered("refund-full-all-lines")]),
    ],
    "order-note-create": [STOREFRONT],
    "order-notes-storefront": [
        STOREFRONT,
        notes(4917, [note["note"] for note in answered("order-notes-storefront")]),
    ],
    "product-batch-duplicate-sku": [COFFEES, COFFEE],
    "product-batch-invalid-category": [COFFEES],
    "product-batch-stock-decimal": [COFFEES, COFFEE, RENAMED, EXPERIMENTS, NO_DATE],
    "product-create": [COFFEES],
    "product-create-draft": [],
    "product-create-minimal": [],
    "product-create-sku-of-trashed": [DRAFT, trashed(130)],
    "product-delete-force": [DRAFT, PUBLISHED, trashed(130), PUBLISHED],
    "product-delete-to-trash": [DRAFT, PUBLISHED],
    "product-draft-to-publish": [DRAFT],
    "product-list-by-sku": [COFFEES, COFFEE, A, changed(10, {"stock_quantity": 6})],
    "product-list-by-variation-sku": [SHIRT, SIZES],
    "product-list-modified-after-gmt": [at(BEFORE), *GOODS, at(AFTER), changed(10, {})],
    "product-list-page-2": FULL_CATALOGUE,
    "product-list-page-too-far": FULL_CATALOGUE,
    "product-list-search-sku": HUNDRED,
    "product-meta-delete-by-null": [COFFEES, COFFEE, *META_SO_FAR],
    "product-meta-same-key-no-id": [COFFEES, COFFEE, META_SO_FAR[0]],
    "product-sale-scheduled": [COFFEES, COFFEE, RENAMED, EXPERIMENTS, STOCK_77],
    "product-sale-window-gmt-now": [COFFEES, COFFEE, RENAMED, EXPERIMENTS, STOCK_77, SALE_PRICE],
    "refund-amount-only": [STOREFRONT],
    "refund-api-refund-default-cod": [STOREFRONT],
    "refund-delete": [STOREFRONT, refunds(4917, [answered("refund-delete")])],
    "refund-full-all-lines": [PAID],
    "refund-partial-one-line": [STOREFRONT],
    "refund-shipping-line": [STOREFRONT],
    "refund-too-much": [STOREFRONT],
    "refunds-all-endpoint": [refunds(0, answered("refunds-all-endpoint"))],
    "refunds-list": [STOREFRONT, refunds(4917, answered("refunds-list"))],
    "refunds-list-after-status-refunded": [COMPLETED, refunds(4915, answered("refunds-list-after-status-refunded"))],
    "variation-put-via-products": [SHIRT, SIZES],
    "variations-batch-create": [SHIRT],
    "webhook-get-disabled-after-failures": [webhook(2, "order.updated"), lambda shop: disable(shop.webhooks[2])],
    "webhook-reactivate": [webhook(2, "order.updated", status="disabled")],
}


def disable(hook: dict[str, Any]) -> None:
    """A webhook that has given up."""
    hook |= {"status": "disabled", "date_modified": hook["date_created"], "date_modified_gmt": hook["date_created_gmt"]}


def given(case: str) -> list[Step]:
    """The steps before a case; an order that is only looked at is in the shop as it was answered."""
    if case.startswith("order-get-") and case not in GIVEN:
        return [order_of(case)]
    return GIVEN.get(case, GOODS)
