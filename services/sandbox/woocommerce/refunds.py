"""Refunds of an order. Every rejection is HTTP 500 (WooCommerce fact 55)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from services.sandbox.woocommerce import order_document, order_lines, resources, values
from services.sandbox.woocommerce.errors import RefundRefused, RestError, invalid_id, no_route, not_trashable
from services.sandbox.woocommerce.order_document import round_figures
from services.sandbox.woocommerce.order_lines import PARTS
from services.sandbox.woocommerce.product_fields import to_integer
from services.sandbox.woocommerce.resources import ListQuery, SearchResult, parse_boolean
from services.sandbox.woocommerce.shop import Document, SandboxShop
from services.sandbox.woocommerce.values import (
    format_amount,
    format_trimmed,
    parse_amount,
    round_amount,
    to_json_number,
)


def make_refund_lines(shop: SandboxShop, order: Document, sent: list[Document]) -> Document:
    """`{"line_items", "shipping_lines", "fee_lines"}` for what was sent; ids that the order lacks are ignored."""
    asked = {entry["id"]: entry for entry in sent if entry.get("id") is not None and not _is_empty_entry(entry)}
    return {
        part: [_make_refund_line(shop, line, asked[line["id"]]) for line in order[part] if line["id"] in asked]
        for part in PARTS
    }


def _is_empty_entry(entry: Document) -> bool:
    return not (
        to_integer(entry.get("quantity") or 0) or parse_amount(entry.get("refund_total")) or _parse_taxes(entry)
    )


def _parse_taxes(entry: Document) -> dict[Any, Decimal]:
    return {tax["id"]: parse_amount(tax.get("refund_total")) for tax in entry.get("refund_tax") or []}


def _make_refund_line(shop: SandboxShop, line: Document, entry: Document) -> Document:
    net, taxes = parse_amount(entry.get("refund_total")), _parse_taxes(entry)
    figures = {"total": format_amount(-net), "total_tax": format_amount(-sum(taxes.values(), Decimal(0)))}
    made = {**line, "id": shop.item_ids(), **figures}
    made["meta_data"] = [values.make_display_meta(shop.meta_ids(), "_refunded_item_id", str(line["id"]))]
    if "quantity" not in line:
        return made | {
            "taxes": [{"id": rate, "total": format_trimmed(-tax), "subtotal": ""} for rate, tax in taxes.items()]
        }
    quantity = to_integer(entry.get("quantity") or 0)
    listed = [
        {"id": rate, "total": format_trimmed(-tax), "subtotal": format_trimmed(-tax)} for rate, tax in taxes.items()
    ]
    same = {"subtotal": figures["total"], "subtotal_tax": figures["total_tax"]}
    return made | same | {"quantity": -quantity, "taxes": listed, "price": _piece_price(net, quantity)}


def _piece_price(net: Decimal, quantity: int) -> int | float:
    return to_json_number(net / quantity) if quantity else 0


NO_GATEWAY_REFUNDS = "The payment gateway for this order does not support automatic refunds."


class OrderRefunds:
    """The refunds of the order `order_id`, shown with `dp` decimals; RestError 404 when there is no such order."""

    def __init__(self, shop: SandboxShop, order_id: int, dp: int | None = None) -> None:
        if order_id not in shop.orders:
            raise RestError(404, "woocommerce_rest_invalid_order_id", "Invalid order ID.")
        self.shop, self.dp = shop, dp
        self.order = shop.orders[order_id]

    def create(self, body: Document, *, strict: bool) -> Document:
        """Creates a refund. Not idempotent; only the amount is checked, against the remainder (WooCommerce fact 55)."""
        refund = blank_refund(self.shop, self.order["id"], str(body.get("reason") or ""))
        refund |= make_refund_lines(self.shop, self.order, body.get("line_items") or [])
        refund["tax_lines"] = order_lines.make_tax_lines(self.shop, refund)
        amount = parse_amount(body["amount"]) if body.get("amount") is not None else -sum_refund_lines(refund)
        if amount < 0:
            raise RefundRefused("Refund amount must be greater than zero.", data=400)
        if round_amount(amount) > refundable_amount(self.shop, self.order):
            raise RefundRefused("Invalid refund amount.")
        if parse_boolean(body.get("api_refund", True)):
            raise RefundRefused(NO_GATEWAY_REFUNDS)
        refund["amount"] = format_amount(amount)
        if parse_boolean(body.get("api_restock", True)):
            restock_refund(self.shop, self.order, refund)
        return self._issued(refund)

    def read(self, document_id: int) -> Document:
        """One refund."""
        return self.show(self._own(document_id))

    def update(self, document_id: int, body: Document, *, strict: bool) -> Document:
        """Refunds cannot be changed."""
        raise no_route()

    def delete(self, document_id: int, *, force: bool) -> Document:
        """Deletes a refund, without a webhook and without touching the order's date_modified (WooCommerce fact 57)."""
        refund = self._own(document_id)
        if not force:
            raise not_trashable()
        del self.shop.refunds[document_id]
        return self.show(refund)

    def search(self, query: ListQuery) -> SearchResult:
        """The order's refunds, newest first."""
        found = resources.filter_by_id(self.shop.refunds_of(self.order["id"]), query)
        return SearchResult(resources.filter_by_date(found, query), self.show)

    def show(self, refund: Document) -> Document:
        """A refund as its order's endpoint shows it."""
        return render_refund(self.shop, refund, with_parent=False, dp=self.dp)

    def _issued(self, refund: Document) -> Document:
        add_refund(self.shop, self.order, refund)
        if refundable_amount(self.shop, self.order) <= 0 and not has_free_goods_left(self.shop, self.order):
            order_document.change_status(self.shop, self.order, "refunded")
        return self.show(refund)

    def _own(self, document_id: int) -> Document:
        refund = self.shop.refunds.get(document_id)
        if refund is None or refund["parent_id"] != self.order["id"]:
            raise invalid_id("woocommerce_rest_shop_order_refund_invalid_id")
        return refund


