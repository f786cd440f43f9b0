"""Orders of which store credit or a gift card has paid a part: the total is lower than the lines by that.

Such a payment changes nothing of what was sold: the Sale holds the lines in full, and the credit is a payment in it.
"""

from __future__ import annotations

from decimal import Decimal

from contracts.reasons import Reason
from contracts.shop import OrderChanged
from services.accounting.documents.unbookable import Unbookable, setting_key
from services.settings.orders import STORE_CREDIT, OrderSettings

ZERO = Decimal(0)


def credit_booked(order: OrderChanged, settings: OrderSettings) -> Decimal:
    """What store credit has paid of the order, where the settings book it as a payment; 0 where they do not.

    Only an amount that the shop's own signs explain counts.
    """
    if settings.store_credit != "payment" or not order.store_credits:
        return ZERO
    gap = _gap(order)
    return gap if gap > settings.rounding_cap and _explains(order, gap, settings) else ZERO


def booked_total(order: OrderChanged, settings: OrderSettings) -> Decimal:
    """What the order's Sale comes to: its total, and what store credit has paid besides."""
    return order.total + credit_booked(order, settings)


def find_unbooked_credit(order: OrderChanged, residue: Decimal, settings: OrderSettings) -> Unbookable | None:
    """Why an order waits whose total is below its lines by this residue, where store credit may have paid it."""
    if residue >= 0 or not order.store_credits:
        return None
    names = ", ".join(dict.fromkeys(credit.name for credit in order.store_credits))
    stated = ", ".join(dict.fromkeys(str(credit.amount) for credit in order.store_credits if credit.amount))
    told = f", which says {stated}" if stated else ""
    return Unbookable(
        Reason.SALE_STORE_CREDIT,
        f"order {order.number} of shop {order.shop}: store credit or a gift card ({names}{told}) paid a part of it: "
        f"its total is {order.total} {order.currency}, its lines come to {order.total - residue}. "
        f'{setting_key(order.shop, "store-credit")} = "payment" books it in full with {-residue} paid by credit '
        f"(payments.{STORE_CREDIT} names the account); or book it by hand. Do not recalculate the order in the shop: "
        "that would undo the credit",
    )


def _gap(order: OrderChanged) -> Decimal:
    return sum((line.total + line.total_tax for line in order.lines), ZERO) - order.total


def _explains(order: OrderChanged, gap: Decimal, settings: OrderSettings) -> bool:
    """Whether the signs name no amount, or this one: each alone, or all of them together."""
    amounts = [credit.amount for credit in order.store_credits if credit.amount is not None]
    sums = [*amounts, sum(amounts, ZERO)]
    return not amounts or any(abs(amount - gap) <= settings.rounding_cap for amount in sums)
