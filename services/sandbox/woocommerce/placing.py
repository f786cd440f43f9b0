"""Loads the recorded catalogue, and places recorded orders and refunds with their recorded figures."""

from __future__ import annotations

from services.sandbox import recorded
from services.sandbox.woocommerce import order_document, refunds, values
from services.sandbox.woocommerce import product_fields as stocks
from services.sandbox.woocommerce.shop import Document, SandboxShop


def load_catalogue(shop: SandboxShop, *, skus: set[str] | None = None, stock: int | None = None) -> int:
    """Loads the recorded products and variations under their ids; returns how many.

    `skus` picks some (a variation brings its parent along); `stock` makes them manage their stock, with so many pieces.
    """
    catalogue = recorded.get_catalogue()
    variations = [v for family in catalogue["variations"].values() for v in family]
    wanted = [v for v in variations if skus is None or v["sku"] in skus]
    parents = {v["parent_id"] for v in wanted}
    products = [p for p in catalogue["products"] if skus is None or p["sku"] in skus or p["id"] in parents]
    for document in [*products, *wanted]:
        _load_document(shop, document, stock)
    return len(products) + len(wanted)


def _load_document(shop: SandboxShop, document: Document, stock: int | None) -> None:
    shop.post_ids.reserve(document["id"])
    own_stock = document["type"] != "variable"
    if stock is not None and own_stock:
        document["manage_stock"] = True
        stocks.set_quantity(document, stock)
    collection = shop.variations if document["type"] == "variation" else shop.products
    collection[document["id"]] = document
    for holders in (shop.skus, shop.gtins, shop.slugs):
        holders.take(document, document.get(holders.field, ""))
    for row in document["meta_data"]:
        shop.meta_ids.reserve(row["id"])


STOCK_NOTES = (order_document.REDUCED, order_document.RETURNED)
DRAFT = "checkout-draft"
DERIVED = ("refunds", "payment_url", "is_editable", "needs_payment", "currency_symbol", "_links")
RECORDED_PARTS = ("line_items", "tax_lines", "shipping_lines", "fee_lines", "coupon_lines")


class CannotPlace(Exception):
    """The recording does not exist, or is in the shop already."""


def place_order(shop: SandboxShop, order_id: int, *, status: str | None = None, keep_dates: bool = False) -> Document:
    """Puts a recorded order into the shop under its recorded id; returns the stored order.

    Its status is the one it had when placed or paid, `status` another one, "recorded" the recorded one. Its
    dates are now, or as recorded with `keep_dates`; `date_modified` is always now. An order with status
    `checkout-draft` is finished by being placed again. Raises CannotPlace.
    """
    record = find_recording(order_id)
    if order_id in shop.orders and shop.orders[order_id]["status"] != DRAFT:
        raise CannotPlace(f"Order {order_id} is in the shop already; delete it there before it is placed again.")
    order = {name: value for name, value in record.order.items() if name not in DERIVED}
    order["status"] = record.order["status"] if status == "recorded" else status or placed_status(record.order)
    _set_dates(shop, order, keep_dates)
    _reserve_ids(shop, order)
    for line in order["line_items"]:
        line["meta_data"] = [row for row in line["meta_data"] if row["key"] not in STOCK_NOTES]
        _link_to_product(shop, line)
    shop.orders[order_id] = order
    if order["status"] in order_document.REDUCES_STOCK:
        order_document.reduce_stock(shop, order)
    _announce(shop, order)
    return order


def placed_status(order: Document) -> str:
    """The status that a recorded order had once it was placed or paid."""
    if order["date_paid"] or order["payment_method"] == "cod":
        return "pending" if order["status"] == "pending" else "processing"
    return "on-hold" if order["status"] in ("on-hold", "completed", "processing", "refunded") else "pending"


