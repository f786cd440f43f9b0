"""The warehouse of an order (claim S3.37): by rule, or the first of several with enough stock; and split Sales."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any
from uuid import UUID

from contracts.ledger import DocumentPart
from contracts.money import to_tetri
from contracts.placement import LinePlace, Pieces, WarehouseChosen
from contracts.reasons import Reason
from contracts.shop import OrderChanged
from services.accounting.documents.ids import part_uid
from services.accounting.documents.order_edits import books_digest
from services.accounting.documents.order_rules import RuleEffects
from services.engine.outbox.outcome import Blocked
from services.engine.state.records import State
from services.order_exporter.sale import Sale
from services.order_exporter.stock import (
    CHOSEN,
    SERVICE_ITEM,
    WAREHOUSE,
    FreeStock,
    free_stock,
    warehouse_name,
)


@dataclass(frozen=True, slots=True)
class WarehouseChoice:
    """The warehouse of an order; None if the settings name none. A new `choice` has to be announced.

    `pieces`: what the order takes there, if stock was compared.
    `lines`: by line id, only if the goods leave several warehouses; then `warehouse` is the first of them.
    """

    warehouse: str | None
    choice: WarehouseChosen | None = None
    lines: Mapping[int, str] = field(default_factory=dict)
    pieces: tuple[Pieces, ...] = ()


@dataclass(frozen=True, slots=True)
class WarehouseOptions:
    """What a choice is made from: the warehouses in order, the item of each line, the pieces of goods by item, the
    setting or rule that names the warehouses, and the stock that is free for the order."""

    options: Sequence[str]
    items: Mapping[int, str]
    pieces: Mapping[str, Decimal]
    by: str
    stock: FreeStock


def choose_warehouse(
    order: OrderChanged, items: Mapping[int, str], ruling: RuleEffects, state: State, *, split: bool = False
) -> WarehouseChoice | Blocked:
    """The warehouse of an order. `items`: the item of each product line, by line id.

    A choice is kept for the same content of the order, even if the stock changes. If no warehouse has enough for all
    lines, each line leaves the first that has enough (`split`), or all leave the last of the list. `Blocked` while the
    name of a warehouse is unknown.
    """
    options = [_uid_of(name, order, ruling, state) for name in ruling.warehouses]
    if waits := next((one for one in options if isinstance(one, Blocked)), None):
        return waits
    known = [one for one in options if isinstance(one, str)]
    if len(known) < 2:
        return WarehouseChoice(known[0] if known else None)
    chosen = state.get(CHOSEN, order.key)
    if chosen and chosen.content_digest == books_digest(order) and chosen.warehouse in known:
        return WarehouseChoice(chosen.warehouse, None, _by_line(chosen), chosen.pieces)
    pieces = needed_pieces(order, items, state)
    found = WarehouseOptions(known, items, pieces, ruling.by["warehouse"], free_stock(pieces.keys(), order.key, state))
    full = next((one for one in known if _has_all(one, found)), None)
    return _choose_several(order, found, state) if full is None and split else _choose_one(order, found, full, state)


def needed_pieces(order: OrderChanged, items: Mapping[int, str], state: State) -> dict[str, Decimal]:
    """The pieces of goods that the order takes, by item; services have no stock."""
    pieces: dict[str, Decimal] = defaultdict(Decimal)
    services = state.get_many(SERVICE_ITEM, items.values())
    for line in order.lines:
        item = items.get(line.line_id) if line.kind == "product" else None
        if item and item not in services:
            pieces[item] += line.quantity
    return dict(pieces)


def _by_line(chosen: WarehouseChosen) -> dict[int, str]:
    return {line.line_id: line.warehouse for line in chosen.lines}


def _choose_one(order: OrderChanged, found: WarehouseOptions, full: str | None, state: State) -> WarehouseChoice:
    by = found.by
    why = (
        f"the first of {by} with enough for all lines"
        if full
        else f"none of {by} has enough for all lines: the last of them"
    )
    warehouse = full or found.options[-1]
    pieces = tuple(Pieces(item=item, quantity=quantity) for item, quantity in found.pieces.items())
    return WarehouseChoice(warehouse, _choice(order, warehouse, pieces, why, state), pieces=pieces)


def _choose_several(order: OrderChanged, found: WarehouseOptions, state: State) -> WarehouseChoice:
    lines, taken = _assign_lines(order, found)
    used = [one for one in found.options if one in lines.values()]
    if len(used) < 2:
        return _choose_one(order, found, None, state)
    pieces = tuple(Pieces(item=item, quantity=count, warehouse=place) for (item, place), count in taken.items())
    choice = _choice(order, used[0], pieces, f"none of {found.by} has enough for all lines: split", state)
    places = tuple(LinePlace(line_id=line, warehouse=warehouse) for line, warehouse in lines.items())
    return WarehouseChoice(used[0], choice.model_copy(update={"lines": places}), lines, pieces)


def _assign_lines(
    order: OrderChanged, found: WarehouseOptions
) -> tuple[dict[int, str], dict[tuple[str, str], Decimal]]:
    """The warehouse of each line of goods: the first with enough stock, else the last; and the pieces taken there."""
    lines: dict[int, str] = {}
    taken: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for line in order.lines:
        item = found.items.get(line.line_id) if line.kind == "product" else None
        if item not in found.pieces or item is None:
            continue
        left = (one for one in found.options if _left_in_warehouse(item, one, taken, found.stock) >= line.quantity)
        lines[line.line_id] = next(left, found.options[-1])
        taken[item, lines[line.line_id]] += line.quantity
    return lines, dict(taken)


def _left_in_warehouse(
    item: str, warehouse: str, taken: Mapping[tuple[str, str], Decimal], stock: FreeStock
) -> Decimal:
    return stock.free_in(item, warehouse) - taken.get((item, warehouse), Decimal(0))


def _choice(order: OrderChanged, warehouse: str, pieces: tuple[Pieces, ...], why: str, state: State) -> WarehouseChosen:
    return WarehouseChosen(
        shop=order.shop,
        order_id=order.order_id,
        warehouse=warehouse,
        pieces=pieces,
        content_digest=books_digest(order),
        why=why,
        chosen_at=state.now,
    )


def _has_all(warehouse: str, found: WarehouseOptions) -> bool:
    return all(found.stock.free_in(item, warehouse) >= quantity for item, quantity in found.pieces.items())


def _uid_of(name: str, order: OrderChanged, ruling: RuleEffects, state: State) -> str | Blocked:
    """A uid is used as it is; so is the text of `orders.warehouse`, which some builds of Balance look up."""
    if (uid := _as_uid(name)) is not None:
        return uid
    known = list(state.find(WAREHOUSE, name))
    if len(known) == 1:
        return known[0]
    return name if ruling.by["warehouse"] == "orders.warehouse" else _unknown(name, order, ruling, len(known))


def _as_uid(name: str) -> str | None:
    try:
        return str(UUID(name))
    except ValueError:
        return None


def _unknown(name: str, order: OrderChanged, ruling: RuleEffects, found: int) -> Blocked:
    why = f"{found} warehouses have that name" if found else "no stock reading contains it"
    return Blocked(
        on=warehouse_name(name),
        reason=Reason.SALE_WAREHOUSE_UNKNOWN,
        detail=f"order {order.number} of shop {order.shop}: {ruling.by['warehouse']} names the warehouse {name!r}, and "
        f"{why}: set its uid there, or run davtari import stock",
    )


def split_sale(
    sale: Sale, places: Mapping[int, str], document: Callable[[Sale], dict[str, Any]]
) -> tuple[DocumentPart, ...]:
    """The documents of a Sale whose goods leave several warehouses; they add up to the Sale to the tetri.

    `places`: the warehouse of each line of goods. Shipping, fees, services and rounding are in the first document, that
    of the Sale's own warehouse. No line is divided, so that nothing is rounded again.
    """
    positions: dict[str, list[int]] = {sale.warehouse: []}
    for position, line in enumerate(sale.lines, start=1):
        goods = line.kind == "product" and line.order_line_id is not None
        place = places.get(line.order_line_id or 0, sale.warehouse) if goods else sale.warehouse
        positions.setdefault(place, []).append(position)
    return tuple(_part(sale, warehouse, held, document) for warehouse, held in positions.items())


def _part(
    sale: Sale, warehouse: str, positions: Sequence[int], document: Callable[[Sale], dict[str, Any]]
) -> DocumentPart:
    lines = tuple(sale.lines[position - 1] for position in positions)
    total = sum((line.amount for line in lines), Decimal(0))
    uid = sale.uid if warehouse == sale.warehouse else part_uid(sale.uid, warehouse)
    paid, credit = _paid(sale, total)
    own = replace(sale, uid=uid, warehouse=warehouse, lines=lines, total=total, paid=paid, store_credit=credit)
    return DocumentPart(document=uid, warehouse=warehouse, total=total, positions=tuple(positions), sent=document(own))


def _paid(sale: Sale, total: Decimal) -> tuple[Decimal, Decimal]:
    """What was paid of a part, by the payment method and by store credit, in proportion to the Sale."""
    if not sale.store_credit:
        return (total if sale.paid else Decimal(0)), Decimal(0)
    credit = to_tetri(total * sale.store_credit / sale.total)
    return (total - credit if sale.paid else Decimal(0)), credit
