"""Prices and stock of a product, and how products and variations are rendered."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from services.sandbox.woocommerce import values
from services.sandbox.woocommerce.resources import parse_boolean
from services.sandbox.woocommerce.shop import Document, SandboxShop
from services.sandbox.woocommerce.values import clean_price, format_amount, parse_amount

SALE_DATES = ("date_on_sale_from", "date_on_sale_to")


def blank_prices() -> Document:
    """The prices of a product that has none."""
    edges = {name: None for edge in SALE_DATES for name in (edge, f"{edge}_gmt")}
    return {"price": "", "regular_price": "", "sale_price": "", **edges}


def write_prices(document: Document, body: Document, now: datetime) -> None:
    """Writes the prices of a body into a product, as a save does.

    WooCommerce facts 20 and 21: a sale price at or above the regular one is emptied; `price` changes only when the
    product is saved, although `on_sale` follows the clock.
    """
    for name in ("regular_price", "sale_price"):
        if body.get(name) is not None:
            document[name] = clean_price(body[name])
    for edge in SALE_DATES:
        _write_sale_date(document, body, edge)
    if document["sale_price"] and parse_amount(document["sale_price"]) >= parse_amount(document["regular_price"]):
        document["sale_price"] = ""
    document["price"] = document["sale_price"] if is_on_sale(document, now) else document["regular_price"]


def _write_sale_date(document: Document, body: Document, edge: str) -> None:
    """Writes a local date, then a GMT one; `""` and null clear the date."""
    for name, zone in ((edge, values.STORE_ZONE), (f"{edge}_gmt", UTC)):
        if name in body:
            values.set_date(document, edge, values.parse_sale_date(body[name], zone))


def is_on_sale(document: Document, now: datetime) -> bool:
    """Whether the sale price holds at this moment."""
    if document["sale_price"] == "" or parse_amount(document["regular_price"]) <= parse_amount(document["sale_price"]):
        return False
    opens, closes = (values.get_date(document, edge) for edge in SALE_DATES)
    return not (opens and opens > now) and not (closes and closes < now)


def render_price(document: Document) -> str:
    """The price as a page shows it; empty without one."""
    if document["price"] == "":
        return ""
    symbol = '<span class="woocommerce-Price-currencySymbol">&#x20be;</span>'
    amount = f"<bdi>{format_amount(parse_amount(document['price']))}&nbsp;{symbol}</bdi>"
    return f'<span class="woocommerce-Price-amount amount">{amount}</span>'


LEADING_INTEGER = re.compile(r"\s*-?\d+")


def blank_stock() -> Document:
    """The stock of a product that is not managed."""
    return {
        "manage_stock": False,
        "stock_quantity": None,
        "stock_status": "instock",
        "backorders": "no",
        "low_stock_amount": None,
    }


def write_stock(document: Document, body: Document) -> None:
    """Writes the stock of a body into a product.

    WooCommerce fact 23: an unmanaged product ignores the quantity and keeps a sent status; a managed one ignores the
    status; `inventory_delta` adds to the quantity; fractions are cut off.
    """
    if body.get("manage_stock") is not None:
        document["manage_stock"] = parse_boolean(body["manage_stock"])
    if body.get("backorders") in ("no", "notify", "yes"):
        document["backorders"] = body["backorders"]
    if not document["manage_stock"]:
        document["stock_quantity"] = None
        document["stock_status"] = body.get("stock_status") or document["stock_status"]
        return
    set_quantity(document, _new_quantity(document, body))


def _new_quantity(document: Document, body: Document) -> int:
    held = document["stock_quantity"] or 0
    if body.get("stock_quantity") is not None:
        return to_integer(body["stock_quantity"])
    return held + to_integer(body.get("inventory_delta", 0))


def set_quantity(document: Document, quantity: int) -> None:
    """Sets a managed product's quantity and the status that follows from it."""
    document["stock_quantity"] = quantity
    behind = "onbackorder" if document["backorders"] != "no" else "outofstock"
    document["stock_status"] = "instock" if quantity > 0 else behind


