"""What an order with a parent is (claim K26): a part of its parent's purchase, or an order of its own.

Marketplaces split a purchase into a parent, which keeps the whole, and one order for each seller. Deposits and renewals
also name a parent, and are sold on their own. Only `orders.sub-orders` can tell these apart: until it does, such an
order is booked by nobody and reserves nothing. The same rule holds for documents, stock and reports.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from typing import Literal, Protocol

from contracts.delivery_ids import order_key
from contracts.shop import OrderChanged
from services.settings.orders import OrderSettings

DEFAULT = "default"
Role = Literal["whole", "part-of-parent", "own-order", "undecided"]


class HasParent(Protocol):
    """An order, whole or as a list shows it."""

    @property
    def parent_id(self) -> int: ...
    @property
    def created_via(self) -> str: ...


def role_of(order: HasParent, settings: OrderSettings) -> Role:
    """What the order is: `whole` without a parent; else what the setting says for its `created_via`."""
    if not order.parent_id:
        return "whole"
    return settings.sub_orders.get(order.created_via) or settings.sub_orders.get(DEFAULT) or "undecided"


def is_own_purchase(order: HasParent, settings: OrderSettings) -> bool:
    """Whether the order has a Sale and stock reservation of its own: it has no parent, or the setting says so."""
    return role_of(order, settings) in ("whole", "own-order")


def parent_key(order: OrderChanged) -> str:
    """The key (`shop:order`) of the order's parent."""
    return order_key(order.shop, order.parent_id)


def is_covered(part: OrderChanged, parent: OrderChanged) -> bool:
    """Whether the parent holds what this part of it holds: as much money, and all its pieces of goods."""
    held = _pieces(parent)
    fits = all(held.get(product, Decimal(0)) >= count for product, count in _pieces(part).items())
    return fits and part.currency == parent.currency and part.total <= parent.total


def _pieces(order: OrderChanged) -> Mapping[int, Decimal]:
    pieces: dict[int, Decimal] = defaultdict(Decimal)
    for line in order.lines:
        if line.kind == "product" and (product := line.variation_id or line.product_id):
            pieces[product] += line.quantity
    return pieces
