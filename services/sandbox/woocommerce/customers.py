"""Customer accounts: one per e-mail address, without a trash (WooCommerce fact 70)."""

from __future__ import annotations

from hashlib import sha256

from services.sandbox.woocommerce import errors, resources, values
from services.sandbox.woocommerce.errors import RestError
from services.sandbox.woocommerce.resources import ListQuery, SearchResult
from services.sandbox.woocommerce.shop import Document, SandboxShop

CUSTOMERS_PATH = "/customers"
CUSTOMER_FIELDS = ("email", "first_name", "last_name", "username")
ADDRESS_FIELDS = (
    "first_name",
    "last_name",
    "company",
    "address_1",
    "address_2",
    "city",
    "postcode",
    "country",
    "state",
)


class Customers:
    """The shop's customer accounts."""

    def __init__(self, shop: SandboxShop) -> None:
        self.shop = shop

    def create(self, body: Document, *, strict: bool) -> Document:
        """Creates an account. RestError 400 without an e-mail address, or with one in use (WooCommerce fact 70)."""
        email = str(body.get("email") or "")
        if not email:
            missing = "Missing parameter(s): email"
            raise RestError(400, "rest_missing_callback_param", missing, params=["email"])
        self._free(email)
        customer = blank_customer(self.shop)
        self.shop.customers[customer["id"]] = customer
        self._write(customer, {"username": email.partition("@")[0]} | body, strict)
        self.shop.announce("customer.created", customer["id"])
        return self._shown(customer)

    def read(self, document_id: int) -> Document:
        """One account."""
        return self._shown(self._own(document_id))

    def update(self, document_id: int, body: Document, *, strict: bool) -> Document:
        """Changes an account."""
        customer = self._own(document_id)
        self._write(customer, body, strict)
        values.set_date(customer, "date_modified", self.shop.now())
        self.shop.announce("customer.updated", document_id)
        return self._shown(customer)

    def delete(self, document_id: int, *, force: bool) -> Document:
        """Deletes an account for good; its orders stay, as a guest's.

        RestError 501 without `force`, 400 for an account that is not there (source: the customers controller). Only
        the deletion of an account with the role `customer` is announced (source: the webhook's check of user actions).
        """
        if not force:
            raise RestError(501, "woocommerce_rest_trash_not_supported", "Customers do not support trashing.")
        customer = self._own(document_id, absent=400)
        del self.shop.customers[document_id]
        for order in self.shop.orders.values():
            self._detach_order(order, document_id)
        if customer["role"] == "customer":
            self.shop.announce("customer.deleted", document_id)
        return self._shown(customer)

    def search(self, query: ListQuery) -> SearchResult:
        """Accounts with the role `customer`, or with `role` (`all` for every one), by e-mail or words."""
        role = query.get("role", "customer")
        found = resources.filter_by_id(self.shop.customers.values(), query)
        found = [one for one in found if role in ("all", one["role"])]
        if email := query.get("email", "").casefold():
            found = [one for one in found if one["email"].casefold() == email]
        if part := query.get("search", "").casefold():
            found = [one for one in found if part in " ".join(str(one[name]) for name in CUSTOMER_FIELDS).casefold()]
        return SearchResult(resources.sort_documents(found, query), self._shown)

    def _detach_order(self, order: Document, customer_id: int) -> None:
        """Makes an order a guest's without a webhook; only with HPOS its modification date changes (source)."""
        if order["customer_id"] == customer_id:
            order["customer_id"] = 0
            if self.shop.settings.orders_in != "posts":
                values.set_date(order, "date_modified", self.shop.now())

    def _own(self, document_id: int, absent: int = 404) -> Document:
        if document_id not in self.shop.customers:
            raise RestError(absent, "woocommerce_rest_invalid_id", "Invalid resource ID.")
        return self.shop.customers[document_id]

    def _free(self, email: str, of: int = 0) -> None:
        if any(one["email"].casefold() == email.casefold() and one["id"] != of for one in self.shop.customers.values()):
            message = f"An account is already registered with {email}. Please log in or use a different email address."
            raise RestError(400, "registration-error-email-exists", message)

    def _write(self, customer: Document, body: Document, strict: bool) -> None:
        if strict:
            errors.check_parameters(body, errors.CUSTOMER)
        if body.get("email"):
            self._free(body["email"], customer["id"])
        customer |= {name: body[name] for name in CUSTOMER_FIELDS if body.get(name) is not None}
        for name in ("billing", "shipping"):
            customer[name] |= {k: v for k, v in (body.get(name) or {}).items() if k in customer[name]}
        customer["meta_data"] = values.merge_meta(
            customer["meta_data"], body.get("meta_data") or [], self.shop.meta_ids
        )

    def _shown(self, customer: Document) -> Document:
        picture = f"https://secure.gravatar.com/avatar/{sha256(customer['email'].encode()).hexdigest()}?s=96&d=mm&r=g"
        links = self.shop.links(f"{CUSTOMERS_PATH}/{customer['id']}", CUSTOMERS_PATH)
        return {**customer, "avatar_url": picture, "_links": links}


def blank_customer(shop: SandboxShop) -> Document:
    """An account before anything was written into it."""
    address = dict.fromkeys(ADDRESS_FIELDS, "")
    customer: Document = {"id": shop.user_ids(), **dict.fromkeys(CUSTOMER_FIELDS, ""), "role": "customer"}
    customer |= {"billing": {**address, "email": "", "phone": ""}, "shipping": {**address, "phone": ""}}
    customer |= {"is_paying_customer": False, "meta_data": []}
    for field in ("date_created", "date_modified"):
        values.set_date(customer, field, shop.now())
    return customer
