"""Refunds of one order. Every refusal is HTTP 500 (API fact: reference section 7)."""

from __future__ import annotations

from decimal import Decimal

from services.sandbox.woocommerce import dates, listing, order_status, order_totals
from services.sandbox.woocommerce.decimals import answered
from services.sandbox.woocommerce.errors import RefundRefused, RestError, invalid_id, no_route, not_trashable
from services.sandbox.woocommerce.money import decimal, rounded, two
from services.sandbox.woocommerce.refund_lines import refund_lines
from services.sandbox.woocommerce.resource import Found, Query, truthy
from services.sandbox.woocommerce.shop import Document, Shop

WITHOUT_REFUNDS = "The payment gateway for this order does not support automatic refunds."


class Refunds:
    """The refunds of the order `order_id`, shown with `dp` decimals; RestError 404 when there is no such order."""

    def __init__(self, shop: Shop, order_id: int, dp: int | None = None) -> None:
        if order_id not in shop.orders:
            raise RestError(404, "woocommerce_rest_invalid_order_id", "Invalid order ID.")
        self.shop, self.dp = shop, dp
        self.order = shop.orders[order_id]

    def create(self, body: Document, *, strict: bool) -> Document:
        """Makes a refund; not idempotent, quantities are not checked, the amount only against what is left."""
        refund = blank(self.shop, self.order["id"], str(body.get("reason") or ""))
        refund |= refund_lines(self.shop, self.order, body.get("line_items") or [])
        refund["tax_lines"] = order_totals.tax_lines(self.shop, refund)
        amount = decimal(body["amount"]) if body.get("amount") is not None else -parts_of(refund)
        if amount < 0:
            raise RefundRefused("Refund amount must be greater than zero.", data=400)
        if rounded(amount) > left_of(self.shop, self.order):
            raise RefundRefused("Invalid refund amount.")
        if truthy(body.get("api_refund", True)):
            raise RefundRefused(WITHOUT_REFUNDS)
        refund["amount"] = two(amount)
        if truthy(body.get("api_restock", True)):
            restock(self.shop, self.order, refund)
        return self._issued(refund)

    def read(self, document_id: int) -> Document:
        """One refund."""
        return self.show(self._own(document_id))

    def update(self, document_id: int, body: Document, *, strict: bool) -> Document:
        """Refunds cannot be changed."""
        raise no_route()

    def delete(self, document_id: int, *, force: bool) -> Document:
        """Deletes a refund: no webhook, the order's date_modified stays (API fact: reference section 7)."""
        refund = self._own(document_id)
        if not force:
            raise not_trashable()
        del self.shop.refunds[document_id]
        return self.show(refund)

    def search(self, query: Query) -> Found:
        """The order's refunds, newest first."""
        found = listing.chosen(self.shop.refunds_of(self.order["id"]), query)
        return Found(listing.dated(found, query), self.show)

    def show(self, refund: Document) -> Document:
        """A refund as its order's endpoint shows it."""
        return shown(self.shop, refund, with_parent=False, dp=self.dp)

    def _issued(self, refund: Document) -> Document:
        issue(self.shop, self.order, refund)
        if left_of(self.shop, self.order) <= 0 and not free_goods_left(self.shop, self.order):
            order_status.move(self.shop, self.order, "refunded")
        return self.show(refund)

    def _own(self, document_id: int) -> Document:
        refund = self.shop.refunds.get(document_id)
        if refund is None or refund["parent_id"] != self.order["id"]:
            raise invalid_id("woocommerce_rest_shop_order_refund_invalid_id")
        return refund


class AllRefunds:
    """The refunds of all orders; a list to read."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop

    def search(self, query: Query) -> Found:
        """Every refund, newest first, with its order's id."""
        found = listing.dated(listing.chosen(self.shop.refunds.values(), query), query)
        newest_first = sorted(found, key=lambda refund: (refund["date_created_gmt"], refund["id"]), reverse=True)
        return Found(newest_first, lambda refund: shown(self.shop, refund, with_parent=True))


def blank(shop: Shop, order_id: int, reason: str) -> Document:
    """A refund of nothing."""
    refund: Document = {"id": shop.post_ids(), "parent_id": order_id, "amount": "0.00", "reason": reason}
    refund |= {"refunded_by": 1, "refunded_payment": False}
    refund |= {part: [] for part in ("meta_data", "line_items", "shipping_lines", "tax_lines", "fee_lines")}
    dates.stamp(refund, "date_created", shop.now())
    dates.stamp(refund, "date_modified", shop.now())
    return refund


def issue(shop: Shop, order: Document, refund: Document) -> None:
    """Keeps a refund; its order counts as modified."""
    shop.refunds[refund["id"]] = refund
    dates.stamp(order, "date_modified", shop.now())
    shop.announce("order.updated", order["id"])


def refund_the_rest(shop: Shop, order: Document) -> None:
    """Status `refunded` by hand: a refund of what is left, without lines and without restock (API fact: section 7)."""
    rest = left_of(shop, order)
    if rest > 0:
        refund = blank(shop, order["id"], "Order fully refunded.") | {"amount": two(rest)}
        issue(shop, order, refund)
    order_status.move(shop, order, "refunded")


def left_of(shop: Shop, order: Document) -> Decimal:
    """What of an order's total has not been refunded yet."""
    return decimal(order["total"]) - order_totals.added(shop.refunds_of(order["id"]), "amount")


def free_goods_left(shop: Shop, order: Document) -> bool:
    """Whether free goods remain: such an order stays as it is though all its money is back (order-money 15)."""
    free = any(decimal(line["total"]) == 0 for line in order["line_items"])
    back = sum(line["quantity"] for refund in shop.refunds_of(order["id"]) for line in refund["line_items"])
    return free and sum(line["quantity"] for line in order["line_items"]) + back > 0


def parts_of(refund: Document) -> Decimal:
    """The sum of a refund's own lines with tax, negative."""
    fields = ("total", "total_tax")
    return sum((order_totals.added(refund[part], f) for part in order_totals.PARTS for f in fields), Decimal(0))


def restock(shop: Shop, order: Document, refund: Document) -> None:
    """Puts the refunded pieces back whose sale had been taken from stock."""
    taken = {line["id"]: line for line in order["line_items"] if order_status.reduced(line)}
    for line, item in order_status.managed(shop, refund):
        sold, pieces = taken.get(refunded_item(line)), -line["quantity"]
        if sold is not None and pieces:
            order_status.shift(shop, item, pieces)
            order_status.note_return(shop, sold, pieces)


def refunded_item(line: Document) -> int:
    """The id of the order line that a refund line gives back."""
    return next((int(row["value"]) for row in line["meta_data"] if row["key"] == "_refunded_item_id"), 0)


def shown(shop: Shop, refund: Document, *, with_parent: bool, dp: int | None = None) -> Document:
    """A refund as REST shows it, its figures with `dp` decimals or as the shop answers by itself."""
    order = f"/orders/{refund['parent_id']}"
    links = shop.links(f"{order}/refunds/{refund['id']}", f"{order}/refunds", "GET DELETE")
    hidden = {"date_modified", "date_modified_gmt"} | (set() if with_parent else {"parent_id"})
    kept = {name: value for name, value in answered(shop, refund, dp).items() if name not in hidden}
    return {**kept, "_links": links | {"up": shop.link(order)}}
