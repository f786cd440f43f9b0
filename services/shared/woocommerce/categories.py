"""Product categories, which Balance groups are mapped to."""

from __future__ import annotations

from contracts.reasons import Reason
from services.shared.woocommerce.api import Api
from services.shared.woocommerce.pages import rows
from services.shared.woocommerce.read import Answered, Label, Whole, reading


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
