"""Which item each product line of an order means, or what the order waits for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from contracts.reasons import Reason
from contracts.shop import OrderChanged, OrderLine
from services.accounting.documents.goods import takes_goods
from services.accounting.documents.translations import items_by_sku
from services.accounting.documents.unbookable import Unbookable
from services.engine.outbox.outcome import Blocked
from services.engine.state.records import State
from services.order_exporter.projection import LINK, PLANNED_LINK, SALE, link_name, product_key


@dataclass(frozen=True, slots=True)
class Items:
    """The item of each line of goods, by line id. `notes` tell of lines whose own product is not linked."""

    by_line: Mapping[int, str]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of a line: the item that it means for certain, and those that its SKU means."""

    line: OrderLine
    item: str | None
    by_sku: tuple[str, ...]


def items_of(order: OrderChanged, state: State, *, live: bool) -> Items | Blocked:
    """The items of the order's goods; `Blocked` on the link of the first line whose item is not known.

    A Sale that is only planned (not `live`) may stand on links that are only planned too. Raises `Unbookable` for a
    line that names no product and has no SKU that means an item.
    """
    known = [_known(line, order, state, live=live) for line in order.lines if takes_goods(line)]
    for one in known:
        if one.item is None and len(one.by_sku) != 1:
            return _waits(one.line, order, one.by_sku)
    items = {one.line.line_id: one.item or one.by_sku[0] for one in known}
    return Items(items, tuple(_told(one.line, one.by_sku[0]) for one in known if one.item is None))


def known_items(order: OrderChanged, state: State) -> dict[int, str]:
    """The items that lines of the order mean today, by line id; lines of which that is not certain are left out."""
    lines = [line for line in order.lines if takes_goods(line)]
    found = {line.line_id: _linked(line, order, state, live=True) for line in lines}
    return {line_id: item for line_id, item in found.items() if item}


def _known(line: OrderLine, order: OrderChanged, state: State, *, live: bool) -> _Known:
    item = _linked(line, order, state, live=live) or _sold_before(line, order, state)
    return _Known(line, item, () if item else items_by_sku(order.shop, line.sku, state))


def _linked(line: OrderLine, order: OrderChanged, state: State, *, live: bool) -> str | None:
    product = product_key(order.shop, line)
    link = state.get(LINK, product) or (None if live else state.get(PLANNED_LINK, product))
    return link.item if link else None


def _sold_before(line: OrderLine, order: OrderChanged, state: State) -> str | None:
    """The item of the line on an earlier Sale of the order, whose product the shop may have deleted since."""
    sale = state.get(SALE, order.key)
    lines = sale.lines if sale else ()
    return next((sold.item for sold in lines if sold.order_line_id == line.line_id and sold.kind == "product"), None)


def _told(line: OrderLine, item: str) -> str:
    product = line.variation_id or line.product_id
    return f"line {line.line_id}: product {product} is not linked; its SKU {line.sku} belongs to item {item}"


def _waits(line: OrderLine, order: OrderChanged, items: tuple[str, ...]) -> Blocked:
    where, product = f"order {order.number} of shop {order.shop}", line.variation_id or line.product_id
    if items:
        reason, what = Reason.SALE_SKU_AMBIGUOUS, _ambiguous(line, items)
    elif product:
        reason, what = Reason.SALE_ITEM_NOT_LINKED, _unlinked(line)
    else:
        raise _nameless(line, where)
    on = link_name(product_key(order.shop, line))
    return Blocked(on=on, reason=reason, detail=f"{where}: product {product} ({line.name}) {what}")


def _ambiguous(line: OrderLine, items: tuple[str, ...]) -> str:
    return (
        f"is not linked, and its SKU {line.sku} belongs to the items {' and '.join(items)}: give one of them another "
        "SKU in Balance; the order then goes by itself"
    )


def _unlinked(line: OrderLine) -> str:
    sku = f"its SKU {line.sku} belongs to no linked item" if line.sku else "it has no SKU"
    return (
        f"has no item in Balance, and {sku}: give it its item's SKU and run davtari import items; the order then goes "
        "by itself"
    )


def _nameless(line: OrderLine, where: str) -> Unbookable:
    return Unbookable(
        Reason.SALE_ITEM_NOT_LINKED,
        f"{where}: line {line.line_id} ({line.name}) names no product of the shop (deleted, or typed by hand): put a "
        "product on that line in the shop, or book the order by hand",
    )
