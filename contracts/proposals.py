"""Products that only a shop has, proposed as items of Balance. Balance is the master: nothing is made there by us."""

from __future__ import annotations

from typing import ClassVar

from contracts.model import Money, ShopId, Whole
from contracts.operations import Command


class ItemProposed(Command):
    """A product without an item might become one: the accountant decides, and makes it in Balance."""

    TYPE: ClassVar[str] = "davtari.ItemProposed.v2"
    shop: ShopId
    product_id: Whole
    sku: str
    name: str
    regular_price: Money | None = None


class ItemApproved(Command):
    """A person agrees that a proposed item shall be in Balance; it goes into the list for the accountant."""

    TYPE: ClassVar[str] = "davtari.ItemApproved.v2"
    shop: ShopId
    product_id: Whole
    sku: str
    why: str = ""
