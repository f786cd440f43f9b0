"""How many decimals the figures of orders and refunds are answered with: WooCommerce 10.5 does it otherwise than 9.9.

Asked with `?dp=`, both format amounts so. Taxes by rate are stored unrounded; 9.9 answers them as they are stored, 10.5
with as many decimals as the rest (API fact: reference, WooCommerce 10.5.0 against 9.9.5). Blank stays blank.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from services.sandbox.woocommerce.money import decimal
from services.sandbox.woocommerce.shop import Document, Shop

PARTS = ("line_items", "shipping_lines", "fee_lines")
AMOUNTS = ("subtotal", "subtotal_tax", "total", "total_tax", "amount")


def rounds_taxes(shop: Shop) -> bool:
    """Whether this version answers taxes by rate rounded."""
    major, minor = shop.settings.version.split(".")[:2]
    return (int(major), int(minor)) >= (10, 5)


def answered(shop: Shop, document: Document, dp: int | None) -> Document:
    """An order or refund with its figures as they are answered."""
    if dp is None and not rounds_taxes(shop):
        return document
    lines = {part: [_line(shop, line, dp) for line in document[part]] for part in PARTS if part in document}
    return {**document, **_amounts(document, dp), **lines}


def _line(shop: Shop, line: Document, dp: int | None) -> Document:
    shown = len(str(line["total_tax"]).partition(".")[2]) if dp is None else dp
    taxes = [_tax(tax, shown) if rounds_taxes(shop) else tax for tax in line["taxes"]]
    return {**line, **_amounts(line, dp), "taxes": taxes}


def _amounts(document: Document, dp: int | None) -> Document:
    if dp is None:
        return {}
    return {name: _rounded(document[name], dp) for name in AMOUNTS if document.get(name) not in (None, "")}


def _tax(tax: Document, dp: int) -> Document:
    return {name: value if name == "id" or value == "" else _rounded(value, dp) for name, value in tax.items()}


def _rounded(amount: Any, dp: int) -> str:
    return str(decimal(amount).quantize(Decimal(1).scaleb(-dp), ROUND_HALF_UP))
