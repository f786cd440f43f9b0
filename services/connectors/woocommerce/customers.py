"""Customer accounts, the personal part of an order, and the opaque reference that replaces a person elsewhere.

A second account with the same e-mail is refused (WooCommerce fact 70).
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from contracts.reasons import Reason
from contracts.shop import Address, OrderChanged, Person
from services.connectors.http.listing import UnreadableRecord
from services.connectors.woocommerce import php
from services.connectors.woocommerce.api import ShopApi
from services.connectors.woocommerce.order_json import NO_ADDRESS, AddressJson, OrderJson, PostalAddress
from services.connectors.woocommerce.pages import SkippedRecord, read_records, read_rows
from services.connectors.woocommerce.read import (
    Answered,
    Id,
    Metas,
    Text,
    Word,
    name_record,
    read_meta_text,
    reading_record,
)
from services.engine.outbox.upstream_errors import NotFound
from services.engine.person_ids import person_id

ROUTE = "/customers"
FIELDS = "id,email,first_name,last_name,billing,shipping,meta_data"
PERSONS = uuid5(NAMESPACE_URL, "urn:davtari:person")
"""Of the references that earlier versions made."""
ERASED = "deleted@site.invalid"
"""WooCommerce fact 48: the e-mail of every order whose personal data was erased in the shop."""


class Customer(Answered):
    """An account; the phone is in `billing`."""

    id: Id
    email: Word = ""
    first_name: Text = ""
    last_name: Text = ""
    billing: PostalAddress = NO_ADDRESS
    shipping: PostalAddress = NO_ADDRESS
    meta_data: Metas = ()


class CustomerCalls:
    """The calls that concern customer accounts."""

    _api: ShopApi

    def every_customer(self) -> AsyncIterator[Customer | UnreadableRecord]:
        """All accounts with any role, by id: wholesale plugins have roles of their own."""
        params: dict[str, str | int] = {"role": "all", "orderby": "id", "order": "asc", "_fields": FIELDS}
        return read_records(self._api, ROUTE, params, partial(_read_customer, self._api.shop))

    async def customer(self, customer_id: int) -> Customer | None:
        """The account with this id; None if there is none."""
        try:
            return _read_customer(self._api.shop, await self._api.get(f"{ROUTE}/{customer_id}"))
        except NotFound:
            return None

    async def has_customer(self, customer_id: int) -> bool:
        """Whether there is an account with this id; nothing else is read."""
        try:
            await self._api.get(f"{ROUTE}/{customer_id}", _fields="id")
        except NotFound:
            return False
        return True

    async def existing_customers(self, ids: Sequence[int]) -> set[int]:
        """Those of these accounts (at most 100) that exist. WooCommerce fact 33: `include` drops unknown ids.

        An account on which the shop fails counts as existing.
        """
        params = {"include": ",".join(map(str, ids)), "role": "all", "_fields": "id"}
        failing: list[SkippedRecord] = []
        found = {php.id_of(row) async for row in read_rows(self._api, ROUTE, params, skip=failing.append)}
        return {number for number in (*found, *(one.id for one in failing)) if number is not None}

    async def customer_by_email(self, email: str) -> Customer | None:
        """The account with this e-mail and any role; None if there is none."""
        params: dict[str, str | int] = {"email": email, "role": "all", "per_page": 1, "_fields": FIELDS}
        found = (await self._api.page(ROUTE, params)).rows
        return _read_customer(self._api.shop, found[0]) if found else None

    async def create_customer(self, body: Mapping[str, Any]) -> Customer:
        """Create an account. Raises `Rejected` (400) when its e-mail has one already; the answer names no id."""
        return _read_customer(self._api.shop, await self._api.write("POST", ROUTE, body))

    async def update_customer(self, customer_id: int, body: Mapping[str, Any]) -> Customer:
        """Change the named fields of an account."""
        return _read_customer(self._api.shop, await self._api.write("PUT", f"{ROUTE}/{customer_id}", body))


def _read_customer(shop: str, row: dict[str, Any]) -> Customer:
    with reading_record(f"shop {shop}: {name_record('customer', row)}", Reason.SHOP_BAD_ANSWER):
        return Customer.model_validate(row)


@dataclass(frozen=True, slots=True)
class IdentityKeys:
    """The order's custom fields with the personal id and the company code; the first filled one counts."""

    personal_id: tuple[str, ...] = ()
    company_id: tuple[str, ...] = ()

    @classmethod
    def of(cls, personal_id_keys: Sequence[str], company_id_keys: Sequence[str]) -> IdentityKeys:
        return cls(tuple(personal_id_keys), tuple(company_id_keys))


