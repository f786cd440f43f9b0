"""One order document: a blank one, and how orders are shown."""

from __future__ import annotations

from hashlib import blake2b

from services.sandbox.woocommerce import dates, order_status, taxes
from services.sandbox.woocommerce.decimals import answered
from services.sandbox.woocommerce.money import decimal, two
from services.sandbox.woocommerce.shop import Document, Shop

SYMBOLS = {"GEL": "₾", "USD": "$", "EUR": "€"}
ADDRESS = ["first_name", "last_name", "company", "address_1", "address_2", "city", "state", "postcode", "country"]
MOMENTS = ("date_created", "date_modified", "date_completed", "date_paid")


def blank(shop: Shop, order_id: int) -> Document:
    """An order before anything was written into it."""
    order: Document = {
        "id": order_id,
        "parent_id": 0,
        "status": "pending",
        "currency": shop.settings.currency,
        "version": shop.settings.version,
        "prices_include_tax": taxes.prices_include_tax(shop),
        "customer_id": 0,
        "order_key": new_key(shop, order_id),
        "billing": dict.fromkeys([*ADDRESS, "email", "phone"], ""),
        "shipping": dict.fromkeys([*ADDRESS, "phone"], ""),
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
    for field in MOMENTS:
        dates.stamp(order, field, shop.now() if field in MOMENTS[:2] else None)
    return order


def new_key(shop: Shop, order_id: int) -> str:
    """An order's key: WooCommerce draws it at random, so that a number which is used again gets another one."""
    drawn = blake2b(f"{shop.home_url}|{order_id}|{shop.now().isoformat()}".encode(), digest_size=7).hexdigest()
    return f"wc_order_{drawn[:13]}"


def shown(shop: Shop, order: Document, dp: int | None = None) -> Document:
    """An order as REST shows it, its figures with `dp` decimals or as the shop answers by itself."""
    page = f"/checkout/order-pay/{order['id']}/?pay_for_order=true&key={order['order_key']}"
    return {
        **answered(shop, order, dp),
        "refunds": [refund_summary(refund) for refund in shop.refunds_of(order["id"])],
        "payment_url": shop.url(page),
        "is_editable": order["status"] in order_status.EDITABLE,
        "needs_payment": order["status"] in order_status.UNPAID and decimal(order["total"]) > 0,
        "currency_symbol": SYMBOLS.get(order["currency"], order["currency"]),
        "_links": links(shop, order),
    }


def refund_summary(refund: Document) -> Document:
    """What an order says of one of its refunds."""
    amount = refund["amount"]
    total = f"-{amount}" if decimal(amount) else two(decimal(amount))
    return {"id": refund["id"], "reason": refund["reason"], "total": total}


def links(shop: Shop, order: Document) -> Document:
    """An order's `_links`."""
    path = f"/orders/{order['id']}"
    templates = [{"embeddable": True, "href": shop.rest_url(f"{path}/actions/email_templates")}]
    found = shop.links(path, "/orders") | {"email_templates": templates}
    if order["customer_id"]:
        found["customer"] = shop.link(f"/customers/{order['customer_id']}")
    return found
