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
    known = _known(order, state, live=live)
    for one in known:
        if one.item is None and len(one.by_sku) != 1:
            return _waits(one.line, order, one.by_sku)
    items = {one.line.line_id: one.item or one.by_sku[0] for one in known}
    return Items(items, tuple(_told(one.line, one.by_sku[0]) for one in known if one.item is None))


def known_items(order: OrderChanged, state: State) -> dict[int, str]:
    """The items that lines of the order mean today, by line id; lines of which that is not certain are left out."""
    return _linked(order, state, live=True)


def _known(order: OrderChanged, state: State, *, live: bool) -> list[_Known]:
    items = _sold_before(order, state) | _linked(order, state, live=live)
    lines = [line for line in order.lines if takes_goods(line)]
    by_sku = items_by_sku(order.shop, (line.sku for line in lines if line.line_id not in items), state)
    return [_Known(line, items.get(line.line_id), by_sku.get(line.sku, ())) for line in lines]


def _linked(order: OrderChanged, state: State, *, live: bool) -> dict[int, str]:
    """The linked items of lines, by line id; links that are only planned count unless `live`."""
    products = {line.line_id: product_key(order.shop, line) for line in order.lines if takes_goods(line)}
    planned = {} if live else state.get_many(PLANNED_LINK, products.values())
    links = planned | state.get_many(LINK, products.values())
    return {line_id: links[product].item for line_id, product in products.items() if product in links}


def _sold_before(order: OrderChanged, state: State) -> dict[int, str]:
    """The items of lines on an earlier Sale of the order, whose products the shop may have deleted since."""
    sale = state.get(SALE, order.key)
    sold = [line for line in sale.lines if line.kind == "product"] if sale else []
    return {line.order_line_id: line.item for line in reversed(sold) if line.order_line_id is not None}


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
