"""The products resource."""

from __future__ import annotations

from collections.abc import Iterable

from services.sandbox.woocommerce import dates, listing, meta, product, product_view, schema
from services.sandbox.woocommerce.errors import RestError, invalid_id
from services.sandbox.woocommerce.resource import Found, Query
from services.sandbox.woocommerce.shop import Document, Shop

INVALID = "woocommerce_rest_product_invalid_id"


class Products:
    """The shop's products."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop

    def create(self, body: Document, *, strict: bool) -> Document:
        """Makes a product, published unless the body says else."""
        if strict:
            schema.check(body, schema.PRODUCT)
        document = product.blank(self.shop.post_ids())
        for field in ("date_created", "date_modified"):
            dates.stamp(document, field, self.shop.now())
        try:
            product.write(self.shop, document, body)
        except RestError:
            self.shop.free(document)
            raise
        self.shop.products[document["id"]] = document
        product.give_slug(self.shop, document)
        self.shop.announce("product.created", document["id"])
        return product_view.shown(self.shop, document, edit=True)

    def read(self, document_id: int) -> Document:
        """A product, or a variation in a product's clothes."""
        return self._shown(self._sellable(document_id))

    def update(self, document_id: int, body: Document, *, strict: bool) -> Document:
        """Changes a product; every save counts as a modification, also one that changes nothing."""
        if strict:
            schema.check(body, schema.PRODUCT)
        document = self._writable(document_id)
        product.write(self.shop, document, body)
        product.give_slug(self.shop, document)
        saved(self.shop, document)
        return product_view.shown(self.shop, document, edit=True)

    def delete(self, document_id: int, *, force: bool) -> Document:
        """Trashes or deletes a product; the answer shows it as it was before."""
        document = self._writable(document_id)
        before = product_view.shown(self.shop, document, edit=True)
        if force:
            self._remove(document)
        elif document["status"] == "trash":
            raise RestError(410, "woocommerce_rest_already_trashed", "The product has already been deleted.")
        else:
            trash(self.shop, document)
            self.shop.announce("product.deleted", document_id)
        return before

    def search(self, query: Query) -> Found:
        """Products of a list; variations are in it only when asked for by SKU."""
        found = listing.dated(listing.chosen(with_status(self._candidates(query), query), query), query)
        if term := query.get("search"):
            found = [document for document in found if term.casefold() in document["name"].casefold()]
        if category := query.get("category"):
            found = [d for d in found if category in {str(term["id"]) for term in d.get("categories", [])}]
        return Found(listing.ordered(found, query), self._shown)

    def _candidates(self, query: Query) -> Iterable[Document]:
        if skus := listing.words(query, "sku"):
            holders = [self.shop.skus.holder(sku) for sku in skus]
            return {holder["id"]: holder for holder in holders if holder}.values()
        if part := query.get("search_sku", "").casefold():
            return [document for document in self.shop.stocked() if part in document["sku"].casefold()]
        return self.shop.products.values()

    def _remove(self, document: Document) -> None:
        family = [v for v in self.shop.variations.values() if v["parent_id"] == document["id"]]
        for member in [document, *family]:
            self.shop.free(member)
            self.shop.variations.pop(member["id"], None)
        del self.shop.products[document["id"]]

    def _sellable(self, document_id: int) -> Document:
        document = self.shop.sellable(document_id)
        if document is None:
            raise invalid_id(INVALID)
        return document

    def _writable(self, document_id: int) -> Document:
        document = self._sellable(document_id)
        if document["type"] == "variation":
            message = (
                "To manipulate product variations you should use the "
                "/products/&lt;product_id&gt;/variations/&lt;id&gt; endpoint."
            )
            raise RestError(404, "woocommerce_rest_invalid_product_id", message)
        return document

    def _shown(self, document: Document) -> Document:
        if document["type"] == "variation":
            return product_view.variation_as_product(self.shop, document, product.blank(document["id"]))
        return product_view.shown(self.shop, document)


def with_status(documents: Iterable[Document], query: Query) -> list[Document]:
    """Those of the query's status; any status but the trash without one."""
    wanted = listing.words(query, "status")
    if not wanted or wanted == ["any"]:
        return [document for document in documents if document["status"] != "trash"]
    return [document for document in documents if document["status"] in wanted]


def trash(shop: Shop, document: Document) -> None:
    """Moves a product to the trash; what it was stays in its meta_data (API fact: recorded)."""
    told = {"_wp_trash_meta_status": document["status"], "_wp_trash_meta_time": str(int(shop.now().timestamp()))}
    sent = [{"key": key, "value": value} for key, value in told.items()]
    document["meta_data"] = meta.merged(document["meta_data"], sent, shop.meta_ids)
    document["status"] = "trash"
    dates.stamp(document, "date_modified", shop.now())


def saved(shop: Shop, document: Document) -> None:
    """What every save of a product or variation does."""
    dates.stamp(document, "date_modified", shop.now())
    shop.announce("product.updated", document["id"])
