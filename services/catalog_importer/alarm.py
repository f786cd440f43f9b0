"""Changes that a person should see first, although the flow is live (claim I3)."""

from __future__ import annotations

from decimal import Decimal

from contracts.catalog import ProductLinked
from contracts.reasons import Reason
from services.catalog_importer.eligibility import Skip
from services.catalog_importer.product import Desired
from services.settings.catalogue import PriceSettings


def alarm(desired: Desired, link: ProductLinked | None, rules: PriceSettings) -> Skip | None:
    """Why a change waits for approval; None when it may go by itself.

    Measured against what we last wrote: a new product has no price that could fall.
    """
    before = link.written.regular_price if link and link.written else None
    if not before or desired.regular_price is None:
        return None
    fall = (before - desired.regular_price) / before
    if fall <= rules.largest_fall:
        return None
    told = f"the regular price falls from {before:f} to {desired.regular_price:f}, by {_percent(fall)}"
    allowed = f"more than prices.largest-fall allows ({_percent(rules.largest_fall)})"
    return Skip(Reason.PRODUCT_PRICE_FELL, f"{told}, {allowed}; approve it with davtari plan items and davtari apply")


def _percent(share: Decimal) -> str:
    return f"{share * 100:.0f} %"
