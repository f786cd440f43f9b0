"""What the catalogue side announces: mappings, links, plans and stock figures."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from contracts.model import Count, Event, Instant, Money, Part, Quantity, ShopId, Uid, Whole

How = Literal["created", "adopted", "mapped"]


class _ShopItemEvent(Event):
    TOPIC: ClassVar[str] = "catalog.links"
    shop: ShopId
    item: Uid

    @property
    def key(self) -> str:
        return f"{self.shop}:{self.item}"


class RolePrice(Part):
    """A price for some customers only, in a custom field of the product; null: there is none."""

    meta_key: str
    price: Money | None = None
    currency: str | None = Field(default=None, description="its currency, where that is not Balance's own")


class WrittenImage(Part):
    """The picture that was sent last: the SHA-256 of its content, and the id that the shop has given to it."""

    digest: str
    id: Whole = 0


class WrittenProduct(Part):
    """The fields that Davtari last wrote to a product; a field it never wrote is absent (null)."""

    name: str | None = None
    sku: str | None = None
    regular_price: Money | None = None
    sale_price: Money | None = None
    sale_from: Instant | None = None
    sale_to: Instant | None = None
    weight: Quantity | None = None
    category_ids: tuple[Whole, ...] | None = None
    role_prices: tuple[RolePrice, ...] | None = None
    image: WrittenImage | None = None
    retired_from: str | None = Field(default=None, description="the status that a product had before it was retired")
    digest: str


class KeptEdit(Part):
    """A field that was edited in the shop and stays so, as the field's ownership wants it."""

    field: str
    in_shop: str
    in_balance: str


class StoredOtherwise(Part):
    """A text that the shop stored in another form than was sent: shortened, without backslashes or markup."""

    field: str
    sent: str
    stored: str


class FurtherProduct(Part):
    """A further product of the shop that is the same item: a translation.

    `digest`: of the change that was written there last; null: nothing was yet.
    """

    product_id: Whole
    parent_id: Whole = 0
    sku: str
    digest: str | None = None
    retired_from: str | None = Field(default=None, description="the status that it had before it was retired")


class ProductLinked(_ShopItemEvent):
    """The lasting tie of an item to a product, and what was last written there.

    `parent_id` is 0 for a product and the parent's id for a variation. `kept`: what was found edited by hand at that
    write, and was left so. `stored_otherwise`: texts that the shop stored in another form at that write; the product is
    linked all the same.

    One item may be several products of a shop (translations). `further` are those beside `product_id`: prices and stock
    are written to all of them, an order line that names one of them is this item. `further_since`: the moment of the
    last request to add or remove one that is carried out.
    """

    TYPE: ClassVar[str] = "davtari.ProductLinked.v1"
    product_id: Whole
    parent_id: Whole = 0
    sku: str
    how: How
    linked_at: Instant
    written: WrittenProduct | None = None
    written_at: Instant | None = None
    kept: tuple[KeptEdit, ...] = ()
    stored_otherwise: tuple[StoredOtherwise, ...] = ()
    further: tuple[FurtherProduct, ...] = ()
    further_since: Instant | None = None

    @property
    def product_ids(self) -> tuple[int, ...]:
        """Every product, or variation, that is this item."""
        return (self.product_id, *(one.product_id for one in self.further))


class ProductUnlinked(_ShopItemEvent):
    """A tie that no longer holds: the product is gone or was given to another item."""

    TYPE: ClassVar[str] = "davtari.ProductUnlinked.v1"
    product_id: Whole
    reason: str
    unlinked_at: Instant


class ProductPlanned(_ShopItemEvent):
    """What the importer would do (dry-run) or does not do (skip), with the whole payload and the reason."""

    TYPE: ClassVar[str] = "davtari.ProductPlanned.v1"
    TOPIC: ClassVar[str] = "catalog.plans"
    action: Literal["create", "adopt", "update", "skip"]
    reason: str | None = None
    detail: str = ""
    sku: str | None = None
    product_id: Whole | None = None
    payload: WrittenProduct | None = None
    digest: str
    planned_at: Instant


class FigureLine(Part):
    """One line of the explanation of a stock figure; the lines add up to it."""

    label: Literal[
        "on hand",
        "reserved",
        "expiring",
        "in flight",
        "in kits",
        "from components",
        "withdrawn",
        "buffer",
        "last units",
        "share",
        "cap",
        "floor",
        "rounding",
    ]
    quantity: Quantity
    source: str
    orders: tuple[str, ...] = ()


class LocationFigure(Part):
    """The figure of one of the shop's own locations."""

    place: str
    quantity: Quantity


class AvailabilityChanged(_ShopItemEvent):
    """The stock figure of an item in a shop and how it came about, line by line.

    `mode` states whether the figure was written to the shop (`live`) or only announced (`dry-run`). It was written to
    `product_id` and to every further product that is the item (`further_products`).
    """

    TYPE: ClassVar[str] = "davtari.AvailabilityChanged.v1"
    TOPIC: ClassVar[str] = "stock.availability"
    product_id: Whole
    parent_id: Whole = 0
    sku: str
    quantity: Quantity
    explanation: tuple[FigureLine, ...]
    locations: tuple[LocationFigure, ...] = ()
    mode: Literal["live", "dry-run"]
    stock_seen_at: Instant | None = None
    shop_moves: Count = Field(default=0, description="how many stock movements by the shop's orders it answers")
    further_products: tuple[Whole, ...] = ()
    not_managed: tuple[Whole, ...] = Field(
        default=(), description="of these products its people have switched stock management off: no figure is shown"
    )
    published_at: Instant


class GroupRule(Part):
    """A person's decision about a group (folder) of Balance in a shop; it replaces the entry in the settings.

    `access`: `excluded` shuts the group and all below it; `included` opens it and all below it again, where a group
    above is excluded. Without one the group is as open as the groups above it. The category is for everything below
    that has no nearer one; without one that of the groups above counts.
    """

    category_id: Whole | None = Field(default=None, ge=1)
    more_categories: tuple[Whole, ...] = Field(default=(), description="further categories beside `category_id`")
    access: Literal["included", "excluded"] | None = None

    @property
    def category_ids(self) -> tuple[int, ...]:
        """All its categories; none where it names none."""
        return () if self.category_id is None else (self.category_id, *self.more_categories)


class MappingChanged(Event):
    """The category of a group of Balance in a shop, by a person's command; null: that of the settings."""

    TYPE: ClassVar[str] = "davtari.MappingChanged.v1"
    TOPIC: ClassVar[str] = "catalog.mappings"
    shop: ShopId
    group: Uid
    rule: GroupRule | None
    command_id: str
    changed_by: str
    changed_at: Instant

    @property
    def key(self) -> str:
        return f"{self.shop}:{self.group}"
