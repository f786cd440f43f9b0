"""Order lines, their taxes, and the totals of an order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from services.sandbox.woocommerce import errors, store, values
from services.sandbox.woocommerce.errors import PhpCrash, RestError
from services.sandbox.woocommerce.shop import Document, SandboxShop
from services.sandbox.woocommerce.values import format_amount, format_trimmed, parse_amount, round_six, to_json_number

PARTS = ("line_items", "shipping_lines", "fee_lines")


def update_totals(shop: SandboxShop, order: Document) -> None:
    """Recalculates an order's totals and tax lines."""
    goods, shipping, fees = (order[part] for part in PARTS)
    cart_tax = sum_field(goods, "total_tax") + sum_field(fees, "total_tax")
    shipping_tax = sum_field(shipping, "total_tax")
    net = sum_field(goods, "total") + sum_field(fees, "total") + sum_field(shipping, "total")
    order |= {
        "discount_total": format_amount(sum_field(goods, "subtotal") - sum_field(goods, "total")),
        "discount_tax": format_amount(sum_field(goods, "subtotal_tax") - sum_field(goods, "total_tax")),
        "shipping_total": format_amount(sum_field(shipping, "total")),
        "shipping_tax": format_amount(shipping_tax),
        "cart_tax": format_amount(cart_tax),
        "total": format_amount(net + cart_tax + shipping_tax),
        "total_tax": format_amount(cart_tax + shipping_tax),
        "tax_lines": make_tax_lines(shop, order),
    }


def sum_field(lines: Iterable[Document], field: str) -> Decimal:
    """The sum of a field over lines."""
    return sum((parse_amount(line[field]) for line in lines), Decimal(0))


def make_tax_lines(shop: SandboxShop, order: Document) -> list[Document]:
    """Makes one line per tax rate used in an order or refund; existing lines keep their ids."""
    held = {line["rate_id"]: line["id"] for line in order.get("tax_lines", [])}
    goods = sum_tax_by_rate([*order["line_items"], *order["fee_lines"]])
    shipping = sum_tax_by_rate(order["shipping_lines"])
    return [
        {
            "id": held.get(rate_id) or shop.item_ids(),
            **_describe_rate(shop.taxes.get(rate_id)),
            "rate_id": rate_id,
            "tax_total": format_amount(goods[rate_id]),
            "shipping_tax_total": format_amount(shipping[rate_id]),
            "meta_data": [],
        }
        for rate_id in sorted({*goods, *shipping})
    ]


def sum_tax_by_rate(lines: Iterable[Document]) -> defaultdict[int, Decimal]:
    """Sums the tax per rate, rounded to two decimals per line."""
    sums: defaultdict[int, Decimal] = defaultdict(Decimal)
    for line in lines:
        for tax in line["taxes"]:
            sums[tax["id"]] += Decimal(format_amount(parse_amount(tax["total"])))
    return sums


def _describe_rate(rate: Document | None) -> Document:
    if rate is None:
        return {"rate_code": "", "label": "Tax", "compound": False, "rate_percent": 0}
    code = f"{rate['country']}-{rate['name'].upper()}-{rate['priority']}"
    percent = to_json_number(Decimal(rate["rate"]))
    return {"rate_code": code, "label": rate["name"], "compound": rate["compound"], "rate_percent": percent}


def check_quantities(sent: list[Document]) -> None:
    """Raises RestError 400 for a fractional quantity and `PhpCrash` for a quantity of 0 (recorded)."""
    for n, entry in enumerate(sent):
        quantity = entry.get("quantity", 1)
        if not errors.is_integer(quantity):
            message = f"line_items[{n}][quantity] is not of type integer."
            raise errors.invalid_parameters(
                {"line_items": errors.parameter_fault("rest_invalid_type", message, {"param": "quantity"})}
            )
        if int(quantity) == 0:
            raise PhpCrash


def make_product_line(shop: SandboxShop, sent: Document) -> Document:
    """Makes a product line. An unknown product gives an empty line of 0.00; RestError 400 without any product."""
    found, reference = _product(shop, sent)
    quantity = int(sent.get("quantity", 1))
    rate = _rate(shop, found)
    listed = parse_amount(found["price"]) * quantity if found else Decimal(0)
    if store.prices_include_tax(shop):
        listed = listed * 100 / (100 + store.rate_percent(rate))
    subtotal = round_six(parse_amount(sent["subtotal"]) if sent.get("subtotal") is not None else listed)
    total = round_six(parse_amount(sent["total"]) if sent.get("total") is not None else subtotal)
    return {
        "id": shop.item_ids(),
        **_identity(shop, found, reference),
        "quantity": quantity,
        "tax_class": _tax_class(shop, found),
        **_figures(subtotal, total, rate),
        "meta_data": _options(shop, found),
        "sku": found["sku"] if found else None,
        "price": to_json_number(total / quantity),
        "image": {"id": "", "src": ""},
        "parent_name": _parent(shop, found).get("name"),
    }