class AllRefunds:
    """The refunds of all orders; a list to read."""

    def __init__(self, shop: SandboxShop) -> None:
        self.shop = shop

    def search(self, query: ListQuery) -> SearchResult:
        """Every refund, newest first, with its order's id."""
        found = resources.filter_by_date(resources.filter_by_id(self.shop.refunds.values(), query), query)
        newest_first = sorted(found, key=lambda refund: (refund["date_created_gmt"], refund["id"]), reverse=True)
        return SearchResult(newest_first, lambda refund: render_refund(self.shop, refund, with_parent=True))


def blank_refund(shop: SandboxShop, order_id: int, reason: str) -> Document:
    """An empty refund."""
    refund: Document = {"id": shop.post_ids(), "parent_id": order_id, "amount": "0.00", "reason": reason}
    refund |= {"refunded_by": 1, "refunded_payment": False}
    refund |= {part: [] for part in ("meta_data", "line_items", "shipping_lines", "tax_lines", "fee_lines")}
    values.set_date(refund, "date_created", shop.now())
    values.set_date(refund, "date_modified", shop.now())
    return refund


def add_refund(shop: SandboxShop, order: Document, refund: Document) -> None:
    """Stores a refund and sets the modification date of its order."""
    shop.refunds[refund["id"]] = refund
    values.set_date(order, "date_modified", shop.now())
    shop.announce("order.updated", order["id"])


def refund_remainder(shop: SandboxShop, order: Document) -> None:
    """Sets status `refunded`: refunds the remainder without lines and without restocking (WooCommerce fact 58)."""
    rest = refundable_amount(shop, order)
    if rest > 0:
        refund = blank_refund(shop, order["id"], "Order fully refunded.") | {"amount": format_amount(rest)}
        add_refund(shop, order, refund)
    order_document.change_status(shop, order, "refunded")


def refundable_amount(shop: SandboxShop, order: Document) -> Decimal:
    """The part of an order's total that has not been refunded."""
    return parse_amount(order["total"]) - order_lines.sum_field(shop.refunds_of(order["id"]), "amount")


def has_free_goods_left(shop: SandboxShop, order: Document) -> bool:
    """Whether goods sold for 0.00 have not been returned: such an order keeps its status (recorded)."""
    free = any(parse_amount(line["total"]) == 0 for line in order["line_items"])
    back = sum(line["quantity"] for refund in shop.refunds_of(order["id"]) for line in refund["line_items"])
    return free and sum(line["quantity"] for line in order["line_items"]) + back > 0


def sum_refund_lines(refund: Document) -> Decimal:
    """The sum of a refund's own lines with tax, negative."""
    fields = ("total", "total_tax")
    return sum((order_lines.sum_field(refund[part], f) for part in order_lines.PARTS for f in fields), Decimal(0))


def restock_refund(shop: SandboxShop, order: Document, refund: Document) -> None:
    """Returns refunded pieces to stock if their sale had reduced it (WooCommerce fact 59)."""
    taken = {line["id"]: line for line in order["line_items"] if order_document.reduced_stock_row(line)}
    for line, item in order_document.stock_managed_lines(shop, refund):
        sold, pieces = taken.get(refunded_line_id(line)), -line["quantity"]
        if sold is not None and pieces:
            order_document.shift_stock(shop, item, pieces)
            order_document.record_return(shop, sold, pieces)


def refunded_line_id(line: Document) -> int:
    """The id of the order line that a refund line refunds."""
    return next((int(row["value"]) for row in line["meta_data"] if row["key"] == "_refunded_item_id"), 0)


def render_refund(shop: SandboxShop, refund: Document, *, with_parent: bool, dp: int | None = None) -> Document:
    """A refund as REST shows it, its figures with `dp` decimals or as the shop answers by itself."""
    order = f"/orders/{refund['parent_id']}"
    links = shop.links(f"{order}/refunds/{refund['id']}", f"{order}/refunds", "GET DELETE")
    hidden = {"date_modified", "date_modified_gmt"} | (set() if with_parent else {"parent_id"})
    kept = {name: value for name, value in round_figures(shop, refund, dp).items() if name not in hidden}
    return {**kept, "_links": links | {"up": shop.link(order)}}
