"""Loads the recorded catalogue into a shop."""

from __future__ import annotations

from services.sandbox import recorded
from services.sandbox.woocommerce import stock as stocks
from services.sandbox.woocommerce.shop import Document, Shop


def load_catalogue(shop: Shop, *, skus: set[str] | None = None, stock: int | None = None) -> int:
    """Loads the recorded products and variations under their ids; returns how many.

    `skus` picks some (a variation brings its parent along); `stock` makes them manage their stock, with so many pieces.
    """
    catalogue = recorded.catalogue()
    variations = [v for family in catalogue["variations"].values() for v in family]
    wanted = [v for v in variations if skus is None or v["sku"] in skus]
    parents = {v["parent_id"] for v in wanted}
    products = [p for p in catalogue["products"] if skus is None or p["sku"] in skus or p["id"] in parents]
    for document in [*products, *wanted]:
        _keep(shop, document, stock)
    return len(products) + len(wanted)


def _keep(shop: Shop, document: Document, stock: int | None) -> None:
    shop.post_ids.seen(document["id"])
    own_stock = document["type"] != "variable"
    if stock is not None and own_stock:
        document["manage_stock"] = True
        stocks.set_quantity(document, stock)
    shelf = shop.variations if document["type"] == "variation" else shop.products
    shelf[document["id"]] = document
    for holders in (shop.skus, shop.gtins, shop.slugs):
        holders.take(document, document.get(holders.field, ""))
    for row in document["meta_data"]:
        shop.meta_ids.seen(row["id"])
