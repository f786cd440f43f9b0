"""The orders resource and the notes of an order."""

from __future__ import annotations

from typing import Any

from services.sandbox.woocommerce import errors, order_document, order_lines, refunds, resources, values
from services.sandbox.woocommerce.errors import RestError, invalid_id, no_route, not_trashable
from services.sandbox.woocommerce.products import filter_by_status
from services.sandbox.woocommerce.resources import ListQuery, SearchResult, parse_boolean
from services.sandbox.woocommerce.shop import Document, SandboxShop

ORDER_FIELDS = (
    "currency",
    "customer_id",
    "customer_note",
    "payment_method",
    "payment_method_title",
    "transaction_id",
    "created_via",
)
LINE_MAKERS = {
    "line_items": order_lines.make_product_line,
    "shipping_lines": order_lines.make_shipping_line,
    "fee_lines": order_lines.make_fee_line,
}


class Orders:
    """The shop's orders; figures are shown with `dp` decimals, or as the shop answers by itself."""

    def __init__(self, shop: SandboxShop, dp: int | None = None) -> None:
        self.shop, self.dp = shop, dp

    def create(self, body: Document, *, strict: bool) -> Document:
        """Creates an order without a stock check. An unknown coupon is 400, yet creates it (WooCommerce fact 51)."""
        self._check(body, strict)
        order = order_document.blank_order(self.shop, 0)
        self._write(order, body)
        self._number(order)
        if coupons := body.get("coupon_lines"):
            raise unknown_coupon(coupons[0])
        if parse_boolean(body.get("set_paid")):
            order_document.pay_order(self.shop, order)
        elif body.get("status"):
            order_document.change_status(self.shop, order, body["status"])
        return order_document.render_order(self.shop, order)

    def read(self, document_id: int) -> Document:
        """One order."""
        return order_document.render_order(self.shop, self.own(document_id), self.dp)

    def update(self, document_id: int, body: Document, *, strict: bool) -> Document:
        """Changes an order. Restoring it from the trash fires no webhook (WooCommerce fact 65)."""
        self._check(body, strict)
        order = self.own(document_id)
        was = order["status"]
        self._write(order, body)
        self._move(order, body, was)
        values.set_date(order, "date_modified", self.shop.now())
        if was != "trash":
            self.shop.announce("order.updated", document_id)
        return order_document.render_order(self.shop, order)

    def delete(self, document_id: int, *, force: bool) -> Document:
        """Trashes an order, or deletes it without a webhook; neither restores stock (WooCommerce facts 43 and 65)."""
        order = self.own(document_id)
        before = order_document.render_order(self.shop, order)
        if force:
            self._remove(document_id)
        elif order["status"] == "trash":
            raise RestError(410, "woocommerce_rest_already_trashed", "The order has already been deleted.")
        else:
            order["status"] = "trash"
            self.shop.announce("order.deleted", document_id)
        return before

    def search(self, query: ListQuery) -> SearchResult:
        """Searches orders, drafts included (WooCommerce fact 32); `number=` is ignored."""
        found = resources.filter_by_date(
            resources.filter_by_id(filter_by_status(self.shop.orders.values(), query), query), query
        )
        if query.get("customer"):
            found = [order for order in found if str(order["customer_id"]) == query["customer"]]
        if product := query.get("product"):
            found = [order for order in found if product in {str(line["product_id"]) for line in order["line_items"]}]
        if part := query.get("search", "").casefold():
            found = [order for order in found if part in searchable_text(order)]
        return SearchResult(
            resources.sort_documents(found, query), lambda order: order_document.render_order(self.shop, order, self.dp)
        )

    def own(self, document_id: int) -> Document:
        """The stored order; RestError 404 if there is none."""
        if document_id not in self.shop.orders:
            raise invalid_id("woocommerce_rest_shop_order_invalid_id")
        return self.shop.orders[document_id]

    def _check(self, body: Document, strict: bool) -> None:
        if strict:
            errors.check_parameters(body, errors.ORDER)
        new = [entry for entry in body.get("line_items") or [] if not entry.get("id")]
        order_lines.check_quantities(new)

    def _number(self, order: Document) -> None:
        """Assigns an id to an order with valid lines, and announces it."""
        order_id = self.shop.post_ids()
        order |= {
            "id": order_id,
            "number": str(order_id),
            "order_key": order_document.make_order_key(self.shop, order_id),
        }
        self.shop.orders[order_id] = order
        self.shop.announce("order.created", order_id)
        self.shop.announce("order.updated", order_id)

    def _write(self, order: Document, body: Document) -> None:
        for name in ORDER_FIELDS:
            if body.get(name) is not None:
                order[name] = body[name]
        for name in ("billing", "shipping"):
            order[name] |= {k: v for k, v in (body.get(name) or {}).items() if k in order[name]}
        order["meta_data"] = values.merge_meta(order["meta_data"], body.get("meta_data") or [], self.shop.meta_ids)
        if any(part in body for part in LINE_MAKERS) or not order["id"]:
            for part in LINE_MAKERS:
                self._write_lines(order, part, body.get(part) or [])
            order_lines.update_totals(self.shop, order)

    def _write_lines(self, order: Document, part: str, sent: list[Document]) -> None:
        """Changes lines that have an id, removes those with a null product, adds the others (recorded)."""
        held = {line["id"]: line for line in order[part]}
        for entry in sent:
            line = held.get(entry.get("id", 0))
            if line is None:
                order[part].append(LINE_MAKERS[part](self.shop, entry))
            elif any(name in entry and entry[name] is None for name in ("product_id", "method_id", "name")):
                order[part].remove(line)
            else:
                order_lines.edit_line(self.shop, line, entry)

    def _move(self, order: Document, body: Document, was: str) -> None:
        status = body.get("status") or was
        if parse_boolean(body.get("set_paid")) and order["date_paid"] is None:
            order_document.pay_order(self.shop, order)
        elif status == "refunded" != was:
            refunds.refund_remainder(self.shop, order)
        elif status != was:
            order_document.change_status(self.shop, order, status)

    def _remove(self, document_id: int) -> None:
        for refund in self.shop.refunds_of(document_id):
            del self.shop.refunds[refund["id"]]
        del self.shop.orders[document_id]


