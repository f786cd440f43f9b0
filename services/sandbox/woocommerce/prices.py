"""Regular price, sale price and its window, and the price that the shop charges."""

from __future__ import annotations

from datetime import UTC, datetime

from services.sandbox.woocommerce import dates
from services.sandbox.woocommerce.money import decimal, price_text, two
from services.sandbox.woocommerce.shop import Document

EDGES = ("date_on_sale_from", "date_on_sale_to")


def blank() -> Document:
    """The prices of a product that has none."""
    edges = {name: None for edge in EDGES for name in (edge, f"{edge}_gmt")}
    return {"price": "", "regular_price": "", "sale_price": "", **edges}


def reprice(document: Document, body: Document, now: datetime) -> None:
    """Writes the prices of a body into a product, as a save does.

    API facts (recorded): a sale price at or above the regular one is silently emptied; the charged `price` moves only
    here, at a save, although `on_sale` follows the clock by itself.
    """
    for name in ("regular_price", "sale_price"):
        if body.get(name) is not None:
            document[name] = price_text(body[name])
    for edge in EDGES:
        _move_edge(document, body, edge)
    if document["sale_price"] and decimal(document["sale_price"]) >= decimal(document["regular_price"]):
        document["sale_price"] = ""
    document["price"] = document["sale_price"] if on_sale(document, now) else document["regular_price"]


def _move_edge(document: Document, body: Document, edge: str) -> None:
    """A local date is written before a GMT one; both `""` and null clear."""
    for name, zone in ((edge, dates.ZONE), (f"{edge}_gmt", UTC)):
        if name in body:
            dates.stamp(document, edge, dates.sale_edge(body[name], zone))


def on_sale(document: Document, now: datetime) -> bool:
    """Whether the sale price holds at this moment."""
    if document["sale_price"] == "" or decimal(document["regular_price"]) <= decimal(document["sale_price"]):
        return False
    opens, closes = (dates.moment(document, edge) for edge in EDGES)
    return not (opens and opens > now) and not (closes and closes < now)


def price_html(document: Document) -> str:
    """The price as a page shows it; empty without one."""
    if document["price"] == "":
        return ""
    symbol = '<span class="woocommerce-Price-currencySymbol">&#x20be;</span>'
    amount = f"<bdi>{two(decimal(document['price']))}&nbsp;{symbol}</bdi>"
    return f'<span class="woocommerce-Price-amount amount">{amount}</span>'
