"""Products whose item left Balance: drafts, where the settings want it, and what they were when it comes back.

Never deletion (claim S2.15). Only a product that was published is retired, and only what was retired here is published
again: a draft that the storefront made stays one.
"""

from __future__ import annotations

from typing import Any

from services.connectors.woocommerce.product import Product

DRAFT, SHOWN = "draft", "publish"


def retired(held: Product) -> dict[str, Any]:
    """The fields that take a product out of the shop's window; none for a variation, which has no such status."""
    return {"status": DRAFT} if held.status == SHOWN and not held.is_variation else {}


def restored(held: Product, retired_from: str | None) -> dict[str, Any]:
    """The fields that put it back, if it is still as it was left; `retired_from`: the status before its retirement."""
    return {"status": retired_from} if retired_from and held.status == DRAFT else {}