def unknown_coupon(sent: Any) -> RestError:
    """The error for a coupon; the sandbox has none."""
    code = sent.get("code", "") if isinstance(sent, dict) else ""
    return RestError(400, "woocommerce_rest_invalid_coupon", f"Coupon &quot;{code}&quot; does not exist!")


def searchable_text(order: Document) -> str:
    """The text of an order that a search matches."""
    names = [line["name"] for line in order["line_items"]]
    return " ".join([str(order["id"]), *map(str, order["billing"].values()), *names]).casefold()


class OrderNotes:
    """The notes of the order `order_id`; RestError 404 when there is no such order."""

    def __init__(self, shop: SandboxShop, order_id: int) -> None:
        if order_id not in shop.orders:
            raise RestError(404, "woocommerce_rest_order_invalid_id", "Invalid order ID.")
        self.shop = shop
        self.order_id = order_id

    def create(self, body: Document, *, strict: bool) -> Document:
        """Writes a note; one for the customer is mailed as well."""
        note: Document = {"id": self.shop.note_ids(), "order_id": self.order_id, "author": "WooCommerce"}
        values.set_date(note, "date_created", self.shop.now())
        note |= {"note": str(body.get("note", "")), "customer_note": parse_boolean(body.get("customer_note"))}
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

    def search(self, query: ListQuery) -> SearchResult:
        """The order's notes, all of them."""
        found = [note for note in self.shop.notes.values() if note["order_id"] == self.order_id]
        return SearchResult(found, self._shown, paged=False)

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
