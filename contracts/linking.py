"""A person's word on which product an item is: a mapping by hand, or a link table brought from elsewhere."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from contracts.model import Part, ShopId, Uid
from contracts.operations import Command


class RequestedLink(Part):
    """An item and the product, or the variation of `parent_id`, that it is."""

    item: Uid
    product_id: int = Field(gt=0)
    parent_id: int = Field(default=0, ge=0)
    sku: str


class LinkRequested(Command):
    """Tie these items to these products; an item that is tied already stays as it is."""

    TYPE: ClassVar[str] = "davtari.LinkRequested.v1"
    shop: ShopId
    links: tuple[RequestedLink, ...] = Field(max_length=1000)
