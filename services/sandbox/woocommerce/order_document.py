"""Order documents: status changes with their effects, rounding of figures, and how orders are rendered."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from hashlib import blake2b
from typing import Any

from services.sandbox.woocommerce import product_fields, store, values
from services.sandbox.woocommerce.products import mark_saved
from services.sandbox.woocommerce.shop import Document, SandboxShop
from services.sandbox.woocommerce.values import format_amount, parse_amount

REDUCES_STOCK = ("processing", "on-hold", "completed")
RESTORES_STOCK = ("cancelled", "pending")
EDITABLE = ("pending", "on-hold", "auto-draft")
UNPAID = ("pending", "failed")
MAILED = {"processing": "processing_order", "completed": "completed_order", "on-hold": "on_hold_order"}
"""The customer's mail at a change of status, by the new one."""
REDUCED = "_reduced_stock"
RETURNED = "_restock_refunded_items"


def change_status(shop: SandboxShop, order: Document, status: str) -> None:
    """Changes the status of an order, with its effects on stock and dates.

    WooCommerce facts 42 and 43: stock is reduced at processing, on-hold and completed and restored at cancelled; cash
    on delivery is paid only when completed.
    """
    if status in MAILED and status != order["status"]:
        shop.mail(MAILED[status], order)
    order["status"] = status
    if status in REDUCES_STOCK:
        reduce_stock(shop, order)
    if status in RESTORES_STOCK:
        restore_stock(shop, order)
    paid_now = status == "completed" or (status == "processing" and order["payment_method"] != "cod")
    if paid_now and order["date_paid"] is None:
        values.set_date(order, "date_paid", shop.now())
    if status == "completed" and order["date_completed"] is None:
        values.set_date(order, "date_completed", shop.now())


def pay_order(shop: SandboxShop, order: Document) -> None:
    """Marks an order as paid, as `set_paid` does."""
    values.set_date(order, "date_paid", shop.now())
    change_status(shop, order, "processing")


def reduce_stock(shop: SandboxShop, order: Document) -> None:
    """Takes the goods of lines that were not taken yet from managed stock."""
    for line, item in stock_managed_lines(shop, order):
        if reduced_stock_row(line) is None:
            line["meta_data"].append(values.make_display_meta(shop.meta_ids(), REDUCED, str(line["quantity"])))
            shift_stock(shop, item, -line["quantity"])


def restore_stock(shop: SandboxShop, order: Document) -> None:
    """Puts back what was taken."""
    for line, item in stock_managed_lines(shop, order):
        if (taken := reduced_stock_row(line)) is not None:
            line["meta_data"].remove(taken)
            shift_stock(shop, item, int(taken["value"]))


def record_return(shop: SandboxShop, line: Document, pieces: int) -> None:
    """Records on an order line how many pieces were returned and how many are still reduced (recorded)."""
    back = sum(int(row["value"]) for row in line["meta_data"] if row["key"] == RETURNED)
    out = sum(int(row["value"]) for row in line["meta_data"] if row["key"] == REDUCED) - pieces
    others = [row for row in line["meta_data"] if row["key"] not in (REDUCED, RETURNED)]
    counts = {REDUCED: max(out, 0), RETURNED: back + pieces}
    line["meta_data"] = others + [
        values.make_display_meta(shop.meta_ids(), key, str(n)) for key, n in counts.items() if n
    ]


def shift_stock(shop: SandboxShop, item: Document, pieces: int) -> None:
    """Adds pieces to a managed product's stock; a sale is a save of the product."""
    product_fields.set_quantity(item, (item["stock_quantity"] or 0) + pieces)
    mark_saved(shop, item)


def stock_managed_lines(shop: SandboxShop, order: Document) -> Iterator[tuple[Document, Document]]:
    """The lines whose product manages stock, with that product."""
    for line in order["line_items"]:
        item = shop.sellable(line["variation_id"] or line["product_id"])
        if item is not None and item["manage_stock"]:
            yield line, item


def reduced_stock_row(line: Document) -> Document | None:
    """The note on a line that its goods were taken from stock."""
    return next((row for row in line["meta_data"] if row["key"] == REDUCED), None)


LINE_PARTS = ("line_items", "shipping_lines", "fee_lines")
AMOUNT_FIELDS = ("subtotal", "subtotal_tax", "total", "total_tax", "amount")


def rounds_taxes(shop: SandboxShop) -> bool:
    """Whether this version answers taxes by rate rounded."""
    major, minor = shop.settings.version.split(".")[:2]
    return (int(major), int(minor)) >= (10, 5)


