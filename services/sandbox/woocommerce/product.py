"""Product documents: blank ones, and how a request body is written into them, with images."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from services.sandbox.woocommerce import product_fields, values
from services.sandbox.woocommerce.errors import RestError
from services.sandbox.woocommerce.resources import parse_boolean
from services.sandbox.woocommerce.shop import UNCATEGORIZED, Document, SandboxShop

PORTS = (80, 443, 8080, None)


def store_images(shop: SandboxShop, sent: list[Any], held: list[Document]) -> list[Document]:
    """The images after a write: a known id is kept, a `src` becomes a new image each time.

    RestError 400 for a `src` that WordPress would not fetch: a port other than 80, 443, 8080 or the shop's own.
    """
    known = {image["id"]: image for image in held}
    return [known.get(entry.get("id")) or upload_image(shop, str(entry.get("src", ""))) for entry in sent]


def upload_image(shop: SandboxShop, src: str) -> Document:
    """A new image made from an address."""
    parts = urlsplit(src)
    at_home = parts.netloc == urlsplit(shop.home_url).netloc
    if parts.scheme not in ("http", "https") or not (at_home or parts.port in PORTS):
        message = f"Error getting remote image {src}. Error: A valid URL was not provided."
        raise RestError(400, "woocommerce_product_image_upload_error", message)
    name = parts.path.rpartition("/")[2]
    image: Document = {"id": shop.post_ids()}
    for field in ("date_created", "date_modified"):
        values.set_date(image, field, shop.now())
    return {**image, "src": shop.url(f"/wp-content/uploads/{shop.now():%Y/%m}/{name}"), "name": name, "alt": ""}


TYPES = ("simple", "grouped", "external", "variable")
STATUSES = ("draft", "pending", "private", "publish", "future", "auto-draft", "trash")
PRODUCT_FIELDS = [
    "description",
    "short_description",
    "catalog_visibility",
    "external_url",
    "button_text",
    "tax_status",
    "tax_class",
    "weight",
    "dimensions",
    "shipping_class",
    "upsell_ids",
    "cross_sell_ids",
    "parent_id",
    "purchase_note",
    "tags",
    "default_attributes",
    "menu_order",
    "low_stock_amount",
    "grouped_products",
]
BOOLEAN_FIELDS = ["featured", "virtual", "downloadable", "sold_individually", "reviews_allowed"]
INTERNAL_KEYS = {"_sku": "sku", "_stock": "stock_quantity", "_regular_price": "regular_price"}
LIST_FIELDS = [
    "downloads",
    "upsell_ids",
    "cross_sell_ids",
    "categories",
    "brands",
    "tags",
    "images",
    "attributes",
    "default_attributes",
    "variations",
    "grouped_products",
    "related_ids",
    "meta_data",
]


def blank_product(document_id: int) -> Document:
    """A product before anything was written into it."""
    return {
        "id": document_id,
        "name": "Product",
        "slug": "",
        "type": "simple",
        "status": "publish",
        "catalog_visibility": "visible",
        "description": "",
        "short_description": "",
        "sku": "",
        **product_fields.blank_prices(),
        "total_sales": 0,
        "download_limit": -1,
        "download_expiry": -1,
        "external_url": "",
        "button_text": "",
        "tax_status": "taxable",
        "tax_class": "",
        **product_fields.blank_stock(),
        "weight": "",
        "dimensions": {"length": "", "width": "", "height": ""},
        "shipping_required": True,
        "shipping_taxable": True,
        "shipping_class": "",
        "shipping_class_id": 0,
        "average_rating": "0.00",
        "rating_count": 0,
        "parent_id": 0,
        "purchase_note": "",
        "menu_order": 0,
        "post_password": "",
        "global_unique_id": "",
        **{name: name == "reviews_allowed" for name in BOOLEAN_FIELDS},
        **{name: [] for name in LIST_FIELDS},
    }


def write_product(shop: SandboxShop, document: Document, body: Document) -> None:
    """Writes a body into a product; what it does not name stays.

    RestError 400 for a SKU or GTIN that another product has, and for an image that cannot be had.
    """
    claim_sku(shop, document, body)
    claim_gtin(shop, document, body)
    _write_names(shop, document, body)
    for name in PRODUCT_FIELDS:
        if body.get(name) is not None:
            document[name] = body[name]
    for name in BOOLEAN_FIELDS:
        if body.get(name) is not None:
            document[name] = parse_boolean(body[name])
    _write_lists(shop, document, body)
    product_fields.write_prices(document, body, shop.now())
    product_fields.write_stock(document, body)
    write_meta(shop, document, body)


def _write_names(shop: SandboxShop, document: Document, body: Document) -> None:
    """An unknown status becomes draft, an unknown type simple (WooCommerce fact 19)."""
    if body.get("name") is not None:
        document["name"] = values.clean_name(str(body["name"]))
    if body.get("type") is not None:
        document["type"] = body["type"] if body["type"] in TYPES else "simple"
    if body.get("status") is not None:
        document["status"] = body["status"] if body["status"] in STATUSES else "draft"
    if body.get("slug"):
        shop.slugs.take(document, values.encode_slug(values.make_slug(str(body["slug"]))))


def _write_lists(shop: SandboxShop, document: Document, body: Document) -> None:
    if body.get("categories") is not None or not document["categories"]:
        document["categories"] = find_categories(shop, body.get("categories") or [])
    if body.get("attributes") is not None:
        document["attributes"] = [make_attribute(n, entry) for n, entry in enumerate(body["attributes"])]
    if body.get("images") is not None:
        document["images"] = store_images(shop, body["images"], document["images"])


def find_categories(shop: SandboxShop, sent: list[Any]) -> list[Document]:
    """Keeps the categories that exist; Uncategorized if none does (WooCommerce fact 22)."""
    known = [shop.categories[entry["id"]] for entry in sent if entry.get("id") in shop.categories]
    return [{k: term[k] for k in ("id", "name", "slug")} for term in known or [shop.categories[UNCATEGORIZED]]]


def make_attribute(position: int, sent: Document) -> Document:
    """One attribute of a product."""
    name = str(sent.get("name", ""))
    return {
        "id": sent.get("id") or 0,
        "name": name,
        "slug": name,
        "position": sent.get("position") or position,
        "visible": parse_boolean(sent.get("visible")),
        "variation": parse_boolean(sent.get("variation")),
        "options": list(sent.get("options") or []),
    }


def claim_sku(shop: SandboxShop, document: Document, body: Document) -> None:
    """Assigns the SKU of the body. RestError 400 if it is in use (WooCommerce facts 15 and 16)."""
    if body.get("sku") is None:
        return
    sku = str(body["sku"]).strip()
    holder = shop.skus.holder(sku) if sku else None
    if holder is None or holder is document:
        shop.skus.take(document, sku)
    elif holder["status"] == "trash":
        message = f"The product with SKU ({sku}) you are trying to insert is already present in the lookup table"
        raise RestError(400, "woocommerce_rest_product_not_created", message)
    else:
        more = {"resource_id": holder["id"], "unique_sku": shop.skus.unused(sku)}
        raise RestError(400, "product_invalid_sku", "Invalid or duplicated SKU.", **more)


def claim_gtin(shop: SandboxShop, document: Document, body: Document) -> None:
    """Takes the body's GTIN; 400 with the holder's id when another product has it."""
    gtin = body.get("global_unique_id")
    if gtin is None:
        return
    holder = shop.gtins.holder(str(gtin)) if gtin else None
    if holder is not None and holder is not document:
        message = "Invalid or duplicated GTIN, UPC, EAN or ISBN."
        raise RestError(400, "product_invalid_global_unique_id", message, resource_id=holder["id"])
    shop.gtins.take(document, str(gtin))


def write_meta(shop: SandboxShop, document: Document, body: Document) -> None:
    """Merges meta_data; internal keys are written to their field instead (WooCommerce fact 27)."""
    sent = body.get("meta_data") or []
    for entry in sent:
        if entry.get("key") in INTERNAL_KEYS:
            _write_internal(shop, document, INTERNAL_KEYS[entry["key"]], entry.get("value"))
    plain = [entry for entry in sent if entry.get("key") not in INTERNAL_KEYS]
    document["meta_data"] = values.merge_meta(document["meta_data"], plain, shop.meta_ids)


def _write_internal(shop: SandboxShop, document: Document, field: str, value: Any) -> None:
    writers: dict[str, Callable[[], None]] = {
        "sku": lambda: shop.skus.take(document, str(value)),
        "stock_quantity": lambda: product_fields.write_stock(document, {"stock_quantity": value}),
        "regular_price": lambda: product_fields.write_prices(document, {"regular_price": value}, shop.now()),
    }
    writers[field]()


def assign_slug(shop: SandboxShop, document: Document) -> None:
    """A product gets its slug when it is first published."""
    if document["status"] == "publish" and not document["slug"]:
        wanted = values.encode_slug(values.make_slug(document["name"]))
        shop.slugs.take(document, values.make_unique(wanted, shop.slugs))
