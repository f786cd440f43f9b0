"""How products and variations are shown."""

from __future__ import annotations

from urllib.parse import unquote

from services.sandbox.woocommerce import prices, slugs
from services.sandbox.woocommerce.shop import Document, Shop


def shown(shop: Shop, document: Document, *, edit: bool = False) -> Document:
    """A product as REST shows it; after a write (`edit`) texts are raw and two fields more come back."""
    view = {**document, **current(shop, document), "permalink": permalink(shop, document)}
    if document["type"] == "variable":
        view["variations"] = [v["id"] for v in shop.variations.values() if v["parent_id"] == document["id"]]
    view["has_options"] = document["type"] == "variable"
    path = f"/products/{document['id']}"
    return {**view, **(raw_texts(shop, view) if edit else page_texts(view)), "_links": shop.links(path, "/products")}


def current(shop: Shop, document: Document) -> Document:
    """What follows from the stored fields at this moment."""
    return {
        "on_sale": prices.on_sale(document, shop.now()),
        "purchasable": document["price"] != "",
        "backorders_allowed": document["backorders"] != "no",
        "backordered": document["stock_status"] == "onbackorder",
        "price_html": prices.price_html(document),
    }


def raw_texts(shop: Shop, view: Document) -> Document:
    """The fields of an answer to a write."""
    return {
        "average_rating": "0",
        "permalink_template": shop.url("/product/%pagename%/"),
        "generated_slug": unquote(view["slug"]) or slugs.slug_text(view["name"]),
    }


def page_texts(view: Document) -> Document:
    """The texts of an answer to a read."""
    return {name: slugs.paragraphs(view[name]) for name in ("description", "short_description")}


def permalink(shop: Shop, document: Document) -> str:
    """The product's page; an unpublished one has only its number."""
    if document["slug"]:
        return shop.url(f"/product/{document['slug']}/")
    return shop.url(f"/?post_type=product&p={document['id']}")


def variation_shown(shop: Shop, document: Document) -> Document:
    """A variation as its parent's endpoint shows it."""
    parent = f"/products/{document['parent_id']}"
    collection = f"{parent}/variations"
    links = shop.links(f"{collection}/{document['id']}", collection) | {"up": shop.link(parent)}
    moment = {k: v for k, v in current(shop, document).items() if k != "price_html"}
    return {**document, **moment, "permalink": variation_page(shop, document), "_links": links}


def variation_page(shop: Shop, document: Document) -> str:
    """The parent's page with this variation chosen."""
    chosen = "&".join(f"attribute_{slugs.encoded(a['slug'])}={a['option']}" for a in document["attributes"])
    return f"{permalink(shop, shop.products[document['parent_id']])}?{chosen}"


def variation_as_product(shop: Shop, document: Document, blank: Document) -> Document:
    """A variation as /products shows it: `?sku=` and GET by id find it there (API fact: recorded)."""
    parent = shop.products[document["parent_id"]]
    of_parent = {"name": f"{parent['name']} - {document['name']}", "slug": f"{parent['slug']}-{document['id']}"}
    view = blank | {k: v for k, v in document.items() if k in blank or k.startswith("date_")}
    view |= of_parent | current(shop, document) | {"type": "variation", "attributes": document["attributes"]}
    view |= {"tax_class": parent["tax_class"] if document["tax_class"] == "parent" else document["tax_class"]}
    view |= {"permalink": variation_page(shop, document), "total_sales": "0", "has_options": False}
    links = shop.links(f"/products/{document['id']}", "/products")
    return view | {"reviews_allowed": False, "_links": links | {"up": shop.link(f"/products/{parent['id']}")}}