def to_integer(value: Any) -> int:
    """A quantity as PHP casts it: 5.5 is 5, "abc" is 0."""
    if isinstance(value, int | float):
        return int(value)
    read = LEADING_INTEGER.match(str(value))
    return int(read.group()) if read else 0


def render_product(shop: SandboxShop, document: Document, *, edit: bool = False) -> Document:
    """A product as REST shows it; after a write (`edit`) texts are raw and two fields more come back."""
    view = {**document, **current_fields(shop, document), "permalink": permalink(shop, document)}
    if document["type"] == "variable":
        view["variations"] = [v["id"] for v in shop.variations.values() if v["parent_id"] == document["id"]]
    view["has_options"] = document["type"] == "variable"
    path = f"/products/{document['id']}"
    return {**view, **(raw_texts(shop, view) if edit else page_texts(view)), "_links": shop.links(path, "/products")}


def current_fields(shop: SandboxShop, document: Document) -> Document:
    """The fields that are derived from the stored ones at this moment."""
    return {
        "on_sale": is_on_sale(document, shop.now()),
        "purchasable": document["price"] != "",
        "backorders_allowed": document["backorders"] != "no",
        "backordered": document["stock_status"] == "onbackorder",
        "price_html": render_price(document),
    }


def raw_texts(shop: SandboxShop, view: Document) -> Document:
    """The fields of an answer to a write."""
    return {
        "average_rating": "0",
        "permalink_template": shop.url("/product/%pagename%/"),
        "generated_slug": unquote(view["slug"]) or values.make_slug(view["name"]),
    }


def page_texts(view: Document) -> Document:
    """The texts of an answer to a read."""
    return {name: values.to_paragraphs(view[name]) for name in ("description", "short_description")}


def permalink(shop: SandboxShop, document: Document) -> str:
    """The product's page; an unpublished one has only its number."""
    if document["slug"]:
        return shop.url(f"/product/{document['slug']}/")
    return shop.url(f"/?post_type=product&p={document['id']}")


def render_variation(shop: SandboxShop, document: Document) -> Document:
    """A variation as its parent's endpoint shows it."""
    parent = f"/products/{document['parent_id']}"
    collection = f"{parent}/variations"
    links = shop.links(f"{collection}/{document['id']}", collection) | {"up": shop.link(parent)}
    moment = {k: v for k, v in current_fields(shop, document).items() if k != "price_html"}
    return {**document, **moment, "permalink": variation_url(shop, document), "_links": links}


def variation_url(shop: SandboxShop, document: Document) -> str:
    """The URL of the parent's page with this variation selected."""
    chosen = "&".join(f"attribute_{values.encode_slug(a['slug'])}={a['option']}" for a in document["attributes"])
    return f"{permalink(shop, shop.products[document['parent_id']])}?{chosen}"


def render_variation_as_product(shop: SandboxShop, document: Document, blank: Document) -> Document:
    """Renders a variation as `/products` shows it, by `?sku=` or by id (WooCommerce fact 25)."""
    parent = shop.products[document["parent_id"]]
    of_parent = {"name": f"{parent['name']} - {document['name']}", "slug": f"{parent['slug']}-{document['id']}"}
    view = blank | {k: v for k, v in document.items() if k in blank or k.startswith("date_")}
    view |= of_parent | current_fields(shop, document) | {"type": "variation", "attributes": document["attributes"]}
    view |= {"tax_class": parent["tax_class"] if document["tax_class"] == "parent" else document["tax_class"]}
    view |= {"permalink": variation_url(shop, document), "total_sales": "0", "has_options": False}
    links = shop.links(f"/products/{document['id']}", "/products")
    return view | {"reviews_allowed": False, "_links": links | {"up": shop.link(f"/products/{parent['id']}")}}
