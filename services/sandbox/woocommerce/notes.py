"""Notes of one order; they fire no webhook."""

from __future__ import annotations

from services.sandbox.woocommerce import dates
from services.sandbox.woocommerce.errors import RestError, invalid_id, no_route, not_trashable
from services.sandbox.woocommerce.resource import Found, Query, truthy
from services.sandbox.woocommerce.shop import Document, Shop


class Notes:
    """The notes of the order `order_id`; RestError 404 when there is no such order."""

    def __init__(self, shop: Shop, order_id: int) -> None:
        if order_id not in shop.orders:
            raise RestError(404, "woocommerce_rest_order_invalid_id", "Invalid order ID.")
        self.shop = shop
        self.order_id = order_id

    def create(self, body: Document, *, strict: bool) -> Document:
        """Writes a note; one for the customer is mailed as well."""
        note: Document = {"id": self.shop.note_ids(), "order_id": self.order_id, "author": "WooCommerce"}
        dates.stamp(note, "date_created", self.shop.now())
        note |= {"note": str(body.get("note", "")), "customer_note": truthy(body.get("customer_note"))}
        self.shop.notes[note["id"]] = note
        if note["customer_note"]:
            self.shop.mail("customer_note", self.shop.orders[self.order_id], note["note"])
        return self._shown(note)

    def read(self, document_id: int) -> Document:
        """One note."""
        return self._shown(self._own(document_id))

    def update(self, document_id: int, body: Document, *, strict: bool) -> Document:
        """Notes cannot be changed."""
        raise no_route()

    def delete(self, document_id: int, *, force: bool) -> Document:
        """Deletes a note; it has no trash."""
        note = self._own(document_id)
        if not force:
            raise not_trashable()
        return self._shown(self.shop.notes.pop(note["id"]))

    def search(self, query: Query) -> Found:
        """The order's notes, all of them."""
        found = [note for note in self.shop.notes.values() if note["order_id"] == self.order_id]
        return Found(found, self._shown, paged=False)

    def _own(self, document_id: int) -> Document:
        note = self.shop.notes.get(document_id)
        if note is None or note["order_id"] != self.order_id:
            raise invalid_id("woocommerce_rest_invalid_id")
        return note

    def _shown(self, note: Document) -> Document:
        order = f"/orders/{self.order_id}"
        links = self.shop.links(f"{order}/notes/{note['id']}", f"{order}/notes", "GET DELETE")
        kept = {name: value for name, value in note.items() if name != "order_id"}
        return {**kept, "_links": links | {"up": self.shop.link(order)}}
