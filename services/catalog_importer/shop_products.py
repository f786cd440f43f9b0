"""Reading and writing products of a shop: look-ups before a write; batches of products, and of variations by parent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from contracts.reasons import Reason
from services.catalog_importer.placement import ProductChange, TranslationChange
from services.catalog_importer.product import ProductPayload
from services.connectors.http.listing import UnreadableRecord
from services.connectors.woocommerce.batch import ItemResult, NotStored, Stored, find_differences
from services.connectors.woocommerce.product import Product, ProductWrite
from services.engine.outbox.batches import Batches, call_isolated
from services.engine.outbox.outcome import Outcome, Refused
from services.engine.outbox.upstream_errors import UpstreamError, outcome_of

PRODUCTS = 0
"""The parent id of a product that is not a variation."""
Result = ItemResult | Outcome | None
"""None: there was nothing to write."""
Written = tuple[TranslationChange, ...] | Outcome


class ProductSource(Protocol):
    """Reads products of a shop."""

    async def products_by_sku(self, skus: Iterable[str]) -> Mapping[str, Sequence[Product | UnreadableRecord]]: ...

    async def product(self, product_id: int) -> Product | None: ...


@dataclass(frozen=True, slots=True)
class LookUpResult:
    """What the shop has for an item: `found` are the products with its SKU, in every status; `linked` is the product of
    its link; `further` are the further products of its link by id, None for one that no longer exists."""

    found: Sequence[Product]
    linked: Product | None = None
    further: Mapping[int, Product | None] = field(default_factory=dict)


async def look_up_products(
    shop: ProductSource, payloads: Sequence[ProductPayload], batches: Batches
) -> list[LookUpResult | Outcome]:
    """Return one result per payload, in order; what the shop cannot answer becomes an outcome."""
    skus = [payload.nature.sku or "" for payload in payloads]
    answers = await batches.send(partial(_by_sku, shop), skus)
    return [await _look_up(shop, payload, answer) for payload, answer in zip(payloads, answers, strict=True)]


async def _by_sku(shop: ProductSource, skus: Sequence[str]) -> list[Sequence[Product | UnreadableRecord]]:
    products = await shop.products_by_sku(skus)
    return [products.get(sku, ()) for sku in skus]


async def _look_up(
    shop: ProductSource, payload: ProductPayload, answer: Sequence[Product | UnreadableRecord] | Outcome
) -> LookUpResult | Outcome:
    """A linked product whose SKU was changed in the shop is not found by SKU: it is read by its id.

    An unreadable product may be the item's: nothing is decided without it.
    """
    if not isinstance(answer, Sequence):
        return answer
    for product in answer:
        if isinstance(product, UnreadableRecord):
            return Refused(product.reason, product.detail)
    found = [product for product in answer if isinstance(product, Product)]
    ids = payload.link.product_ids if payload.link else ()
    linked: dict[int, Product | None] = {product.id: product for product in found if product.id in ids}
    for id_ in ids:
        if id_ not in linked:
            by_id = await _by_id(shop, id_)
            if by_id is not None and not isinstance(by_id, Product):
                return by_id
            linked[id_] = by_id
    return LookUpResult(found, linked[ids[0]], {id_: linked[id_] for id_ in ids[1:]}) if ids else LookUpResult(found)


async def _by_id(shop: ProductSource, product_id: int) -> Product | Outcome | None:
    [product] = await call_isolated(lambda ids: _products(shop, ids), [product_id])
    return product


async def _products(shop: ProductSource, ids: Sequence[int]) -> list[Product | None]:
    return [await shop.product(product_id) for product_id in ids]


async def look_up_by_id(shop: ProductSource, product_id: int) -> LookUpResult | Outcome:
    """Return the product with an id, as if it had been found by SKU."""
    product = await _by_id(shop, product_id)
    if product is None or isinstance(product, Product):
        return LookUpResult([product] if product else [])
    return product


class ProductWriter(ProductSource, Protocol):
    """Reads and writes products of a shop."""

    async def image_ids(self, product_id: int) -> Sequence[int]: ...

    async def create_products(self, writes: Sequence[ProductWrite]) -> Sequence[ItemResult]: ...

    async def update_products(self, writes: Sequence[ProductWrite]) -> Sequence[ItemResult]: ...

    async def update_variations(self, parent_id: int, writes: Sequence[ProductWrite]) -> Sequence[ItemResult]: ...


async def send_creations(
    shop: ProductWriter, changes: Sequence[ProductChange], batches: Batches
) -> list[ItemResult | Outcome]:
    """Create products. Returns one result per change, in order."""
    return await batches.send(shop.create_products, [change.write for change in changes])


async def send_updates(
    shop: ProductWriter, changes: Sequence[ProductChange | TranslationChange], batches: Batches
) -> list[Result]:
    """Update products. Returns one result per change, in order; a change without fields is not sent."""
    results: list[Result] = [None] * len(changes)
    for parent_id, places in _by_parent(changes).items():
        send = shop.update_products if parent_id == PRODUCTS else partial(shop.update_variations, parent_id)
        answered = await batches.send(send, [changes[place].write for place in places])
        for place, result in zip(places, answered, strict=True):
            results[place] = result
    return results


def _by_parent(changes: Sequence[ProductChange | TranslationChange]) -> dict[int, list[int]]:
    """The positions of the changes that have fields to send, by parent id."""
    places: dict[int, list[int]] = defaultdict(list)
    for place, change in enumerate(changes):
        if change.write.to_fields():
            places[change.product.parent_id if change.product else PRODUCTS].append(place)
    return places


async def write_translations(
    shop: ProductWriter, changes: Sequence[tuple[ProductPayload, ProductChange]], batches: Batches
) -> list[Written]:
    """Update the further products of items. Returns those written for each item, or why one could not be written.

    Products that no longer exist are left out.
    """
    translations = [translation for _, change in changes for translation in change.further]
    results = iter(await send_updates(shop, translations, batches))
    return [_collect(payload, change.further, results) for payload, change in changes]


def _collect(payload: ProductPayload, further: Sequence[TranslationChange], results: Iterator[Result]) -> Written:
    outcomes = [_outcome(payload, translation, next(results)) for translation in further]
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
            return _check_stored(payload, one, result)
        case outcome:
            return outcome


def _check_stored(payload: ProductPayload, one: TranslationChange, stored: Stored) -> TranslationChange | Outcome:
    try:
        found = [each for each in find_differences(payload.shop, one.write, stored.json) if not each.is_minor]
    except UpstreamError as error:
        return outcome_of(error)
    what = f"product {stored.id}, a translation of item {payload.item}"
    return Refused(Reason.SHOP_ECHO_DIFFERS, f"{what}: {'; '.join(map(str, found))}") if found else one
