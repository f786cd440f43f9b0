"""What a change of an order's status does: stock, dates, a refund of the rest."""

from __future__ import annotations

from collections.abc import Iterator

from services.sandbox.woocommerce import dates, meta, stock
from services.sandbox.woocommerce.products import saved
from services.sandbox.woocommerce.shop import Document, Shop

TAKES_STOCK = ("processing", "on-hold", "completed")
GIVES_BACK = ("cancelled", "pending")
EDITABLE = ("pending", "on-hold", "auto-draft")
UNPAID = ("pending", "failed")
MAILED = {"processing": "processing_order", "completed": "completed_order", "on-hold": "on_hold_order"}
"""The customer's mail at a change of status, by the new one."""
REDUCED = "_reduced_stock"
RETURNED = "_restock_refunded_items"


def move(shop: Shop, order: Document, status: str) -> None:
    """Gives an order a status, with what follows from it.

    API facts (reference section 6): stock goes at processing, on-hold and completed and comes back at cancelled; cash
    on delivery counts as paid only when completed.
    """
    if status in MAILED and status != order["status"]:
        shop.mail(MAILED[status], order)
    order["status"] = status
    if status in TAKES_STOCK:
        reduce_stock(shop, order)
    if status in GIVES_BACK:
        give_back(shop, order)
    paid_now = status == "completed" or (status == "processing" and order["payment_method"] != "cod")
    if paid_now and order["date_paid"] is None:
        dates.stamp(order, "date_paid", shop.now())
    if status == "completed" and order["date_completed"] is None:
        dates.stamp(order, "date_completed", shop.now())


def pay(shop: Shop, order: Document) -> None:
    """Marks an order as paid, as `set_paid` does."""
    dates.stamp(order, "date_paid", shop.now())
    move(shop, order, "processing")


def reduce_stock(shop: Shop, order: Document) -> None:
    """Takes the goods of lines that were not taken yet from managed stock."""
    for line, item in managed(shop, order):
        if reduced(line) is None:
            line["meta_data"].append(meta.displayed(shop.meta_ids(), REDUCED, str(line["quantity"])))
            shift(shop, item, -line["quantity"])


def give_back(shop: Shop, order: Document) -> None:
    """Puts back what was taken."""
    for line, item in managed(shop, order):
        if (taken := reduced(line)) is not None:
            line["meta_data"].remove(taken)
            shift(shop, item, int(taken["value"]))


def note_return(shop: Shop, line: Document, pieces: int) -> None:
    """Writes on a sold line how many pieces of it came back, and how many are still out (API fact: recorded)."""
    back = sum(int(row["value"]) for row in line["meta_data"] if row["key"] == RETURNED)
    out = sum(int(row["value"]) for row in line["meta_data"] if row["key"] == REDUCED) - pieces
    others = [row for row in line["meta_data"] if row["key"] not in (REDUCED, RETURNED)]
    told = {REDUCED: max(out, 0), RETURNED: back + pieces}
    line["meta_data"] = others + [meta.displayed(shop.meta_ids(), key, str(n)) for key, n in told.items() if n]


def shift(shop: Shop, item: Document, pieces: int) -> None:
    """Adds pieces to a managed product's stock; a sale is a save of the product."""
    stock.set_quantity(item, (item["stock_quantity"] or 0) + pieces)
    saved(shop, item)


def managed(shop: Shop, order: Document) -> Iterator[tuple[Document, Document]]:
    """The lines whose product manages stock, with that product."""
    for line in order["line_items"]:
        item = shop.sellable(line["variation_id"] or line["product_id"])
        if item is not None and item["manage_stock"]:
            yield line, item


def reduced(line: Document) -> Document | None:
    """The note on a line that its goods were taken from stock."""
    return next((row for row in line["meta_data"] if row["key"] == REDUCED), None)
