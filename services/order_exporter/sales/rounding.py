"""What parts the order's total from the sum of its lines, and where it goes (order-money rule 4, claim S3.50)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from contracts.reasons import Reason
from contracts.shop import OrderChanged
from services.accounting.documents.store_credit import store_credit
from services.accounting.documents.unbookable import Unbookable, setting_key
from services.order_exporter.sales.lines import SaleLine
from services.settings.orders import OrderSettings


def rounded(
    lines: Sequence[SaleLine], order: OrderChanged, total: Decimal, settings: OrderSettings
) -> tuple[SaleLine, ...]:
    """The lines with the residue settled, so that they add up to this total of the order exactly.

    It goes on the line with the largest absolute amount, or on a line of its own when `rounding-item` is set.
    Raises `Unbookable` when the residue is larger than `rounding-cap`.
    """
    residue = total - sum((line.amount for line in lines), Decimal(0))
    if not residue:
        return tuple(lines)
    if abs(residue) > settings.rounding_cap:
        raise store_credit(order, residue, settings) or _too_far_apart(residue, order, settings)
    largest = max(range(len(lines)), key=lambda index: abs(lines[index].amount))
    if settings.rounding_item:
        return (*lines, _rounding_line(residue, settings.rounding_item, lines[largest]))
    moved = replace(lines[largest], amount=lines[largest].amount + residue)
    return (*lines[:largest], moved, *lines[largest + 1 :])


def _rounding_line(residue: Decimal, item: str, like: SaleLine) -> SaleLine:
    return replace(
        like,
        order_line_id=None,
        kind="rounding",
        item=item,
        quantity=Decimal(1),
        undiscounted=residue,
        amount=residue,
    )


def _too_far_apart(residue: Decimal, order: OrderChanged, settings: OrderSettings) -> Unbookable:
    cap = setting_key(order.shop, "rounding-cap")
    return Unbookable(
        Reason.SALE_TOTAL_DIFFERS,
        f"order {order.number} of shop {order.shop}: its total is {order.total} {order.currency}, its lines come to "
        f"{order.total - residue}: {residue:+} apart, more than {cap} = {settings.rounding_cap}. Find out in the shop "
        "what the difference is (store credit, a gift card, a line that a plugin has left out) and book the order by "
        "hand; recalculating it there would take such a payment away",
    )
