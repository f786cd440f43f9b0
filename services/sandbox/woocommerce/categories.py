"""Product categories: one name per parent."""

from __future__ import annotations

from collections import Counter

from services.sandbox.woocommerce import listing, slugs
from services.sandbox.woocommerce.errors import RestError, not_trashable
from services.sandbox.woocommerce.resource import Found, Query
from services.sandbox.woocommerce.shop import Document, Shop, uncategorized

PATH = "/products/categories"
PLAIN = ("description", "display", "image", "menu_order")


class Categories:
    """The shop's product categories."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop

    def create(self, body: Document, *, strict: bool) -> Document:
        """Makes a category; RestError 400 `term_exists` with the id of the one that has the name already."""
        name = slugs.name_text(str(body.get("name", "")))
        parent = self._parent(body.get("parent") or 0)
        if (twin := self._named(name, parent)) is not None:
            message = "A term with the name provided already exists with this parent."
            raise RestError(400, "term_exists", message, resource_id=twin["id"])
        term = uncategorized() | {"id": self.shop.term_ids(), "name": name, "parent": parent}
        self._write(term, {**body, "slug": body.get("slug") or slugs.slug_text(name)})
        self.shop.categories[term["id"]] = term
        return self._shown(term)

    def read(self, document_id: int) -> Document:
        """One category."""
        return self._shown(self._own(document_id))

    def update(self, document_id: int, body: Document, *, strict: bool) -> Document:
        """Changes a category."""
        term = self._own(document_id)
        if body.get("name") is not None:
            term["name"] = slugs.name_text(str(body["name"]))
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

    def search(self, query: Query) -> Found:
        """Categories by name."""
        found = listing.chosen(self.shop.categories.values(), query)
        for field in ("slug", "parent"):
            if query.get(field):
                found = [term for term in found if str(term[field]) == query[field]]
        if part := query.get("search", "").casefold():
            found = [term for term in found if part in term["name"].casefold()]
        ascending = query.get("order", "asc") != "desc"
        key = "id" if query.get("orderby") == "id" else "name"
        found = sorted(found, key=lambda term: term[key], reverse=not ascending)
        held = self._held()
        return Found(found, lambda term: self._shown(term, held))

    def _write(self, term: Document, body: Document) -> None:
        for name in PLAIN:
            if body.get(name) is not None:
                term[name] = body[name]
        if body.get("slug"):
            taken = {other["slug"] for other in self.shop.categories.values() if other is not term}
            term["slug"] = slugs.unique(slugs.encoded(slugs.slug_text(str(body["slug"]))), taken)

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
        """How many products each category has."""
        return Counter(term["id"] for product in self.shop.products.values() for term in product["categories"])

    def _shown(self, term: Document, held: Counter[int] | None = None) -> Document:
        """A category with the number of its products."""
        count = (held or self._held())[term["id"]]
        links = self.shop.links(f"{PATH}/{term['id']}", PATH)
        if term["parent"]:
            links["up"] = self.shop.link(f"{PATH}/{term['parent']}")
        return {**term, "count": count, "_links": links}
