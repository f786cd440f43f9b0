"""What the shop holds for items, looked up before anything is written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from services.catalog_importer.payload import ProductPayload
from services.connectors.http.unreadable import Unreadable
from services.connectors.woocommerce.product import Product
from services.engine.outbox.batches import Batches
from services.engine.outbox.isolate import isolated
from services.engine.outbox.outcome import Outcome, Refused


class Catalogue(Protocol):
    """The part of a shop that is read."""

    async def products_by_sku(self, skus: Iterable[str]) -> Mapping[str, Sequence[Product | Unreadable]]: ...

    async def product(self, product_id: int) -> Product | None: ...


@dataclass(frozen=True, slots=True)
class Sight:
    """The products with the item's SKU, in every status; the product that the item is linked to; and the further ones
    of its link by id, None where the shop does not have one any more."""

    found: Sequence[Product]
    linked: Product | None = None
    further: Mapping[int, Product | None] = field(default_factory=dict)


async def look_up(shop: Catalogue, payloads: Sequence[ProductPayload], batches: Batches) -> list[Sight | Outcome]:
    """One sight per payload, in order; what the shop could not answer is an outcome."""
    skus = [payload.nature.sku or "" for payload in payloads]
    found = await batches.send(partial(_by_sku, shop), skus)
    return [await _sight(shop, payload, held) for payload, held in zip(payloads, found, strict=True)]


async def _by_sku(shop: Catalogue, skus: Sequence[str]) -> list[Sequence[Product | Unreadable]]:
    held = await shop.products_by_sku(skus)
    return [held.get(sku, ()) for sku in skus]


async def _sight(
    shop: Catalogue, payload: ProductPayload, answer: Sequence[Product | Unreadable] | Outcome
) -> Sight | Outcome:
    """A linked product whose SKU was changed in the shop is not among those found: it is read by its id.

    One that cannot be read may be the item's: nothing is decided without it.
    """
    if not isinstance(answer, Sequence):
        return answer
    for one in answer:
        if isinstance(one, Unreadable):
            return Refused(one.reason, one.detail)
    found = [one for one in answer if isinstance(one, Product)]
    ids = payload.link.product_ids if payload.link else ()
    held: dict[int, Product | None] = {product.id: product for product in found if product.id in ids}
    for id_ in ids:
        if id_ not in held:
            linked = await _by_id(shop, id_)
            if linked is not None and not isinstance(linked, Product):
                return linked
            held[id_] = linked
    return Sight(found, held[ids[0]], {id_: held[id_] for id_ in ids[1:]}) if ids else Sight(found)


async def _by_id(shop: Catalogue, product_id: int) -> Product | Outcome | None:
    [held] = await isolated(lambda ids: _products(shop, ids), [product_id])
    return held


async def _products(shop: Catalogue, ids: Sequence[int]) -> list[Product | None]:
    return [await shop.product(product_id) for product_id in ids]


async def holder(shop: Catalogue, product_id: int) -> Sight | Outcome:
    """The product that the shop itself names as the holder of a SKU."""
    held = await _by_id(shop, product_id)
    if held is None or isinstance(held, Product):
        return Sight([held] if held else [])
    return held