def round_figures(shop: SandboxShop, document: Document, dp: int | None) -> Document:
    """An order or refund with its figures as they are answered."""
    if dp is None and not rounds_taxes(shop):
        return document
    lines = {part: [_round_line(shop, line, dp) for line in document[part]] for part in LINE_PARTS if part in document}
    return {**document, **_round_amounts(document, dp), **lines}


def _round_line(shop: SandboxShop, line: Document, dp: int | None) -> Document:
    shown = len(str(line["total_tax"]).partition(".")[2]) if dp is None else dp
    taxes = [_round_tax(tax, shown) if rounds_taxes(shop) else tax for tax in line["taxes"]]
    return {**line, **_round_amounts(line, dp), "taxes": taxes}


def _round_amounts(document: Document, dp: int | None) -> Document:
    if dp is None:
        return {}
    return {name: _round_decimals(document[name], dp) for name in AMOUNT_FIELDS if document.get(name) not in (None, "")}


def _round_tax(tax: Document, dp: int) -> Document:
    return {name: value if name == "id" or value == "" else _round_decimals(value, dp) for name, value in tax.items()}


def _round_decimals(amount: Any, dp: int) -> str:
    return str(parse_amount(amount).quantize(Decimal(1).scaleb(-dp), ROUND_HALF_UP))


SYMBOLS = {"GEL": "₾", "USD": "$", "EUR": "€"}
ADDRESS_NAMES = ["first_name", "last_name", "company", "address_1", "address_2", "city", "state", "postcode", "country"]
ORDER_DATES = ("date_created", "date_modified", "date_completed", "date_paid")


def blank_order(shop: SandboxShop, order_id: int) -> Document:
    """An order before anything was written into it."""
    order: Document = {
        "id": order_id,
        "parent_id": 0,
        "status": "pending",
        "currency": shop.settings.currency,
        "version": shop.settings.version,
        "prices_include_tax": store.prices_include_tax(shop),
        "customer_id": 0,
        "order_key": make_order_key(shop, order_id),
        "billing": dict.fromkeys([*ADDRESS_NAMES, "email", "phone"], ""),
        "shipping": dict.fromkeys([*ADDRESS_NAMES, "phone"], ""),
        "payment_method": "",
        "payment_method_title": "",
        "transaction_id": "",
        "customer_ip_address": "",
        "customer_user_agent": "",
        "created_via": "rest-api",
        "customer_note": "",
        "cart_hash": "",
        "number": str(order_id),
        "needs_processing": True,
        **{
            part: [] for part in ("meta_data", "line_items", "tax_lines", "shipping_lines", "fee_lines", "coupon_lines")
        },
    }
    for field in ORDER_DATES:
        values.set_date(order, field, shop.now() if field in ORDER_DATES[:2] else None)
    return order


def make_order_key(shop: SandboxShop, order_id: int) -> str:
    """An order's key: WooCommerce draws it at random, so that a number which is used again gets another one."""
    drawn = blake2b(f"{shop.home_url}|{order_id}|{shop.now().isoformat()}".encode(), digest_size=7).hexdigest()
    return f"wc_order_{drawn[:13]}"


def render_order(shop: SandboxShop, order: Document, dp: int | None = None) -> Document:
    """An order as REST shows it, its figures with `dp` decimals or as the shop answers by itself."""
    page = f"/checkout/order-pay/{order['id']}/?pay_for_order=true&key={order['order_key']}"
    return {
        **round_figures(shop, order, dp),
        "refunds": [summarize_refund(refund) for refund in shop.refunds_of(order["id"])],
        "payment_url": shop.url(page),
        "is_editable": order["status"] in EDITABLE,
        "needs_payment": order["status"] in UNPAID and parse_amount(order["total"]) > 0,
        "currency_symbol": SYMBOLS.get(order["currency"], order["currency"]),
        "_links": order_links(shop, order),
    }


def summarize_refund(refund: Document) -> Document:
    """The summary of a refund within its order."""
    amount = refund["amount"]
    total = f"-{amount}" if parse_amount(amount) else format_amount(parse_amount(amount))
    return {"id": refund["id"], "reason": refund["reason"], "total": total}


def order_links(shop: SandboxShop, order: Document) -> Document:
    """An order's `_links`."""
    path = f"/orders/{order['id']}"
    templates = [{"embeddable": True, "href": shop.rest_url(f"{path}/actions/email_templates")}]
    found = shop.links(path, "/orders") | {"email_templates": templates}
    if order["customer_id"]:
        found["customer"] = shop.link(f"/customers/{order['customer_id']}")
    return found
