"""The personal part of an order, and the opaque reference that stands for the person everywhere else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import NAMESPACE_URL, uuid5

from contracts.shop import Address, Person
from services.connectors.woocommerce.customers import Customer
from services.connectors.woocommerce.order_json import AddressJson, OrderJson
from services.connectors.woocommerce.read import meta_text

PERSONS = uuid5(NAMESPACE_URL, "urn:davtari:person")
ERASED = "deleted@site.invalid"
"""API fact: the e-mail of every order whose personal data was erased in the shop."""


@dataclass(frozen=True, slots=True)
class IdentityKeys:
    """The order's custom fields that hold the personal id and the company code; the first filled one counts."""

    personal_id: tuple[str, ...] = ()
    company_id: tuple[str, ...] = ()

    @classmethod
    def of(cls, personal_id_keys: Sequence[str], company_id_keys: Sequence[str]) -> IdentityKeys:
        return cls(tuple(personal_id_keys), tuple(company_id_keys))


def person_of(shop: str, order: OrderJson, keys: IdentityKeys, comment: str) -> Person:
    """Everything about the buyer. `comment` is a free text: the customer's note, or a refund's reason."""
    personal_id = meta_text(order.meta_data, keys.personal_id)
    return Person(
        person_ref=person_ref(shop, order, personal_id),
        billing=postal_address(order.billing),
        shipping=postal_address(order.shipping),
        email=order.billing.email,
        phone=order.billing.phone or order.shipping.phone,
        personal_id=personal_id,
        company_id=meta_text(order.meta_data, keys.company_id),
        comment=comment,
    )


def person_of_account(shop: str, customer: Customer, keys: IdentityKeys) -> Person:
    """A customer account as the buyer that it is in its orders."""
    return Person(
        person_ref=account_ref(shop, customer.id),
        billing=postal_address(customer.billing),
        shipping=postal_address(customer.shipping),
        email=customer.billing.email or customer.email,
        phone=customer.billing.phone or customer.shipping.phone,
        personal_id=meta_text(customer.meta_data, keys.personal_id),
        company_id=meta_text(customer.meta_data, keys.company_id),
    )


def account_ref(shop: str, customer_id: int) -> str:
    """The reference of whoever has this account."""
    return _ref(shop, f"customer:{customer_id}")


def person_ref(shop: str, order: OrderJson, personal_id: str | None) -> str:
    """The same for all orders of a customer account, or of a guest with the same e-mail (else phone, else personal id).

    A guest who left none of them is nobody else: the order itself stands for the person. So it does once the shop has
    erased the buyer: all erased orders have the same e-mail, and are not the same person's.
    """
    return _ref(shop, _who(order, personal_id))


def order_ref(shop: str, order_id: int) -> str:
    """The reference of an order that names nobody, or nobody any more."""
    return _ref(shop, f"order:{order_id}")


def _ref(shop: str, who: str) -> str:
    return str(uuid5(PERSONS, f"{shop}:{who}"))


def _who(order: OrderJson, personal_id: str | None) -> str:
    if order.customer_id:
        return f"customer:{order.customer_id}"
    if order.billing.email == ERASED:
        return f"order:{order.id}"
    if order.billing.email:
        return f"email:{order.billing.email.lower()}"
    if digits := re.sub(r"\D", "", order.billing.phone):
        return f"phone:{digits}"
    return f"personal-id:{personal_id}" if personal_id else f"order:{order.id}"


def postal_address(address: AddressJson) -> Address:
    """An address as events hold it."""
    return Address.model_validate(address.model_dump())
