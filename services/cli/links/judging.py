"""The lines of a link table against the shop: each product is looked up before anything is asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from services.catalog_importer.eligibility import Skip
from services.catalog_importer.product_match import Match, match
from services.cli.links.table import Line
from services.cli.links.verdict import Known, Verdict, each_once, of_match, of_product
from services.connectors.http.unreadable import Unreadable
from services.connectors.woocommerce.product import Product
from services.engine.outbox.upstream_errors import Rejected


class Catalogue(Protocol):
    """What is read of a shop."""

    async def products_by_sku(self, skus: Iterable[str]) -> Mapping[str, Sequence[Product | Unreadable]]: ...

    async def product(self, product_id: int) -> Product | None: ...


async def judged(lines: Sequence[Line], known: Known, shop: Catalogue) -> list[Verdict]:
    """The verdicts about lines, in order. Reads the shop; raises `UpstreamError` when it does not answer."""
    by_sku = await shop.products_by_sku(line.sku for line in lines if not line.id)
    items = Counter(line.item for line in lines if not line.further)
    verdicts: list[Verdict] = []
    for line in lines:
        if line.item not in known.items:
            verdicts.append(Verdict(line, why=f"Balance's catalogue has no item {line.item} (davtari import items)"))
        elif items[line.item] > 1 and not line.further:
            verdicts.append(Verdict(line, why=f"several lines name item {line.item}: {TWICE}"))
        else:
            verdicts += await _by_id(line, known, shop) if line.id else _by_sku(line, by_sku.get(line.sku, ()), known)
    return each_once(verdicts)


TWICE = "leave one, and mark those of its translations in the column how with the word translation"


async def _by_id(line: Line, known: Known, shop: Catalogue) -> list[Verdict]:
    try:
        product = await shop.product(line.id)
    except Rejected as error:
        return [Verdict(line, why=error.message)]
    if product is None:
        return [Verdict(line, why=f"the shop has no product {line.id}")]
    return [of_product(line, product, known)]


def _by_sku(line: Line, found: Sequence[Product | Unreadable], known: Known) -> list[Verdict]:
    for one in found:
        if isinstance(one, Unreadable):
            return [Verdict(line, why=one.detail)]
    match match(known.wanted(line.item, line.sku), [one for one in found if isinstance(one, Product)]):
        case Match() as matched:
            return of_match(line, matched, known)
        case Skip() as skip:
            return [Verdict(line, why=skip.detail)]
        case _:
            return [Verdict(line, why=f"the shop has no SKU {line.sku}")]
