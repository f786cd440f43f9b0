"""The products and categories resources."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from services.sandbox.woocommerce import errors, product, product_fields, resources, values
from services.sandbox.woocommerce.errors import RestError, invalid_id, not_trashable
from services.sandbox.woocommerce.resources import ListQuery, SearchResult
from services.sandbox.woocommerce.shop import Document, SandboxShop, make_uncategorized

INVALID_PRODUCT_ID = "woocommerce_rest_product_invalid_id"


class Products:
    """The shop's products."""

    def __init__(self, shop: SandboxShop) -> None:
        self.shop = shop

    def create(self, body: Document, *, strict: bool) -> Document:
        """Creates a product, published unless the body has a status."""
        if strict:
            errors.check_parameters(body, errors.PRODUCT)
        document = product.blank_product(self.shop.post_ids())
        for field in ("date_created", "date_modified"):
            values.set_date(document, field, self.shop.now())
        try:
            product.write_product(self.shop, document, body)
        except RestError:
            self.shop.free(document)
            raise
        self.shop.products[document["id"]] = document
        product.assign_slug(self.shop, document)
        self.shop.announce("product.created", document["id"])
        return product_fields.render_product(self.shop, document, edit=True)

    def read(self, document_id: int) -> Document:
        """One product, or a variation in the form of a product (WooCommerce fact 25)."""
        return self._shown(self._sellable(document_id))

    def update(self, document_id: int, body: Document, *, strict: bool) -> Document:
        """Changes a product; every save moves `date_modified` (WooCommerce fact 24)."""
        if strict:
            errors.check_parameters(body, errors.PRODUCT)
        document = self._writable(document_id)
        product.write_product(self.shop, document, body)
        product.assign_slug(self.shop, document)
        mark_saved(self.shop, document)
        return product_fields.render_product(self.shop, document, edit=True)

    def delete(self, document_id: int, *, force: bool) -> Document:
        """Trashes or deletes a product; answers with its previous state (WooCommerce fact 28)."""
        document = self._writable(document_id)
        before = product_fields.render_product(self.shop, document, edit=True)
        if force:
            self._remove(document)
        elif document["status"] == "trash":
            raise RestError(410, "woocommerce_rest_already_trashed", "The product has already been deleted.")
        else:
            trash_product(self.shop, document)
            self.shop.announce("product.deleted", document_id)
        return before

    def search(self, query: ListQuery) -> SearchResult:
        """Searches products; variations are only found by SKU."""
        found = resources.filter_by_date(
            resources.filter_by_id(filter_by_status(self._candidates(query), query), query), query
        )
        if term := query.get("search"):
            found = [document for document in found if term.casefold() in document["name"].casefold()]
        if category := query.get("category"):
            found = [d for d in found if category in {str(term["id"]) for term in d.get("categories", [])}]
        return SearchResult(resources.sort_documents(found, query), self._shown)

    def _candidates(self, query: ListQuery) -> Iterable[Document]:
        if skus := resources.parse_words(query, "sku"):
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
            raise invalid_id(INVALID_PRODUCT_ID)
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
            return product_fields.render_variation_as_product(
                self.shop, document, product.blank_product(document["id"])
            )
        return product_fields.render_product(self.shop, document)


def filter_by_status(documents: Iterable[Document], query: ListQuery) -> list[Document]:
    """Keeps documents of the query's status; without one, all but the trash (WooCommerce fact 32)."""
    wanted = resources.parse_words(query, "status")
    if not wanted or wanted == ["any"]:
        return [document for document in documents if document["status"] != "trash"]
    return [document for document in documents if document["status"] in wanted]


def trash_product(shop: SandboxShop, document: Document) -> None:
    """Moves a product to the trash and stores its old status in meta_data (recorded)."""
    trashed = {"_wp_trash_meta_status": document["status"], "_wp_trash_meta_time": str(int(shop.now().timestamp()))}
    sent = [{"key": key, "value": value} for key, value in trashed.items()]
    document["meta_data"] = values.merge_meta(document["meta_data"], sent, shop.meta_ids)
    document["status"] = "trash"
    values.set_date(document, "date_modified", shop.now())


