"""Product categories, which Balance groups are mapped to."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from pydantic import PlainValidator

from contracts.reasons import Reason
from services.connectors.http.unreadable import Listing, listed
from services.connectors.woocommerce import lists, php
from services.connectors.woocommerce.api import Api
from services.connectors.woocommerce.read import Answered, Id, Label, named, reading
from services.engine.outbox.upstream_errors import Rejected

ROUTE = "/products/categories"

THERE_ALREADY = "term_exists"
"""WooCommerce's code for a category whose name another one at the same place has."""


class Category(Answered):
    """A category; `parent` is 0 at the top."""

    id: Id
    name: Label = ""
    parent: Annotated[int, PlainValidator(lambda value: php.whole(value) or 0)] = 0


async def every(api: Api) -> Listing[Category]:
    """All categories of the shop, by id."""
    params = {"orderby": "id", "order": "asc", "hide_empty": "false", "_fields": "id,name,parent"}
    return await listed(lists.every(api, ROUTE, params, partial(_category, api.shop)))


async def create(api: Api, name: str) -> Category:
    """Make a category at the top; one of this name that is there already is taken. Raises `UpstreamError`."""
    try:
        return _category(api.shop, await api.write("POST", ROUTE, {"name": name}))
    except Rejected as error:
        if error.code != THERE_ALREADY:
            raise
        there = (await every(api)).records
        if (found := next((one for one in there if _is_at_top(one, name)), None)) is None:
            raise
        return found


def _is_at_top(category: Category, name: str) -> bool:
    return category.name.casefold() == name.casefold() and not category.parent


def _category(shop: str, row: dict[str, Any]) -> Category:
    with reading(f"shop {shop}: {named('category', row)}", Reason.SHOP_BAD_ANSWER):
        return Category.model_validate(row)
