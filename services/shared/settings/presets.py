"""The named presets of Balance's integration profiles (claims S0.28, S1.2): configuration, never code."""

from __future__ import annotations

from typing import Any

PRESETS: dict[str, dict[str, Any]] = {
    "b2c": {},
    "storera": {"sku-field": "InternalArticle", "paging": ["Items", "ItemPricing"], "item-pricing": True},
    "vendoo": {"sku-field": "Code", "publication-of": {"Stocks": "a", "Prices": "a", "SalesCredit": "a"}},
}