def mark_saved(shop: SandboxShop, document: Document) -> None:
    """Sets the modification date of a product or variation and announces the update."""
    values.set_date(document, "date_modified", shop.now())
    shop.announce("product.updated", document["id"])


CATEGORIES_PATH = "/products/categories"
CATEGORY_FIELDS = ("description", "display", "image", "menu_order")


class Categories:
    """The shop's product categories."""

    def __init__(self, shop: SandboxShop) -> None:
        self.shop = shop

    def create(self, body: Document, *, strict: bool) -> Document:
        """Creates a category; RestError 400 `term_exists` with the id of an existing one (WooCommerce fact 69)."""
        name = values.clean_name(str(body.get("name", "")))
        parent = self._parent(body.get("parent") or 0)
        if (twin := self._named(name, parent)) is not None:
            message = "A term with the name provided already exists with this parent."
            raise RestError(400, "term_exists", message, resource_id=twin["id"])
        term = make_uncategorized() | {"id": self.shop.term_ids(), "name": name, "parent": parent}
        self._write(term, {**body, "slug": body.get("slug") or values.make_slug(name)})
        self.shop.categories[term["id"]] = term
        return self._shown(term)

    def read(self, document_id: int) -> Document:
        """One category."""
        return self._shown(self._own(document_id))

    def update(self, document_id: int, body: Document, *, strict: bool) -> Document:
        """Changes a category."""
        term = self._own(document_id)
        if body.get("name") is not None:
            term["name"] = values.clean_name(str(body["name"]))
        if body.get("parent") is not None:
            term["parent"] = self._parent(body["parent"])
        self._write(term, body)
        return self._shown(term)

    def delete(self, document_id: int, *, force: bool) -> Document:
        """Deletes a category; it has no trash."""
        term = self._own(document_id)
        if not force:
            raise not_trashable()
        del self.shop.categories[document_id]
        return self._shown(term)

    def search(self, query: ListQuery) -> SearchResult:
        """Categories by name."""
        found = resources.filter_by_id(self.shop.categories.values(), query)
        for field in ("slug", "parent"):
            if query.get(field):
                found = [term for term in found if str(term[field]) == query[field]]
        if part := query.get("search", "").casefold():
            found = [term for term in found if part in term["name"].casefold()]
        ascending = query.get("order", "asc") != "desc"
        key = "id" if query.get("orderby") == "id" else "name"
        found = sorted(found, key=lambda term: term[key], reverse=not ascending)
        held = self._held()
        return SearchResult(found, lambda term: self._shown(term, held))

    def _write(self, term: Document, body: Document) -> None:
        for name in CATEGORY_FIELDS:
            if body.get(name) is not None:
                term[name] = body[name]
        if body.get("slug"):
            taken = {other["slug"] for other in self.shop.categories.values() if other is not term}
            term["slug"] = values.make_unique(values.encode_slug(values.make_slug(str(body["slug"]))), taken)

    def _parent(self, parent: int) -> int:
        if parent and parent not in self.shop.categories:
            raise RestError(400, "missing_parent", "Parent term does not exist.")
        return parent

    def _named(self, name: str, parent: int) -> Document | None:
        same = (t for t in self.shop.categories.values() if (t["name"], t["parent"]) == (name, parent))
        return next(same, None)

    def _own(self, document_id: int) -> Document:
        if document_id not in self.shop.categories:
            raise RestError(404, "woocommerce_rest_term_invalid", "Resource does not exist.")
        return self.shop.categories[document_id]

    def _held(self) -> Counter[int]:
        """The number of products of each category."""
        return Counter(term["id"] for product in self.shop.products.values() for term in product["categories"])

    def _shown(self, term: Document, held: Counter[int] | None = None) -> Document:
        """Renders a category with the number of its products."""
        count = (held or self._held())[term["id"]]
        links = self.shop.links(f"{CATEGORIES_PATH}/{term['id']}", CATEGORIES_PATH)
        if term["parent"]:
            links["up"] = self.shop.link(f"{CATEGORIES_PATH}/{term['parent']}")
        return {**term, "count": count, "_links": links}