def issue_refund(shop: SandboxShop, order_id: int, refund_id: int, *, restock: bool = True) -> Document:
    """Gives a placed order one of its recorded refunds; returns the stored refund.

    The order becomes `refunded` if it did in the recording with the same refunds. Raises
    CannotPlace.
    """
    record, order = find_recording(order_id), find_placed_order(shop, order_id)
    refund = record.all_refunds().get(refund_id)
    if refund is None or refund_id in shop.refunds:
        raise CannotPlace(f"Refund {refund_id} was not recorded for order {order_id}, or is in the shop already.")
    del refund["_links"]
    refund["parent_id"] = order_id
    for field in ("date_created", "date_modified"):
        values.set_date(refund, field, shop.now())
    _reserve_ids(shop, refund)
    for line in refund["line_items"]:
        _link_to_product(shop, line)
    if restock:
        refunds.restock_refund(shop, order, refund)
    refunds.add_refund(shop, order, refund)
    if record.status_with({held["id"] for held in shop.refunds_of(order_id)}) == "refunded":
        order_document.change_status(shop, order, "refunded")
    return refund


def remove_refund(shop: SandboxShop, order_id: int, refund_id: int) -> None:
    """Deletes a refund as the shop does: silently. Raises CannotPlace when it is not there."""
    held = {refund["id"] for refund in shop.refunds_of(order_id)}
    if refund_id not in held:
        raise CannotPlace(f"Order {order_id} has no refund {refund_id}.")
    del shop.refunds[refund_id]


def find_recording(order_id: int) -> recorded.Recording:
    """The recording of an order; CannotPlace if there is none."""
    try:
        return recorded.get_recording(order_id)
    except KeyError:
        raise CannotPlace(f"No order {order_id} was recorded; GET /_sandbox/recorded lists those that were.") from None


def find_placed_order(shop: SandboxShop, order_id: int) -> Document:
    """An order that is in the shop; CannotPlace if it is not."""
    if order_id not in shop.orders:
        raise CannotPlace(f"Order {order_id} is not in the shop; POST /_sandbox/orders places it.")
    return shop.orders[order_id]


def _set_dates(shop: SandboxShop, order: Document, keep: bool) -> None:
    paid, completed = order["date_paid"], order["status"] == "completed" and order["date_completed"]
    if not keep:
        for field, there in zip(order_document.ORDER_DATES, (True, True, completed, paid), strict=True):
            values.set_date(order, field, shop.now() if there else None)
    if not completed:
        values.set_date(order, "date_completed", None)
    values.set_date(order, "date_modified", shop.now())


def _reserve_ids(shop: SandboxShop, document: Document) -> None:
    """Reserves the recorded ids, so that new ids are larger."""
    shop.post_ids.reserve(document["id"])
    for part in RECORDED_PARTS:
        for line in document.get(part, []):
            shop.item_ids.reserve(line["id"])
            for row in line["meta_data"]:
                shop.meta_ids.reserve(row["id"])


def _link_to_product(shop: SandboxShop, line: Document) -> None:
    """Where the shop has the line's SKU under another id than the recording, the line names that product."""
    holder = shop.skus.holder(line["sku"] or "")
    if holder is None or holder["id"] == (line["variation_id"] or line["product_id"]):
        return
    parent = holder.get("parent_id", 0)
    line["product_id"], line["variation_id"] = (parent, holder["id"]) if parent else (holder["id"], 0)


def _announce(shop: SandboxShop, order: Document) -> None:
    """Announces an order. The block checkout sends the update before the creation; others send it after.

    A draft of a checkout is announced as an update.
    """
    topics = ["order.created", "order.updated"] if order["status"] != DRAFT else ["order.updated"]
    for topic in reversed(topics) if order["created_via"] == "store-api" else topics:
        shop.announce(topic, order["id"])


def describe_recording(order_id: int) -> Document:
    """What a recording is about, for choosing one."""
    record = recorded.get_recording(order_id)
    order = record.order
    return {
        "id": order_id,
        "config": record.config["name"],
        "currency": order["currency"],
        "status": order["status"],
        "paid": order["date_paid"] is not None,
        "payment_method": order["payment_method"],
        "created_via": order["created_via"],
        "total": order["total"],
        "skus": [line["sku"] for line in order["line_items"]],
        "refunds": list(record.all_refunds()),
        "notes": record.notes,
    }
