"""Sending changes to a shop in batches: products at once, variations through their parents."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from typing import Protocol

from services.catalog_importer.look_up import Catalogue
from services.catalog_importer.placement import Change
from services.catalog_importer.translations import FurtherChange
from services.connectors.woocommerce.batch import ItemResult
from services.connectors.woocommerce.product_write import ProductWrite
from services.engine.outbox.batches import Batches
from services.engine.outbox.outcome import Outcome

Result = ItemResult | Outcome | None
"""None: there was nothing to write."""
PRODUCTS = 0
"""The parent of what is no variation."""


class Shop(Catalogue, Protocol):
    """The part of a shop that products are written through."""

    async def image_ids(self, product_id: int) -> Sequence[int]: ...

    async def create_products(self, writes: Sequence[ProductWrite]) -> Sequence[ItemResult]: ...

    async def update_products(self, writes: Sequence[ProductWrite]) -> Sequence[ItemResult]: ...

    async def update_variations(self, parent_id: int, writes: Sequence[ProductWrite]) -> Sequence[ItemResult]: ...


async def create(shop: Shop, changes: Sequence[Change], batches: Batches) -> list[ItemResult | Outcome]:
    """One result per new product, in order."""
    return await batches.send(shop.create_products, [change.write for change in changes])


async def update(shop: Shop, changes: Sequence[Change | FurtherChange], batches: Batches) -> list[Result]:
    """One result per change, in order; a change without a field is not sent."""
    results: list[Result] = [None] * len(changes)
    for parent_id, places in _by_parent(changes).items():
        send = shop.update_products if parent_id == PRODUCTS else partial(shop.update_variations, parent_id)
        answered = await batches.send(send, [changes[place].write for place in places])
        for place, result in zip(places, answered, strict=True):
            results[place] = result
    return results


def _by_parent(changes: Sequence[Change | FurtherChange]) -> dict[int, list[int]]:
    """The places of the changes that have something to send, by the parent that they go through."""
    places: dict[int, list[int]] = defaultdict(list)
    for place, change in enumerate(changes):
        if change.write.given():
            places[change.product.parent_id if change.product else PRODUCTS].append(place)
    return places
