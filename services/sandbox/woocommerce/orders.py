"""The orders resource."""

from __future__ import annotations

from typing import Any

from services.sandbox.woocommerce import (
    dates,
    listing,
    meta,
    order_lines,
    order_status,
    order_totals,
    order_view,
    refunds,
    schema,
)
from services.sandbox.woocommerce.errors import RestError, invalid_id
from services.sandbox.woocommerce.products import with_status
from services.sandbox.woocommerce.resource import Found, Query, truthy
from services.sandbox.woocommerce.shop import Document, Shop

PLAIN = (
    "currency",
    "customer_id",
    "customer_note",
    "payment_method",
    "payment_method_title",
    "transaction_id",
    "created_via",
)
MAKERS = {
    "line_items": order_lines.product_line,
    "shipping_lines": order_lines.shipping_line,
    "fee_lines": order_lines.fee_line,
}


class Orders:
    """The shop's orders; figures are shown with `dp` decimals, or as the shop answers by itself."""

    def __init__(self, shop: Shop, dp: int | None = None) -> None:
        self.shop, self.dp = shop, dp

    def create(self, body: Document, *, strict: bool) -> Document:
        """Makes an order; there is no stock check. A coupon that does not exist leaves the order behind a 400."""
        self._check(body, strict)
        order = order_view.blank(self.shop, 0)
        self._write(order, body)
        self._number(order)
        if coupons := body.get("coupon_lines"):
            raise unknown_coupon(coupons[0])
        if truthy(body.get("set_paid")):
            order_status.pay(self.shop, order)
        elif body.get("status"):
            order_status.move(self.shop, order, body["status"])
        return order_view.shown(self.shop, order)

    def read(self, document_id: int) -> Document:
        """One order."""
        return order_view.shown(self.shop, self.own(document_id), self.dp)

    def update(self, document_id: int, body: Document, *, strict: bool) -> Document:
        """Changes an order. Coming back from the trash is told to nobody (API fact: reference section 8)."""
        self._check(body, strict)
        order = self.own(document_id)
        was = order["status"]
        self._write(order, body)
        self._move(order, body, was)
        dates.stamp(order, "date_modified", self.shop.now())
        if was != "trash":
            self.shop.announce("order.updated", document_id)
        return order_view.shown(self.shop, order)

    def delete(self, document_id: int, *, force: bool) -> Document:
        """Trashes an order, or deletes it without a word; neither gives stock back (API fact: sections 6, 8)."""
        order = self.own(document_id)
        before = order_view.shown(self.shop, order)
        if force:
            self._remove(document_id)
        elif order["status"] == "trash":
            raise RestError(410, "woocommerce_rest_already_trashed", "The order has already been deleted.")
        else:
            order["status"] = "trash"
            self.shop.announce("order.deleted", document_id)
        return before

    def search(self, query: Query) -> Found:
        """Orders of a list; drafts are in it, the trash only when asked for; `number=` is ignored."""
        found = listing.dated(listing.chosen(with_status(self.shop.orders.values(), query), query), query)
        if query.get("customer"):
            found = [order for order in found if str(order["customer_id"]) == query["customer"]]
        if product := query.get("product"):
            found = [order for order in found if product in {str(line["product_id"]) for line in order["line_items"]}]
        if part := query.get("search", "").casefold():
            found = [order for order in found if part in searched(order)]
        return Found(listing.ordered(found, query), lambda order: order_view.shown(self.shop, order, self.dp))

    def own(self, document_id: int) -> Document:
        """The stored order; RestError 404 if there is none."""
        if document_id not in self.shop.orders:
            raise invalid_id("woocommerce_rest_shop_order_invalid_id")
        return self.shop.orders[document_id]

    def _check(self, body: Document, strict: bool) -> None:
        if strict:
            schema.check(body, schema.ORDER)
        new = [entry for entry in body.get("line_items") or [] if not entry.get("id")]
        order_lines.check(new)

    def _number(self, order: Document) -> None:
        """An order gets its id once its lines are known to be good, and is told of."""
        order_id = self.shop.post_ids()
        order |= {"id": order_id, "number": str(order_id), "order_key": order_view.new_key(self.shop, order_id)}
        self.shop.orders[order_id] = order
        self.shop.announce("order.created", order_id)
        self.shop.announce("order.updated", order_id)

    def _write(self, order: Document, body: Document) -> None:
        for name in PLAIN:
            if body.get(name) is not None:
                order[name] = body[name]
        for name in ("billing", "shipping"):
            order[name] |= {k: v for k, v in (body.get(name) or {}).items() if k in order[name]}
        order["meta_data"] = meta.merged(order["meta_data"], body.get("meta_data") or [], self.shop.meta_ids)
        if any(part in body for part in MAKERS) or not order["id"]:
            for part in MAKERS:
                self._write_lines(order, part, body.get(part) or [])
            order_totals.total_up(self.shop, order)

    def _write_lines(self, order: Document, part: str, sent: list[Document]) -> None:
        """Lines with an id are changed, or removed by a null product; others are added (API fact: section 6)."""
        held = {line["id"]: line for line in order[part]}
        for entry in sent:
            line = held.get(entry.get("id", 0))
            if line is None:
                order[part].append(MAKERS[part](self.shop, entry))
            elif any(name in entry and entry[name] is None for name in ("product_id", "method_id", "name")):
                order[part].remove(line)
            else:
                order_lines.edit(self.shop, line, entry)

    def _move(self, order: Document, body: Document, was: str) -> None:
        status = body.get("status") or was
        if truthy(body.get("set_paid")) and order["date_paid"] is None:
            order_status.pay(self.shop, order)
        elif status == "refunded" != was:
            refunds.refund_the_rest(self.shop, order)
        elif status != was:
            order_status.move(self.shop, order, status)

    def _remove(self, document_id: int) -> None:
        for refund in self.shop.refunds_of(document_id):
            del self.shop.refunds[refund["id"]]
        del self.shop.orders[document_id]


def unknown_coupon(sent: Any) -> RestError:
    """Coupons are not kept here, so none exists."""
    code = sent.get("code", "") if isinstance(sent, dict) else ""
    return RestError(400, "woocommerce_rest_invalid_coupon", f"Coupon &quot;{code}&quot; does not exist!")


def searched(order: Document) -> str:
    """The words of an order that a search looks at."""
    names = [line["name"] for line in order["line_items"]]
    return " ".join([str(order["id"]), *map(str, order["billing"].values()), *names]).casefold()
