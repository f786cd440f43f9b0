"""The variations of one variable product."""

from __future__ import annotations

from services.sandbox.woocommerce import errors, product, product_fields, resources, values
from services.sandbox.woocommerce.errors import RestError, invalid_id
from services.sandbox.woocommerce.products import filter_by_status, mark_saved
from services.sandbox.woocommerce.resources import ListQuery, SearchResult
from services.sandbox.woocommerce.shop import Document, SandboxShop
from services.sandbox.woocommerce.values import encode_slug, make_slug

VARIATION_FIELDS = ("description", "tax_status", "tax_class", "weight", "dimensions", "menu_order", "image")


class Variations:
    """The variations of the product `parent_id`; RestError 404 when there is no such product."""

    def __init__(self, shop: SandboxShop, parent_id: int) -> None:
        if parent_id not in shop.products:
            raise RestError(404, "woocommerce_rest_product_invalid_id", "Invalid product ID.")
        self.shop = shop
        self.parent_id = parent_id

    def create(self, body: Document, *, strict: bool) -> Document:
        """Makes a variation."""
        if strict:
            errors.check_parameters(body, errors.PRODUCT)
        document = blank_variation(self.shop.post_ids(), self.parent_id)
        for field in ("date_created", "date_modified"):
            values.set_date(document, field, self.shop.now())
        try:
            write_variation(self.shop, document, body)
        except RestError:
            self.shop.free(document)
            raise
        self.shop.variations[document["id"]] = document
        self.shop.announce("product.created", document["id"])
        return product_fields.render_variation(self.shop, document)

    def read(self, document_id: int) -> Document:
        """One variation."""
        return product_fields.render_variation(self.shop, self._own(document_id))

    def update(self, document_id: int, body: Document, *, strict: bool) -> Document:
        """Changes a variation."""
        if strict:
            errors.check_parameters(body, errors.PRODUCT)
        document = self._own(document_id)
        write_variation(self.shop, document, body)
        mark_saved(self.shop, document)
        return product_fields.render_variation(self.shop, document)

    def delete(self, document_id: int, *, force: bool) -> Document:
        """Trashes or deletes a variation."""
        document = self._own(document_id)
        before = product_fields.render_variation(self.shop, document)
        if force:
            self.shop.free(document)
            del self.shop.variations[document_id]
        else:
            document["status"] = "trash"
        return before

    def search(self, query: ListQuery) -> SearchResult:
        """The variations of a list."""
        family = [v for v in self.shop.variations.values() if v["parent_id"] == self.parent_id]
        skus = {sku.casefold() for sku in resources.parse_words(query, "sku")}
        asked = [v for v in family if not skus or v["sku"].casefold() in skus]
        found = resources.filter_by_date(resources.filter_by_id(filter_by_status(asked, query), query), query)
        return SearchResult(
            resources.sort_documents(found, query), lambda v: product_fields.render_variation(self.shop, v)
        )

    def _own(self, document_id: int) -> Document:
        document = self.shop.variations.get(document_id)
        if document is None or document["parent_id"] != self.parent_id:
            raise invalid_id("woocommerce_rest_product_variation_invalid_id")
        return document


def blank_variation(document_id: int, parent_id: int) -> Document:
    """A variation before anything was written into it."""
    return {
        "id": document_id,
        "type": "variation",
        "description": "",
        "sku": "",
        "global_unique_id": "",
        **product_fields.blank_prices(),
        "status": "publish",
        "virtual": False,
        "downloadable": False,
        "downloads": [],
        "download_limit": -1,
        "download_expiry": -1,
        "tax_status": "taxable",
        "tax_class": "parent",
        **product_fields.blank_stock(),
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


def write_variation(shop: SandboxShop, document: Document, body: Document) -> None:
    """Writes a body into a variation; RestError 400 for a SKU or GTIN that another product has."""
    product.claim_sku(shop, document, body)
    product.claim_gtin(shop, document, body)
    for name in VARIATION_FIELDS:
        if body.get(name) is not None:
            document[name] = body[name]
    if body.get("status") is not None:
        document["status"] = body["status"] if body["status"] in product.STATUSES else "draft"
    if body.get("attributes") is not None:
        document["attributes"] = [make_option(entry) for entry in body["attributes"]]
        document["name"] = ", ".join(entry["option"] for entry in document["attributes"])
    product_fields.write_prices(document, body, shop.now())
    product_fields.write_stock(document, body)
    product.write_meta(shop, document, body)


def make_option(sent: Document) -> Document:
    """Makes the attribute option of a variation."""
    name = str(sent.get("name", ""))
    slug = encode_slug(make_slug(name))
    return {"id": sent.get("id") or 0, "name": name, "slug": slug, "option": str(sent.get("option", ""))}