def edit_line(shop: SandboxShop, line: Document, sent: Document) -> None:
    """Changes a line. A new total recalculates the tax; a new quantity alone recalculates nothing (recorded)."""
    line |= {name: sent[name] for name in ("quantity", "name") if name in sent}
    if not {"total", "subtotal"} & sent.keys():
        return
    rate = shop.taxes.get(line["taxes"][0]["id"]) if line["taxes"] else None
    total = round_six(parse_amount(sent.get("total", line["total"])))
    if "subtotal" in line:
        line |= _figures(round_six(parse_amount(sent.get("subtotal", line["subtotal"]))), total, rate)
        line["price"] = to_json_number(total / line["quantity"])
    else:
        line |= _taxed(total, rate)


def make_shipping_line(shop: SandboxShop, sent: Document) -> Document:
    """Makes a shipping line: a net total, taxed at the standard rate."""
    return {
        "id": shop.item_ids(),
        "method_title": sent.get("method_title", ""),
        "method_id": sent.get("method_id", ""),
        "instance_id": sent.get("instance_id", ""),
        **_taxed(parse_amount(sent.get("total")), store.find_tax_rate(shop, "")),
        "tax_status": "taxable",
        "meta_data": [],
    }


def make_fee_line(shop: SandboxShop, sent: Document) -> Document:
    """Makes a fee line with a net total."""
    status = sent.get("tax_status", "taxable")
    rate = store.find_tax_rate(shop, sent.get("tax_class", "")) if status == "taxable" else None
    return {
        "id": shop.item_ids(),
        "name": sent.get("name", ""),
        "tax_class": sent.get("tax_class", ""),
        "tax_status": status,
        "amount": sent.get("amount", ""),
        **_taxed(parse_amount(sent.get("total")), rate),
        "meta_data": [],
    }


def _product(shop: SandboxShop, sent: Document) -> tuple[Document | None, int]:
    reference = sent.get("variation_id") or sent.get("product_id")
    if not reference and not sent.get("sku"):
        raise RestError(400, "woocommerce_rest_required_product_reference", "Product ID or SKU is required.")
    found = shop.sellable(int(reference)) if reference else shop.skus.holder(str(sent["sku"]))
    return found, int(reference or 0)


def _identity(shop: SandboxShop, found: Document | None, reference: int) -> Document:
    if found is None:
        return {"name": "", "product_id": reference, "variation_id": 0}
    if parent := _parent(shop, found):
        name = f"{parent['name']} - {found['name']}"
        return {"name": name, "product_id": parent["id"], "variation_id": found["id"]}
    return {"name": found["name"], "product_id": found["id"], "variation_id": 0}


def _parent(shop: SandboxShop, found: Document | None) -> Document:
    is_variation = found is not None and found["type"] == "variation"
    return shop.products[found["parent_id"]] if found and is_variation else {}


def _tax_class(shop: SandboxShop, found: Document | None) -> str:
    held = found["tax_class"] if found else ""
    return str(_parent(shop, found)["tax_class"] if held == "parent" else held)


def _rate(shop: SandboxShop, found: Document | None) -> Document | None:
    if found is None or found["tax_status"] != "taxable":
        return None
    return store.find_tax_rate(shop, _tax_class(shop, found))


def _options(shop: SandboxShop, found: Document | None) -> list[Document]:
    chosen = found["attributes"] if found and found["type"] == "variation" else []
    return [values.make_display_meta(shop.meta_ids(), option["name"], option["option"]) for option in chosen]


def _figures(subtotal: Decimal, total: Decimal, rate: Document | None) -> Document:
    """Net amounts with two decimals, taxes with six (WooCommerce fact 38)."""
    before, after = (round_six(net * store.rate_percent(rate) / 100) for net in (subtotal, total))
    return {
        "subtotal": format_amount(subtotal),
        "subtotal_tax": format_amount(before),
        "total": format_amount(total),
        "total_tax": format_amount(after),
        "taxes": [{"id": rate["id"], "total": format_trimmed(after), "subtotal": format_trimmed(before)}]
        if rate
        else [],
    }


def _taxed(net: Decimal, rate: Document | None) -> Document:
    tax = round_six(net * store.rate_percent(rate) / 100)
    listed: list[dict[str, Any]] = [{"id": rate["id"], "total": format_trimmed(tax), "subtotal": ""}] if rate else []
    return {"total": format_amount(net), "total_tax": format_amount(tax), "taxes": listed}
