"""Variations: written through their parent (API fact: the products' batch refuses them)."""

from __future__ import annotations

from collections.abc import Sequence

from services.connectors.woocommerce.api import Api
from services.connectors.woocommerce.batch import ItemResult, batch
from services.connectors.woocommerce.product_write import ProductWrite


async def update(api: Api, parent_id: int, variations: Sequence[ProductWrite]) -> list[ItemResult]:
    """Writes up to 100 variations of one product in one call."""
    if any(variation.id is None for variation in variations):
        raise ValueError("an update needs the variation's id")
    return await batch(api, f"/products/{parent_id}/variations", "update", [one.json_body() for one in variations])
