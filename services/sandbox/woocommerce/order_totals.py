"""An order's totals: sums of its lines' own rounded figures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal

from services.sandbox.woocommerce.money import decimal, number, two
from services.sandbox.woocommerce.shop import Document, Shop

PARTS = ("line_items", "shipping_lines", "fee_lines")


def total_up(shop: Shop, order: Document) -> None:
    """Writes an order's totals and tax lines anew."""
    goods, shipping, fees = (order[part] for part in PARTS)
    cart_tax = added(goods, "total_tax") + added(fees, "total_tax")
    shipping_tax = added(shipping, "total_tax")
    net = added(goods, "total") + added(fees, "total") + added(shipping, "total")
    order |= {
        "discount_total": two(added(goods, "subtotal") - added(goods, "total")),
        "discount_tax": two(added(goods, "subtotal_tax") - added(goods, "total_tax")),
        "shipping_total": two(added(shipping, "total")),
        "shipping_tax": two(shipping_tax),
        "cart_tax": two(cart_tax),
        "total": two(net + cart_tax + shipping_tax),
        "total_tax": two(cart_tax + shipping_tax),
        "tax_lines": tax_lines(shop, order),
    }


def added(lines: Iterable[Document], field: str) -> Decimal:
    """The sum of a field over lines."""
    return sum((decimal(line[field]) for line in lines), Decimal(0))


def tax_lines(shop: Shop, order: Document) -> list[Document]:
    """One line per tax rate that stands on a part of the order or refund, ids kept where there were some."""
    held = {line["rate_id"]: line["id"] for line in order.get("tax_lines", [])}
    goods = by_rate([*order["line_items"], *order["fee_lines"]])
    shipping = by_rate(order["shipping_lines"])
    return [
        {
            "id": held.get(rate_id) or shop.item_ids(),
            **_rate_words(shop.taxes.get(rate_id)),
            "rate_id": rate_id,
            "tax_total": two(goods[rate_id]),
            "shipping_tax_total": two(shipping[rate_id]),
            "meta_data": [],
        }
        for rate_id in sorted({*goods, *shipping})
    ]


def by_rate(lines: Iterable[Document]) -> defaultdict[int, Decimal]:
    """Tax per rate, each line's rounded to two decimals first (tax is rounded per line)."""
    sums: defaultdict[int, Decimal] = defaultdict(Decimal)
    for line in lines:
        for tax in line["taxes"]:
            sums[tax["id"]] += Decimal(two(decimal(tax["total"])))
    return sums


def _rate_words(rate: Document | None) -> Document:
    if rate is None:
        return {"rate_code": "", "label": "Tax", "compound": False, "rate_percent": 0}
    code = f"{rate['country']}-{rate['name'].upper()}-{rate['priority']}"
    percent = number(Decimal(rate["rate"]))
    return {"rate_code": code, "label": rate["name"], "compound": rate["compound"], "rate_percent": percent}
