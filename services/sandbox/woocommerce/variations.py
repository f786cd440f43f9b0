"""The variations of one variable product."""

from __future__ import annotations

from services.sandbox.woocommerce import dates, listing, prices, product, product_view, schema, stock
from services.sandbox.woocommerce.errors import RestError, invalid_id
from services.sandbox.woocommerce.products import saved, with_status
from services.sandbox.woocommerce.resource import Found, Query
from services.sandbox.woocommerce.shop import Document, Shop
from services.sandbox.woocommerce.slugs import encoded, slug_text

PLAIN = ("description", "tax_status", "tax_class", "weight", "dimensions", "menu_order", "image")


class Variations:
    """The variations of the product `parent_id`; RestError 404 when there is no such product."""

    def __init__(self, shop: Shop, parent_id: int) -> None:
        if parent_id not in shop.products:
            raise RestError(404, "woocommerce_rest_product_invalid_id", "Invalid product ID.")
        self.shop = shop
        self.parent_id = parent_id

    def create(self, body: Document, *, strict: bool) -> Document:
        """Makes a variation."""
        if strict:
            schema.check(body, schema.PRODUCT)
        document = blank(self.shop.post_ids(), self.parent_id)
        for field in ("date_created", "date_modified"):
            dates.stamp(document, field, self.shop.now())
        try:
            write(self.shop, document, body)
        except RestError:
            self.shop.free(document)
            raise
        self.shop.variations[document["id"]] = document
        self.shop.announce("product.created", document["id"])
        return product_view.variation_shown(self.shop, document)

    def read(self, document_id: int) -> Document:
        """One variation."""
        return product_view.variation_shown(self.shop, self._own(document_id))

    def update(self, document_id: int, body: Document, *, strict: bool) -> Document:
        """Changes a variation."""
        if strict:
            schema.check(body, schema.PRODUCT)
        document = self._own(document_id)
        write(self.shop, document, body)
        saved(self.shop, document)
        return product_view.variation_shown(self.shop, document)

    def delete(self, document_id: int, *, force: bool) -> Document:
        """Trashes or deletes a variation."""
        document = self._own(document_id)
        before = product_view.variation_shown(self.shop, document)
        if force:
            self.shop.free(document)
            del self.shop.variations[document_id]
        else:
            document["status"] = "trash"
        return before

    def search(self, query: Query) -> Found:
        """The variations of a list."""
        family = [v for v in self.shop.variations.values() if v["parent_id"] == self.parent_id]
        skus = {sku.casefold() for sku in listing.words(query, "sku")}
        asked = [v for v in family if not skus or v["sku"].casefold() in skus]
        found = listing.dated(listing.chosen(with_status(asked, query), query), query)
        return Found(listing.ordered(found, query), lambda v: product_view.variation_shown(self.shop, v))

    def _own(self, document_id: int) -> Document:
        document = self.shop.variations.get(document_id)
        if document is None or document["parent_id"] != self.parent_id:
            raise invalid_id("woocommerce_rest_product_variation_invalid_id")
        return document


def blank(document_id: int, parent_id: int) -> Document:
    """A variation before anything was written into it."""
    return {
        "id": document_id,
        "type": "variation",
        "description": "",
        "sku": "",
        "global_unique_id": "",
        **prices.blank(),
        "status": "publish",
        "virtual": False,
        "downloadable": False,
        "downloads": [],
        "download_limit": -1,
        "download_expiry": -1,
        "tax_status": "taxable",
        "tax_class": "parent",
        **stock.blank(),
        "weight": "",
        "dimensions": {"length": "", "width": "", "height": ""},
        "shipping_class": "",
        "shipping_class_id": 0,
        "image": None,
        "attributes": [],
        "menu_order": 0,
        "meta_data": [],
        "name": "",
        "parent_id": parent_id,
    }


def write(shop: Shop, document: Document, body: Document) -> None:
    """Writes a body into a variation; RestError 400 for a SKU or GTIN that another product has."""
    product.claim_sku(shop, document, body)
    product.claim_gtin(shop, document, body)
    for name in PLAIN:
        if body.get(name) is not None:
            document[name] = body[name]
    if body.get("status") is not None:
        document["status"] = body["status"] if body["status"] in product.STATUSES else "draft"
    if body.get("attributes") is not None:
        document["attributes"] = [attribute(entry) for entry in body["attributes"]]
        document["name"] = ", ".join(entry["option"] for entry in document["attributes"])
    prices.reprice(document, body, shop.now())
    stock.restock(document, body)
    product.write_meta(shop, document, body)


def attribute(sent: Document) -> Document:
    """The option that a variation stands for."""
    name = str(sent.get("name", ""))
    slug = encoded(slug_text(name))
    return {"id": sent.get("id") or 0, "name": name, "slug": slug, "option": str(sent.get("option", ""))}
