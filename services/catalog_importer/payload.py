"""The payload of a product delivery: which item, which fields, and the product that it is linked to."""

from __future__ import annotations

from pydantic import Field

from contracts.catalog import GroupRule, ProductLinked, WrittenProduct
from contracts.model import Part, ShopId, Uid
from services.catalog_importer.eligibility import Nature
from services.catalog_importer.product import Desired

PLAN, WRITE = "product.plan", "product.write"
"""The kinds: look up and say what would be done; do it."""


class ProductPayload(Part):
    """All that a delivery needs. `digest` stands for the fields and for who owns them.

    `held` and `why`: reason code and words, where a person must approve the change first. `commanded`: what people
    have commanded about the item's groups.
    """

    shop: ShopId
    nature: Nature
    desired: Desired
    digest: str
    link: ProductLinked | None = None
    held: str | None = None
    why: str = ""
    commanded: dict[Uid, GroupRule] = Field(default_factory=dict)

    @property
    def item(self) -> Uid:
        return self.nature.item

    @property
    def base(self) -> WrittenProduct:
        """What we wrote to the linked product last; nothing when there is none."""
        return (self.link and self.link.written) or WrittenProduct(digest="")
