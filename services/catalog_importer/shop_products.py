"""Sending changes to a shop in batches: products at once, variations through their parents."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from contracts.reasons import Reason
from services.catalog_importer.placement import ProductChange, TranslationChange
from services.catalog_importer.product import ProductPayload
from services.connectors.http.unreadable import Unreadable
from services.connectors.woocommerce.batch import ItemResult, NotStored, Stored
from services.connectors.woocommerce.echo import differences
from services.connectors.woocommerce.product import Product
from services.connectors.woocommerce.product_write import ProductWrite
from services.engine.outbox.batches import Batches, call_isolated
from services.engine.outbox.outcome import Outcome, Refused
from services.engine.outbox.upstream_errors import UpstreamError, outcome_of

# What the shop holds for items, looked up before anything is written.


class ProductSource(Protocol):
    """The part of a shop that is read."""

    async def products_by_sku(self, skus: Iterable[str]) -> Mapping[str, Sequence[Product | Unreadable]]: ...

    async def product(self, product_id: int) -> Product | None: ...


@dataclass(frozen=True, slots=True)
class LookUpResult:
    """The products with the item's SKU, in every status; the product that the item is linked to; and the further ones
    of its link by id, None where the shop does not have one any more."""

    found: Sequence[Product]
    linked: Product | None = None
    further: Mapping[int, Product | None] = field(default_factory=dict)


async def look_up_products(
    shop: ProductSource, payloads: Sequence[ProductPayload], batches: Batches
) -> list[LookUpResult | Outcome]:
    """One sight per payload, in order; what the shop could not answer is an outcome."""
    skus = [payload.nature.sku or "" for payload in payloads]
    found = await batches.send(partial(_by_sku, shop), skus)
    return [await _sight(shop, payload, held) for payload, held in zip(payloads, found, strict=True)]


async def _by_sku(shop: ProductSource, skus: Sequence[str]) -> list[Sequence[Product | Unreadable]]:
    held = await shop.products_by_sku(skus)
    return [held.get(sku, ()) for sku in skus]


async def _sight(
    shop: ProductSource, payload: ProductPayload, answer: Sequence[Product | Unreadable] | Outcome
) -> LookUpResult | Outcome:
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
    return LookUpResult(found, held[ids[0]], {id_: held[id_] for id_ in ids[1:]}) if ids else LookUpResult(found)


async def _by_id(shop: ProductSource, product_id: int) -> Product | Outcome | None:
    [held] = await call_isolated(lambda ids: _products(shop, ids), [product_id])
    return held


async def _products(shop: ProductSource, ids: Sequence[int]) -> list[Product | None]:
    return [await shop.product(product_id) for product_id in ids]


async def look_up_by_id(shop: ProductSource, product_id: int) -> LookUpResult | Outcome:
    """The product that the shop itself names as the holder of a SKU."""
    held = await _by_id(shop, product_id)
    if held is None or isinstance(held, Product):
        return LookUpResult([held] if held else [])
    return held


Result = ItemResult | Outcome | None
"""None: there was nothing to write."""
PRODUCTS = 0
"""The parent of what is no variation."""


class ProductWriter(ProductSource, Protocol):
    """The part of a shop that products are written through."""

    async def image_ids(self, product_id: int) -> Sequence[int]: ...

    async def create_products(self, writes: Sequence[ProductWrite]) -> Sequence[ItemResult]: ...

    async def update_products(self, writes: Sequence[ProductWrite]) -> Sequence[ItemResult]: ...

    async def update_variations(self, parent_id: int, writes: Sequence[ProductWrite]) -> Sequence[ItemResult]: ...


async def send_creations(
    shop: ProductWriter, changes: Sequence[ProductChange], batches: Batches
) -> list[ItemResult | Outcome]:
    """One result per new product, in order."""
    return await batches.send(shop.create_products, [change.write for change in changes])


async def send_updates(
    shop: ProductWriter, changes: Sequence[ProductChange | TranslationChange], batches: Batches
) -> list[Result]:
    """One result per change, in order; a change without a field is not sent."""
    results: list[Result] = [None] * len(changes)
    for parent_id, places in _by_parent(changes).items():
        send = shop.update_products if parent_id == PRODUCTS else partial(shop.update_variations, parent_id)
        answered = await batches.send(send, [changes[place].write for place in places])
        for place, result in zip(places, answered, strict=True):
            results[place] = result
    return results


def _by_parent(changes: Sequence[ProductChange | TranslationChange]) -> dict[int, list[int]]:
    """The places of the changes that have something to send, by the parent that they go through."""
    places: dict[int, list[int]] = defaultdict(list)
    for place, change in enumerate(changes):
        if change.write.given():
            places[change.product.parent_id if change.product else PRODUCTS].append(place)
    return places


# Writing the further products of items, each by the answer of the shop to its own write.

Written = tuple[TranslationChange, ...] | Outcome


async def write_translations(
    shop: ProductWriter, changes: Sequence[tuple[ProductPayload, ProductChange]], batches: Batches
) -> list[Written]:
    """For each item the further products that are written, without those that vanished; or why one is not."""
    every = [one for _, change in changes for one in change.further]
    results = iter(await send_updates(shop, every, batches))
    return [_written(payload, change.further, results) for payload, change in changes]


def _written(payload: ProductPayload, further: Sequence[TranslationChange], results: Iterator[Result]) -> Written:
    outcomes = [_outcome(payload, one, next(results)) for one in further]
    failed = next((one for one in outcomes if one is not None and not isinstance(one, TranslationChange)), None)
    return failed or tuple(one for one in outcomes if isinstance(one, TranslationChange))


def _outcome(payload: ProductPayload, one: TranslationChange, result: Result) -> TranslationChange | Outcome | None:
    match result:
        case None:
            return one
        case NotStored(reason=Reason.SHOP_PRODUCT_GONE) | Refused(reason=Reason.SHOP_PRODUCT_GONE):
            return None
        case NotStored():
            return Refused(result.reason, f"translation {one.product.id} of item {payload.item}: {result.message}")
        case Stored():
            return _echoed(payload, one, result)
        case outcome:
            return outcome


def _echoed(payload: ProductPayload, one: TranslationChange, stored: Stored) -> TranslationChange | Outcome:
    try:
        found = [each for each in differences(payload.shop, one.write, stored.json) if not each.is_minor]
    except UpstreamError as error:
        return outcome_of(error)
    what = f"product {stored.id}, a translation of item {payload.item}"
    return Refused(Reason.SHOP_ECHO_DIFFERS, f"{what}: {'; '.join(map(str, found))}") if found else one
