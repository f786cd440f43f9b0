"""The named presets of Balance's integration profiles (claims S0.28, S1.2), and of the ownership of fields."""

from __future__ import annotations

from typing import Any, Literal

PRESETS: dict[str, dict[str, Any]] = {
    "b2c": {},
    "storera": {"sku-field": "InternalArticle", "paging": ["Items", "ItemPricing"], "item-pricing": True},
    "vendoo": {"sku-field": "Code", "publication-of": {"Stocks": "a", "Prices": "a", "SalesCredit": "a"}},
}

OwnershipPreset = Literal["balance", "prices", "create-only", "stock-only", "keep-edits"]
FIELDS = ("name", "regular_price", "sale_price", "weight", "category")
OWNERSHIP: dict[str, dict[str, str]] = {
    "balance": dict.fromkeys(FIELDS, "always"),
    "prices": dict.fromkeys(FIELDS, "never") | {"regular_price": "always", "sale_price": "always"},
    "create-only": dict.fromkeys(FIELDS, "never"),
    "stock-only": dict.fromkeys(FIELDS, "never"),
    "keep-edits": dict.fromkeys(FIELDS, "if-unchanged"),
}
"""Who owns the fields of a product that is there already (claims S0.16, S2.8, S3.4).

`create-only`: a new product is made whole, as a draft; one that is there is never written again but its stock.
`stock-only`: no product is ever made nor written but its stock. Products are made in the shop, and linked by SKU.
"""
