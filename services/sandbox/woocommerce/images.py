"""Product images: kept as addresses, never fetched."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from services.sandbox.woocommerce import dates
from services.sandbox.woocommerce.errors import RestError
from services.sandbox.woocommerce.shop import Document, Shop

PORTS = (80, 443, 8080, None)


def stored(shop: Shop, sent: list[Any], held: list[Document]) -> list[Document]:
    """The images after a write: a known id is kept, a `src` becomes a new image each time.

    RestError 400 for a `src` that WordPress would not fetch: a port other than 80, 443, 8080 or the shop's own.
    """
    known = {image["id"]: image for image in held}
    return [known.get(entry.get("id")) or uploaded(shop, str(entry.get("src", ""))) for entry in sent]


def uploaded(shop: Shop, src: str) -> Document:
    """A new image made from an address."""
    parts = urlsplit(src)
    at_home = parts.netloc == urlsplit(shop.home_url).netloc
    if parts.scheme not in ("http", "https") or not (at_home or parts.port in PORTS):
        message = f"Error getting remote image {src}. Error: A valid URL was not provided."
        raise RestError(400, "woocommerce_product_image_upload_error", message)
    name = parts.path.rpartition("/")[2]
    image: Document = {"id": shop.post_ids()}
    for field in ("date_created", "date_modified"):
        dates.stamp(image, field, shop.now())
    return {**image, "src": shop.url(f"/wp-content/uploads/{shop.now():%Y/%m}/{name}"), "name": name, "alt": ""}
