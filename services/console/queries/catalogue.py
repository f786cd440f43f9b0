"""Items with prices and stock, groups, products with their links and plans, mappings of groups."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.catalog import MappingChanged
from services.console.model.catalogue import CatalogueRow, MappingRow, ProductRow, items, mappings, products
from services.console.queries.page import LIMIT, ResultPage, cursor_of, make_page, parse_cursor, within_limit

ITEM, P = items.c, products.c


@dataclass(frozen=True, slots=True)
class ItemQuery:
    """Which items; what is left out does not limit. `text` finds a SKU exactly, or a part of a name."""

    text: str = ""
    group: str = ""
    kind: str = "goods"
    withdrawn: bool | None = False


@dataclass(frozen=True, slots=True)
class ListedItem:
    """An item of Balance with its prices and stock, and what each shop has of it (by shop)."""

    uid: str
    row: CatalogueRow
    products: Mapping[str, ProductRow]


@dataclass(frozen=True, slots=True)
class ProductQuery:
    """Which products of a shop; what is left out does not limit. `pending`: with a plan that was not written yet."""

    shop: str
    linked: bool | None = None
    pending: bool | None = None
    action: str = ""
    reason: str = ""
    drifted: bool | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class PlanCount:
    """So many items of a shop with the same planned action and reason."""

    shop: str
    action: str
    reason: str
    count: int


async def list_items(
    connection: AsyncConnection, wanted: ItemQuery, after: str | None = None, limit: int = LIMIT
) -> ResultPage[ListedItem]:
    """A page of items, by name. Raises `InvalidCursor`."""
    query = select(ITEM.key, ITEM.name, ITEM.body).where(*_item_conditions(wanted)).order_by(ITEM.name, ITEM.key)
    if after is not None:
        query = query.where(tuple_(ITEM.name, ITEM.key) > tuple_(*parse_cursor(after, str, str)))
    rows = (await connection.execute(query.limit(within_limit(limit) + 1))).all()
    in_shops = await _products_of(connection, [row.key for row in rows])
    return make_page(
        rows,
        limit,
        lambda row: ListedItem(row.key, CatalogueRow.model_validate_json(row.body), in_shops.get(row.key, {})),
        lambda row: cursor_of(row.name, row.key),
    )


def _item_conditions(wanted: ItemQuery) -> Iterator[ColumnElement[bool]]:
    yield from (column == text for column, text in ((ITEM.group, wanted.group), (ITEM.item_kind, wanted.kind)) if text)
    if wanted.withdrawn is not None:
        yield ITEM.withdrawn.is_(wanted.withdrawn)
    if text := wanted.text.strip().casefold():
        yield or_(ITEM.sku == text, ITEM.name.contains(text, autoescape=True), ITEM.key == text)


async def _products_of(connection: AsyncConnection, uids: list[str]) -> dict[str, dict[str, ProductRow]]:
    found: dict[str, dict[str, ProductRow]] = {}
    for item, shop, body in await connection.execute(select(P.item, P.shop, P.body).where(P.ref.in_(uids))):
        found.setdefault(item, {})[shop] = ProductRow.model_validate_json(body)
    return found


async def read_item(connection: AsyncConnection, uid: str) -> ListedItem | None:
    """An item by its uid, with what each shop has of it."""
    body = await connection.scalar(select(ITEM.body).where(ITEM.key == uid))
    if body is None:
        return None
    in_shops = await _products_of(connection, [uid])
    return ListedItem(uid, CatalogueRow.model_validate_json(body), in_shops.get(uid, {}))


async def list_groups_of_items(connection: AsyncConnection) -> list[tuple[ListedItem, int]]:
    """Every group of Balance that exists, with the number of goods directly in it."""
    inside = select(ITEM.group, func.count().label("count")).where(ITEM.item_kind == "goods", ITEM.withdrawn.is_(False))
    in_groups = await connection.execute(inside.group_by(ITEM.group))
    counts: dict[str, int] = {row[0]: row[1] for row in in_groups}
    query = (
        select(ITEM.key, ITEM.body)
        .where(ITEM.item_kind == "folder", ITEM.withdrawn.is_(False))
        .order_by(ITEM.name, ITEM.key)
    )
    rows = await connection.execute(query)
    return [(ListedItem(key, CatalogueRow.model_validate_json(body), {}), counts.get(key, 0)) for key, body in rows]


async def list_products(
    connection: AsyncConnection, wanted: ProductQuery, after: str | None = None, limit: int = LIMIT
) -> ResultPage[ProductRow]:
    """A page of the products of a shop, by item. Raises `InvalidCursor`."""
    query = select(P.key, P.body).where(*_product_conditions(wanted)).order_by(P.key)
    if after is not None:
        query = query.where(P.key > parse_cursor(after, str)[0])
    rows = (await connection.execute(query.limit(within_limit(limit) + 1))).all()
    return make_page(rows, limit, _product, lambda row: cursor_of(row.key))


def _product(row: Any) -> ProductRow:
    return ProductRow.model_validate_json(row.body)


def _product_conditions(wanted: ProductQuery) -> Iterator[ColumnElement[bool]]:
    yield P.shop == wanted.shop
    yield from (column == text for column, text in ((P.action, wanted.action), (P.reason, wanted.reason)) if text)
    flags = ((P.linked, wanted.linked), (P.pending, wanted.pending), (P.drifted, wanted.drifted))
    yield from (column.is_(flag) for column, flag in flags if flag is not None)
    if text := wanted.text.strip().casefold():
        yield or_(P.sku == text, P.item == text)


async def list_links(
    connection: AsyncConnection, shop: str, after: str | None = None, limit: int = LIMIT
) -> ResultPage[ProductRow]:
    """A page of the linked products of a shop. Raises `InvalidCursor`."""
    return await list_products(connection, ProductQuery(shop, linked=True), after, limit)


async def list_plans(
    connection: AsyncConnection, shop: str, action: str = "", after: str | None = None, limit: int = LIMIT
) -> ResultPage[ProductRow]:
    """A page of the planned changes of a shop that were not written yet. Raises `InvalidCursor`."""
    return await list_products(connection, ProductQuery(shop, pending=True, action=action), after, limit)


async def count_plans(connection: AsyncConnection, shop: str) -> list[PlanCount]:
    """How many items of a shop have which planned action for which reason, the most frequent first."""
    count = func.count()
    query: Select[Any] = select(P.action, P.reason, count).where(P.shop == shop, P.pending.is_(True))
    rows = await connection.execute(query.group_by(P.action, P.reason).order_by(count.desc(), P.action, P.reason))
    return [PlanCount(shop, action, reason, number) for action, reason, number in rows]


async def list_mappings(connection: AsyncConnection, shop: str) -> list[MappingChanged]:
    """The categories that people have set for groups of a shop, by group; those of the settings are not among them."""
    query = select(mappings.c.body).where(mappings.c.shop == shop).order_by(mappings.c.key)
    rows = [MappingRow.model_validate_json(body).changed for body in await connection.scalars(query)]
    return [changed for changed in rows if changed.rule is not None]
