"""Orders partly paid by store credit or a gift card: their total is lower than the sum of their lines.

Such a payment does not change what was sold: the Sale contains the lines in full, and the credit is a payment in it.
"""

from __future__ import annotations

from decimal import Decimal

from contracts.reasons import Reason
from contracts.shop import OrderChanged
from services.accounting.documents.unbookable import Unbookable, setting_key
from services.settings.orders import STORE_CREDIT, OrderSettings

ZERO = Decimal(0)


def credit_booked(order: OrderChanged, settings: OrderSettings) -> Decimal:
    """The part of the order paid by store credit, if the settings book it as a payment; else 0.

    Only an amount that the shop's own figures explain counts.
    """
    if settings.store_credit != "payment" or not order.store_credits:
        return ZERO
    gap = _gap(order)
    return gap if gap > settings.rounding_cap and _explains(order, gap, settings) else ZERO


def booked_total(order: OrderChanged, settings: OrderSettings) -> Decimal:
    """The total of the order's Sale: the order's total plus the part paid by store credit."""
    return order.total + credit_booked(order, settings)


def find_unbooked_credit(order: OrderChanged, residue: Decimal, settings: OrderSettings) -> Unbookable | None:
    """Why an order whose total is below its lines by this residue waits, if store credit may have paid it."""
    if residue >= 0 or not order.store_credits:
        return None
    names = ", ".join(dict.fromkeys(credit.name for credit in order.store_credits))
    stated = ", ".join(dict.fromkeys(str(credit.amount) for credit in order.store_credits if credit.amount))
    stated_as = f", which states {stated}" if stated else ""
    return Unbookable(
        Reason.SALE_STORE_CREDIT,
        f"order {order.number} of shop {order.shop}: store credit or a gift card ({names}{stated_as}) paid a part: "
        f"its total is {order.total} {order.currency}, the sum of its lines {order.total - residue}. "
        f'{setting_key(order.shop, "store-credit")} = "payment" books it in full with {-residue} paid by credit '
        f"(payments.{STORE_CREDIT} names the account); or book it by hand. Do not recalculate the order in the shop: "
        "that would undo the credit",
    )


def _gap(order: OrderChanged) -> Decimal:
    return sum((line.total + line.total_tax for line in order.lines), ZERO) - order.total


def _explains(order: OrderChanged, gap: Decimal, settings: OrderSettings) -> bool:
    """Whether the signs state no amount, or this one, alone or as their sum."""
    amounts = [credit.amount for credit in order.store_credits if credit.amount is not None]
    sums = [*amounts, sum(amounts, ZERO)]
    return not amounts or any(abs(amount - gap) <= settings.rounding_cap for amount in sums)