def person_of(shop: str, order: OrderJson, keys: IdentityKeys, comment: str) -> Person:
    """The buyer of an order. `comment` is free text: the customer's note, or a refund's reason."""
    personal_id = read_meta_text(order.meta_data, keys.personal_id)
    return Person(
        person_ref=person_ref(shop, order, personal_id),
        billing=postal_address(order.billing),
        shipping=postal_address(order.shipping),
        email=order.billing.email,
        phone=order.billing.phone or order.shipping.phone,
        personal_id=personal_id,
        company_id=read_meta_text(order.meta_data, keys.company_id),
        comment=comment,
    )


def person_of_account(shop: str, customer: Customer, keys: IdentityKeys) -> Person:
    """The owner of a customer account, with the reference that the account's orders have."""
    return Person(
        person_ref=account_ref(shop, customer.id),
        billing=postal_address(customer.billing),
        shipping=postal_address(customer.shipping),
        email=customer.billing.email or customer.email,
        phone=customer.billing.phone or customer.shipping.phone,
        personal_id=read_meta_text(customer.meta_data, keys.personal_id),
        company_id=read_meta_text(customer.meta_data, keys.company_id),
    )


def account_ref(shop: str, customer_id: int) -> str:
    """The reference of the owner of this account."""
    return _make_ref(shop, f"customer:{customer_id}")


def person_ref(shop: str, order: OrderJson, personal_id: str | None) -> str:
    """The reference of all orders of an account, or of a guest with one e-mail (else phone, else personal id).

    The order of a guest who left none of them has a reference of its own. So has an order whose buyer was erased: all
    erased orders have the same e-mail and are not the same person's (WooCommerce fact 48).
    """
    return _make_ref(shop, _identify(order, personal_id))


def order_ref(shop: str, order_id: int) -> str:
    """The reference of an order that identifies no person, or no longer does."""
    return _make_ref(shop, f"order:{order_id}")


def _make_ref(shop: str, identity: str) -> str:
    return person_id("person", shop, identity)


def former_person_ref(order: OrderChanged) -> str:
    """The reference that an earlier version gave the buyer of this order; only to find what it has recorded."""
    if order.customer_id:
        return _former_ref(order.shop, f"customer:{order.customer_id}")
    person = order.person
    if person is None or not (identity := _identify_guest(person.email, person.phone, person.personal_id)):
        return _former_ref(order.shop, f"order:{order.order_id}")
    return _former_ref(order.shop, identity)


def former_order_ref(shop: str, order_id: int) -> str:
    """The same as `order_ref` of an earlier version."""
    return _former_ref(shop, f"order:{order_id}")


def _former_ref(shop: str, identity: str) -> str:
    return str(uuid5(PERSONS, f"{shop}:{identity}"))


def _identify(order: OrderJson, personal_id: str | None) -> str:
    if order.customer_id:
        return f"customer:{order.customer_id}"
    if order.billing.email == ERASED:
        return f"order:{order.id}"
    return _identify_guest(order.billing.email, order.billing.phone, personal_id) or f"order:{order.id}"


def _identify_guest(email: str, phone: str, personal_id: str | None) -> str:
    if email:
        return f"email:{email.lower()}"
    if digits := re.sub(r"\D", "", phone):
        return f"phone:{digits}"
    return f"personal-id:{personal_id}" if personal_id else ""


def postal_address(address: AddressJson) -> Address:
    """An address in the form of the events."""
    return Address.model_validate(address.model_dump())
