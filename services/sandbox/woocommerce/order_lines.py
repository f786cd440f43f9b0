"""Lines of an order made over REST: what they cost and what tax is on them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from services.sandbox.woocommerce import meta, schema, taxes
from services.sandbox.woocommerce.errors import Crash, RestError
from services.sandbox.woocommerce.money import decimal, number, six, trimmed, two
from services.sandbox.woocommerce.shop import Document, Shop


def check(sent: list[Document]) -> None:
    """RestError 400 for a quantity that is not whole, 500 for none at all (API fact: recorded)."""
    for n, entry in enumerate(sent):
        quantity = entry.get("quantity", 1)
        if not schema.is_integer(quantity):
            message = f"line_items[{n}][quantity] is not of type integer."
            raise schema.invalid({"line_items": schema.fault("rest_invalid_type", message, {"param": "quantity"})})
        if int(quantity) == 0:
            raise Crash


def product_line(shop: Shop, sent: Document) -> Document:
    """A line of goods. An unknown product gives an empty line of 0.00; no product at all is refused."""
    found, reference = _product(shop, sent)
    quantity = int(sent.get("quantity", 1))
    rate = _rate(shop, found)
    listed = decimal(found["price"]) * quantity if found else Decimal(0)
    if taxes.prices_include_tax(shop):
        listed = listed * 100 / (100 + taxes.percent(rate))
    subtotal = six(decimal(sent["subtotal"]) if sent.get("subtotal") is not None else listed)
    total = six(decimal(sent["total"]) if sent.get("total") is not None else subtotal)
    return {
        "id": shop.item_ids(),
        **_identity(shop, found, reference),
        "quantity": quantity,
        "tax_class": _tax_class(shop, found),
        **_figures(subtotal, total, rate),
        "meta_data": _options(shop, found),
        "sku": found["sku"] if found else None,
        "price": number(total / quantity),
        "image": {"id": "", "src": ""},
        "parent_name": _parent(shop, found).get("name"),
    }


def edit(shop: Shop, line: Document, sent: Document) -> None:
    """Changes a line: new money is taxed anew, a quantity alone recalculates nothing (API fact: section 6)."""
    line |= {name: sent[name] for name in ("quantity", "name") if name in sent}
    if not {"total", "subtotal"} & sent.keys():
        return
    rate = shop.taxes.get(line["taxes"][0]["id"]) if line["taxes"] else None
    total = six(decimal(sent.get("total", line["total"])))
    if "subtotal" in line:
        line |= _figures(six(decimal(sent.get("subtotal", line["subtotal"]))), total, rate)
        line["price"] = number(total / line["quantity"])
    else:
        line |= _taxed(total, rate)


def shipping_line(shop: Shop, sent: Document) -> Document:
    """A line of shipping; its total is net, shipping bears the standard rate."""
    return {
        "id": shop.item_ids(),
        "method_title": sent.get("method_title", ""),
        "method_id": sent.get("method_id", ""),
        "instance_id": sent.get("instance_id", ""),
        **_taxed(decimal(sent.get("total")), taxes.rate_for(shop, "")),
        "tax_status": "taxable",
        "meta_data": [],
    }


def fee_line(shop: Shop, sent: Document) -> Document:
    """A fee; its total is net."""
    status = sent.get("tax_status", "taxable")
    rate = taxes.rate_for(shop, sent.get("tax_class", "")) if status == "taxable" else None
    return {
        "id": shop.item_ids(),
        "name": sent.get("name", ""),
        "tax_class": sent.get("tax_class", ""),
        "tax_status": status,
        "amount": sent.get("amount", ""),
        **_taxed(decimal(sent.get("total")), rate),
        "meta_data": [],
    }


def _product(shop: Shop, sent: Document) -> tuple[Document | None, int]:
    reference = sent.get("variation_id") or sent.get("product_id")
    if not reference and not sent.get("sku"):
        raise RestError(400, "woocommerce_rest_required_product_reference", "Product ID or SKU is required.")
    found = shop.sellable(int(reference)) if reference else shop.skus.holder(str(sent["sku"]))
    return found, int(reference or 0)


def _identity(shop: Shop, found: Document | None, reference: int) -> Document:
    if found is None:
        return {"name": "", "product_id": reference, "variation_id": 0}
    if parent := _parent(shop, found):
        name = f"{parent['name']} - {found['name']}"
        return {"name": name, "product_id": parent["id"], "variation_id": found["id"]}
    return {"name": found["name"], "product_id": found["id"], "variation_id": 0}


def _parent(shop: Shop, found: Document | None) -> Document:
    is_variation = found is not None and found["type"] == "variation"
    return shop.products[found["parent_id"]] if found and is_variation else {}


def _tax_class(shop: Shop, found: Document | None) -> str:
    held = found["tax_class"] if found else ""
    return str(_parent(shop, found)["tax_class"] if held == "parent" else held)


def _rate(shop: Shop, found: Document | None) -> Document | None:
    if found is None or found["tax_status"] != "taxable":
        return None
    return taxes.rate_for(shop, _tax_class(shop, found))


def _options(shop: Shop, found: Document | None) -> list[Document]:
    chosen = found["attributes"] if found and found["type"] == "variation" else []
    return [meta.displayed(shop.meta_ids(), option["name"], option["option"]) for option in chosen]


def _figures(subtotal: Decimal, total: Decimal, rate: Document | None) -> Document:
    """Net amounts with two decimals, taxes with six (API fact: reference section 6)."""
    before, after = (six(net * taxes.percent(rate) / 100) for net in (subtotal, total))
    return {
        "subtotal": two(subtotal),
        "subtotal_tax": two(before),
        "total": two(total),
        "total_tax": two(after),
        "taxes": [{"id": rate["id"], "total": trimmed(after), "subtotal": trimmed(before)}] if rate else [],
    }


def _taxed(net: Decimal, rate: Document | None) -> Document:
    tax = six(net * taxes.percent(rate) / 100)
    listed: list[dict[str, Any]] = [{"id": rate["id"], "total": trimmed(tax), "subtotal": ""}] if rate else []
    return {"total": two(net), "total_tax": two(tax), "taxes": listed}
