"""A person's word on which product an item is: a mapping by hand, or a link table brought from elsewhere."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from contracts.model import Count, Part, ShopId, Uid, Whole
from contracts.operations import Command


class RequestedLink(Part):
    """An item and the product, or the variation of `parent_id`, that it is.

    `further`: the product is a further one of an item that is linked already (its translation), to be added to its link
    or removed from it.
    """

    item: Uid
    product_id: Whole = Field(gt=0)
    parent_id: Count = 0
    sku: str
    further: Literal["add", "remove"] | None = None


class LinkRequested(Command):
    """Tie these items to these products; the link of an item that has one stays, unless a product is `further`."""

    TYPE: ClassVar[str] = "davtari.LinkRequested.v2"
    shop: ShopId
    links: tuple[RequestedLink, ...] = Field(max_length=1000)
