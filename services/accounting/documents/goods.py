"""Which order lines move goods out of stock."""

from __future__ import annotations

from contracts.shop import OrderLine


def takes_goods(line: OrderLine) -> bool:
    """Whether the line sells goods: a product line whose amount is not below zero.

    A product line with a negative amount is a discount; its goods, if it names any, stay where they are.
    """
    return line.kind == "product" and line.total + line.total_tax >= 0
