"""Stock figures of a shop, each explained line by line, with the figures before it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.balance import StockChanged
from contracts.catalog import AvailabilityChanged, ProductLinked
from contracts.drift import StockDrifted
from services.console.model.catalogue import CatalogueRow, ProductRow, StockFigureRow, items, products, stock_figures
from services.console.queries.page import LIMIT, ResultPage, cursor_of, make_page, parse_cursor, within_limit

P = products.c


@dataclass(frozen=True, slots=True)
class StockDetail:
    """The figure of a product. `figure` is None until one is published; `stock`: what Balance reported.

    `history`: the last figures, newest first. `drift`: a change in the shop after the last one. `others`: items with
    the same SKU in this shop.
    """

    link: ProductLinked
    name: str
    figure: AvailabilityChanged | None
    stock: StockChanged | None
    history: tuple[AvailabilityChanged, ...]
    drift: StockDrifted | None
    others: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ListedStock:
    """The figure of a product as a list shows it."""

    link: ProductLinked
    name: str
    figure: AvailabilityChanged | None
    drift: StockDrifted | None


async def read_stock(connection: AsyncConnection, shop: str, sku: str) -> StockDetail | None:
    """The figure of a SKU or item uid; None if the shop sells nothing under it."""
    named = or_(P.sku == sku.casefold(), P.item == sku)
    bodies = await connection.scalars(select(P.body).where(P.shop == shop, P.linked.is_(True), named))
    rows = [ProductRow.model_validate_json(body) for body in bodies]
    links = sorted((row.link for row in rows if row.link), key=lambda link: link.linked_at)
    if not links:
        return None
    link = links[-1]
    row = next(row for row in rows if row.link == link)
    item = await _read_item(connection, link.item)
    return StockDetail(
        link=link,
        name=item.item.name if item and item.item else "",
        figure=row.availability,
        stock=item.stock if item else None,
        history=await _read_history(connection, link.key),
        drift=row.drift if row.drifted else None,
        others=tuple(one.item for one in links[:-1]),
    )


async def _read_item(connection: AsyncConnection, uid: str) -> CatalogueRow | None:
    body = await connection.scalar(select(items.c.body).where(items.c.key == uid))
    return None if body is None else CatalogueRow.model_validate_json(body)


async def _read_history(connection: AsyncConnection, key: str) -> tuple[AvailabilityChanged, ...]:
    query = select(stock_figures.c.body).where(stock_figures.c.ref == key).order_by(stock_figures.c.at.desc())
    return tuple(StockFigureRow.model_validate_json(body).figure for body in await connection.scalars(query))


async def list_stock(
    connection: AsyncConnection, shop: str, after: str | None = None, limit: int = LIMIT, *, drifted: bool = False
) -> ResultPage[ListedStock]:
    """A page of the figures of a shop's linked products, by item. Raises `InvalidCursor`."""
    query = select(P.key, P.item, P.body).where(P.shop == shop, P.linked.is_(True)).order_by(P.key)
    if drifted:
        query = query.where(P.drifted.is_(True))
    if after is not None:
        query = query.where(P.key > parse_cursor(after, str)[0])
    rows = (await connection.execute(query.limit(within_limit(limit) + 1))).all()
    names = await _read_names(connection, [row.item for row in rows])
    return make_page(
        rows,
        limit,
        lambda row: _listed(ProductRow.model_validate_json(row.body), names.get(row.item, "")),
        lambda row: cursor_of(row.key),
    )


async def _read_names(connection: AsyncConnection, uids: list[str]) -> dict[str, str]:
    query = select(items.c.key, items.c.body).where(items.c.key.in_(uids))
    rows = {key: CatalogueRow.model_validate_json(body) for key, body in await connection.execute(query)}
    return {key: row.item.name for key, row in rows.items() if row.item}


def _listed(row: ProductRow, name: str) -> ListedStock:
    assert row.link, "only linked products are listed"
    return ListedStock(row.link, name, row.availability, row.drift if row.drifted else None)
