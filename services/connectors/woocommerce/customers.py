"""Customer accounts of a shop (reference section 5)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial
from typing import Any

from contracts.reasons import Reason
from services.connectors.http.unreadable import Unreadable
from services.connectors.woocommerce import lists, php
from services.connectors.woocommerce.api import Api
from services.connectors.woocommerce.order_json import NO_ADDRESS, PostalAddress
from services.connectors.woocommerce.pages import Skipped, rows
from services.connectors.woocommerce.read import Answered, Id, Metas, Text, Word, named, reading
from services.engine.outbox.upstream_errors import NotFound

ROUTE = "/customers"
FIELDS = "id,email,first_name,last_name,billing,shipping,meta_data"


class Customer(Answered):
    """An account; the phone stands in `billing`."""

    id: Id
    email: Word = ""
    first_name: Text = ""
    last_name: Text = ""
    billing: PostalAddress = NO_ADDRESS
    shipping: PostalAddress = NO_ADDRESS
    meta_data: Metas = ()


def every(api: Api) -> AsyncIterator[Customer | Unreadable]:
    """All accounts of whatever role, by number: wholesale plugins have roles of their own."""
    params: dict[str, str | int] = {"role": "all", "orderby": "id", "order": "asc", "_fields": FIELDS}
    return lists.every(api, ROUTE, params, partial(_customer, api.shop))


async def by_id(api: Api, customer_id: int) -> Customer | None:
    """The account with this number; None when there is none (any more)."""
    try:
        return _customer(api.shop, await api.get(f"{ROUTE}/{customer_id}"))
    except NotFound:
        return None


async def exists(api: Api, customer_id: int) -> bool:
    """Whether there is an account with this number; nothing else is read of it."""
    try:
        await api.get(f"{ROUTE}/{customer_id}", _fields="id")
    except NotFound:
        return False
    return True


async def there(api: Api, ids: Sequence[int]) -> set[int]:
    """Which of these accounts (a hundred at most) there are. API fact: `include` drops unknown numbers silently.

    One on which the shop fails is there.
    """
    params = {"include": ",".join(map(str, ids)), "role": "all", "_fields": "id"}
    failing: list[Skipped] = []
    found = {php.id_of(row) async for row in rows(api, ROUTE, params, skip=failing.append)}
    return {number for number in (*found, *(one.id for one in failing)) if number is not None}


async def by_email(api: Api, email: str) -> Customer | None:
    """The account with this e-mail, whatever its role."""
    found = (await api.page(ROUTE, {"email": email, "role": "all", "per_page": 1, "_fields": FIELDS})).rows
    return _customer(api.shop, found[0]) if found else None


async def create(api: Api, body: Mapping[str, Any]) -> Customer:
    """Makes an account. Raises `Rejected` (400) when its e-mail has one already: the answer names no number."""
    return _customer(api.shop, await api.write("POST", ROUTE, body))


async def update(api: Api, customer_id: int, body: Mapping[str, Any]) -> Customer:
    """Changes the named fields of an account."""
    return _customer(api.shop, await api.write("PUT", f"{ROUTE}/{customer_id}", body))


def _customer(shop: str, row: dict[str, Any]) -> Customer:
    with reading(f"shop {shop}: {named('customer', row)}", Reason.SHOP_BAD_ANSWER):
        return Customer.model_validate(row)
