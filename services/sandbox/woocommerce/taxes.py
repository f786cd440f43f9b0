"""Tax rates."""

from __future__ import annotations

from decimal import Decimal

from services.sandbox.woocommerce import listing
from services.sandbox.woocommerce.errors import RestError, not_trashable
from services.sandbox.woocommerce.money import decimal
from services.sandbox.woocommerce.resource import Found, Query
from services.sandbox.woocommerce.shop import Document, Shop


class Taxes:
    """The shop's tax rates."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop

    def create(self, body: Document, *, strict: bool) -> Document:
        """Makes a rate."""
        rate = {**rate_blank(), "id": max(self.shop.taxes, default=0) + 1}
        self.shop.taxes[rate["id"]] = rate
        return self.update(rate["id"], body, strict=strict)

    def read(self, document_id: int) -> Document:
        """One rate."""
        return self._shown(self._own(document_id))

    def update(self, document_id: int, body: Document, *, strict: bool) -> Document:
        """Changes a rate."""
        rate = self._own(document_id)
        rate.update({name: body[name] for name in rate.keys() & body.keys() if name != "id"})
        rate["rate"] = f"{decimal(rate['rate']):.4f}"
        return self._shown(rate)

    def delete(self, document_id: int, *, force: bool) -> Document:
        """Deletes a rate; it has no trash."""
        rate = self._own(document_id)
        if not force:
            raise not_trashable()
        return self._shown(self.shop.taxes.pop(rate["id"]))

    def search(self, query: Query) -> Found:
        """Rates, optionally of one class."""
        rates = listing.chosen(self.shop.taxes.values(), query)
        return Found([r for r in rates if query.get("class") in (None, r["class"])], self._shown)

    def _own(self, document_id: int) -> Document:
        if document_id not in self.shop.taxes:
            raise RestError(404, "woocommerce_rest_invalid_id", "Invalid resource ID.")
        return self.shop.taxes[document_id]

    def _shown(self, rate: Document) -> Document:
        return {**rate, "_links": self.shop.links(f"/taxes/{rate['id']}", "/taxes")}


def rate_blank() -> Document:
    """A rate before anything was written into it."""
    return {
        "id": 0,
        "country": "",
        "state": "",
        "postcode": "",
        "city": "",
        "rate": "0.0000",
        "name": "Tax",
        "priority": 1,
        "compound": False,
        "shipping": True,
        "order": 0,
        "class": "standard",
        "postcodes": [],
        "cities": [],
    }


def rate_for(shop: Shop, tax_class: str) -> Document | None:
    """The rate of a product's tax class ("" is standard); None when the class has none."""
    wanted = tax_class or "standard"
    return next((rate for rate in shop.taxes.values() if rate["class"] == wanted), None)


def percent(rate: Document | None) -> Decimal:
    """A rate in percent; nothing is zero."""
    return Decimal(rate["rate"]) if rate else Decimal(0)


def prices_include_tax(shop: Shop) -> bool:
    """Whether catalogue prices are gross."""
    settings = {entry["id"]: entry["value"] for entry in shop.store["settings"]["tax"]}
    return bool(settings["woocommerce_prices_include_tax"] == "yes")
