"""The warehouse that an order's goods leave (claim S3.37): by rule, or the first of several that holds all lines."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from contracts.placement import Pieces, WarehouseChosen
from contracts.reasons import Reason
from contracts.shop import OrderChanged
from services.order_exporter.content import books_digest
from services.order_exporter.stock import CHOSEN, SERVICE_ITEM, WAREHOUSE, free_in, warehouse_name
from services.shared.delivery.outcome import Blocked
from services.shared.documents.ruling import Ruling
from services.shared.state.records import State


@dataclass(frozen=True, slots=True)
class Place:
    """Where the goods leave; None when the settings name no warehouse. `choice` is to be announced where it is new."""

    warehouse: str | None
    choice: WarehouseChosen | None = None


def place_of(order: OrderChanged, items: Mapping[int, str], ruling: Ruling, state: State) -> Place | Blocked:
    """The warehouse of an order; `items` holds the item of each product line, by line id.

    What was chosen once for this content of the order stays chosen, whatever the stock says later. When no warehouse
    holds all lines, the last of the list is taken: the shop's own. `Blocked` while a name is not known.
    """
    options = [_uid_of(name, order, ruling, state) for name in ruling.warehouses]
    if waits := next((one for one in options if isinstance(one, Blocked)), None):
        return waits
    known = [one for one in options if isinstance(one, str)]
    if len(known) < 2:
        return Place(known[0] if known else None)
    chosen = state.get(CHOSEN, order.key)
    if chosen and chosen.content_digest == books_digest(order) and chosen.warehouse in known:
        return Place(chosen.warehouse)
    return _chosen(order, needed(order, items, state), known, ruling, state)


def needed(order: OrderChanged, items: Mapping[int, str], state: State) -> dict[str, Decimal]:
    """The pieces of goods that the order takes, by item; services lie nowhere."""
    pieces: dict[str, Decimal] = defaultdict(Decimal)
    for line in order.lines:
        item = items.get(line.line_id) if line.kind == "product" else None
        if item and state.get(SERVICE_ITEM, item) is None:
            pieces[item] += line.quantity
    return dict(pieces)


def _chosen(
    order: OrderChanged, pieces: Mapping[str, Decimal], options: Sequence[str], ruling: Ruling, state: State
) -> Place:
    full = next((one for one in options if _holds_all(one, pieces, order, state)), None)
    by = ruling.by["warehouse"]
    warehouse = full or options[-1]
    choice = WarehouseChosen(
        shop=order.shop,
        order_id=order.order_id,
        warehouse=warehouse,
        pieces=tuple(Pieces(item=item, quantity=quantity) for item, quantity in pieces.items()),
        content_digest=books_digest(order),
        why=f"the first of {by} that holds all lines" if full else f"none of {by} holds all lines: the last of them",
        chosen_at=state.now,
    )
    return Place(warehouse, choice)


def _holds_all(warehouse: str, pieces: Mapping[str, Decimal], order: OrderChanged, state: State) -> bool:
    return all(free_in(item, warehouse, order.key, state) >= quantity for item, quantity in pieces.items())


def _uid_of(name: str, order: OrderChanged, ruling: Ruling, state: State) -> str | Blocked:
    """A uid is taken at its word; so is the text of `orders.warehouse`, as some builds of Balance look it up."""
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


def _unknown(name: str, order: OrderChanged, ruling: Ruling, found: int) -> Blocked:
    told = f"{found} warehouses bear that name" if found else "no stock reading has shown it"
    return Blocked(
        on=warehouse_name(name),
        reason=Reason.SALE_WAREHOUSE_UNKNOWN,
        detail=f"order {order.number} of shop {order.shop}: {ruling.by['warehouse']} names the warehouse {name!r}, and "
        f"{told}: write its uid there, or run davtari import stock",
    )
