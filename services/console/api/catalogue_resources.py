"""Items, products and stock figures as the API shows them; the events in them are those of `contracts/schemas`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from contracts.balance import ItemChanged, PriceChanged, StockChanged
from contracts.catalog import AvailabilityChanged, ProductLinked, ProductPlanned
from contracts.drift import StockDrifted
from contracts.model import Instant
from services.console.api.answers import Answer, Resource
from services.console.api.parameters import ListParameters, Word
from services.console.queries.catalogue import ListedItem


class ProductResource(Resource):
    """What a shop has of an item: its link, what is planned for it or why not, its stock figure, a drift of it."""

    shop: str
    item: str
    linked: bool
    pending: bool
    drifted: bool
    link: ProductLinked | None
    plan: ProductPlanned | None
    availability: AvailabilityChanged | None
    drift: StockDrifted | None


class ItemResource(Resource):
    """An item of Balance with its prices and stock, and what each shop has of it."""

    uid: str
    item: ItemChanged | None
    prices: PriceChanged | None
    stock: StockChanged | None
    withdrawn_at: Instant | None
    products: list[ProductResource]


class ItemPage(Answer):
    """A page of items, by name. `next` is the cursor of the following page, null on the last one."""

    items: list[ItemResource]
    next: str | None


class ItemAnswer(Answer):
    """One item."""

    item: ItemResource


class ProductPage(Answer):
    """A page of products, by item. `next` is the cursor of the following page, null on the last one."""

    products: list[ProductResource]
    next: str | None


class StockResource(Resource):
    """The stock figure of a product; `figure` is null until one is published."""

    name: str
    link: ProductLinked
    figure: AvailabilityChanged | None
    drift: StockDrifted | None


class StockPage(Answer):
    """A page of stock figures, by item. `next` is the cursor of the following page, null on the last one."""

    figures: list[StockResource]
    next: str | None


class StockAnswer(Answer):
    """One stock figure, explained. `stock`: what Balance reported. `history`: the last figures, newest first."""

    name: str
    link: ProductLinked
    figure: AvailabilityChanged | None
    stock: StockChanged | None
    history: list[AvailabilityChanged]
    drift: StockDrifted | None
    others: list[str]


class ItemListParameters(ListParameters):
    """Filters of the list of items."""

    text: Annotated[Word, Field(description="a SKU, or a part of the name")] = ""
    group: Word = ""
    kind: Literal["", "goods", "service", "folder", "unknown"] = "goods"
    withdrawn: bool | None = False


class ProductListParameters(ListParameters):
    """Filters of the list of products. `pending`: with a plan that was not written yet."""

    linked: bool | None = None
    pending: bool | None = None
    action: Literal["", "create", "adopt", "update", "skip"] = ""
    reason: Word = ""
    drifted: bool | None = None
    text: Annotated[Word, Field(description="a SKU or the uid of an item")] = ""


class StockListParameters(ListParameters):
    """Filters of the list of stock figures."""

    drifted: Annotated[bool, Field(description="only those that were changed in the shop")] = False


def item_resource(found: ListedItem) -> ItemResource:
    """The resource of an item."""
    return ItemResource(
        uid=found.uid,
        item=found.row.item,
        prices=found.row.prices,
        stock=found.row.stock,
        withdrawn_at=found.row.withdrawn_at,
        products=[ProductResource.model_validate(found.products[shop]) for shop in sorted(found.products)],
    )
