"""Items of Balance, products with their plans, and stock figures."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from services.console.api.callers import FigureReader
from services.console.api.catalogue_resources import (
    ItemAnswer,
    ItemListParameters,
    ItemPage,
    ItemResource,
    ProductListParameters,
    ProductPage,
    StockAnswer,
    StockListParameters,
    StockPage,
    item_resource,
)
from services.console.api.lists import reply_content, reply_page
from services.console.api.parameters import ShopPath
from services.console.api.routes import ApiRoute
from services.console.queries.catalogue import ItemQuery, ProductQuery, list_items, list_products, read_item
from services.console.queries.page import ResultPage
from services.console.queries.stock import StockDetail, list_stock, read_stock

router = APIRouter(prefix="/v1", tags=["catalogue"], route_class=ApiRoute)
NamePath = Annotated[str, Path(max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]


@router.get("/items", response_model=ItemPage, summary="List items")
async def show_items(
    request: Request, caller: FigureReader, wanted: Annotated[ItemListParameters, Query()]
) -> Response:
    """The items of Balance that all filters match, by name."""

    async def read(connection: AsyncConnection, after: str | None) -> ResultPage[ItemResource]:
        query = ItemQuery(wanted.text, wanted.group, wanted.kind, wanted.withdrawn)
        page = await list_items(connection, query, after, wanted.limit)
        return ResultPage(tuple(item_resource(one) for one in page.items), page.next)

    return await reply_page(request, wanted, ItemPage, "items", read)


@router.get("/items/{uid}", response_model=ItemAnswer, summary="Read an item")
async def show_item(request: Request, caller: FigureReader, uid: NamePath) -> Response:
    """An item with its prices, its stock and what each shop has of it."""

    async def read(connection: AsyncConnection) -> dict[str, Any] | None:
        found = await read_item(connection, uid)
        return {"item": item_resource(found)} if found else None

    return await reply_content(request, ItemAnswer, read)


@router.get("/products/{shop}", response_model=ProductPage, summary="List products and plans")
async def show_products(
    request: Request, caller: FigureReader, shop: ShopPath, wanted: Annotated[ProductListParameters, Query()]
) -> Response:
    """The products of a shop that all filters match, by item; with `pending=true` the plans that are not written."""
    query = ProductQuery(shop, wanted.linked, wanted.pending, wanted.action, wanted.reason, wanted.drifted, wanted.text)

    async def read(connection: AsyncConnection, after: str | None) -> ResultPage[Any]:
        return await list_products(connection, query, after, wanted.limit)

    return await reply_page(request, wanted, ProductPage, "products", read)


@router.get("/stock/{shop}", response_model=StockPage, summary="List stock figures")
async def show_stock(
    request: Request, caller: FigureReader, shop: ShopPath, wanted: Annotated[StockListParameters, Query()]
) -> Response:
    """The stock figures of a shop's linked products, by item."""

    async def read(connection: AsyncConnection, after: str | None) -> ResultPage[Any]:
        return await list_stock(connection, shop, after, wanted.limit, drifted=wanted.drifted)

    return await reply_page(request, wanted, StockPage, "figures", read)


@router.get("/stock/{shop}/{sku:path}", response_model=StockAnswer, summary="Explain a stock figure")
async def show_figure(request: Request, caller: FigureReader, shop: ShopPath, sku: NamePath) -> Response:
    """The figure of a SKU or item uid, line by line, with the figures before it."""

    async def read(connection: AsyncConnection) -> dict[str, Any] | None:
        found = await read_stock(connection, shop, sku)
        return {name: getattr(found, name) for name in StockDetail.__slots__} if found else None

    return await reply_content(request, StockAnswer, read)
