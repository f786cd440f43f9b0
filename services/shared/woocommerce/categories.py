"""Product categories, which Balance groups are mapped to."""

from __future__ import annotations

from contracts.reasons import Reason
from services.shared.upstream.errors import Rejected
from services.shared.woocommerce.api import Api
from services.shared.woocommerce.pages import rows
from services.shared.woocommerce.read import Answered, Label, Whole, reading

THERE_ALREADY = "term_exists"
"""WooCommerce's code for a category whose name another one at the same place has."""


class Category(Answered):
    """A category; `parent` is 0 at the top."""

    id: Whole
    name: Label = ""
    parent: Whole = 0


async def every(api: Api) -> list[Category]:
    """All categories of the shop, by id."""
    params = {"orderby": "id", "order": "asc", "hide_empty": "false", "_fields": "id,name,parent"}
    found = []
    async for row in rows(api, "/products/categories", params):
        with reading(f"shop {api.shop}: category {row.get('id')}", Reason.SHOP_BAD_ANSWER):
            found.append(Category.model_validate(row))
    return found


async def create(api: Api, name: str) -> Category:
    """Make a category at the top; one of this name that is there already is taken. Raises `UpstreamError`."""
    try:
        row = await api.write("POST", "/products/categories", {"name": name})
    except Rejected as error:
        if error.code != THERE_ALREADY:
            raise
        there = (one for one in await every(api) if one.name.casefold() == name.casefold() and not one.parent)
        if (found := next(there, None)) is None:
            raise
        return found
    with reading(f"shop {api.shop}: category {row.get('id')}", Reason.SHOP_BAD_ANSWER):
        return Category.model_validate(row)
