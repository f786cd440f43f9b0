"""From a tax class and its rate in percent to Balance's VAT rate: only what a person has mapped (claim S2.18)."""

from __future__ import annotations

from decimal import Decimal

from contracts.reasons import Reason
from contracts.shop import OrderChanged, OrderLine
from services.shared.documents.unbookable import Unbookable, setting_key
from services.shared.documents.written import number
from services.shared.settings.orders import OrderSettings

UNTAXED, STANDARD = "none", "standard"


def balance_rate(percent: Decimal | None, line: OrderLine, order: OrderChanged, settings: OrderSettings) -> str:
    """Balance's name or uid for the rate of a line; None is an untaxed one. An entry for the line's class goes first.

    Raises `Unbookable` for a rate without a mapping, and for a class that nobody has looked at.
    """
    tax_class, key = line.tax_class or STANDARD, UNTAXED if percent is None else number(percent)
    if tax_class not in settings.tax_classes:
        raise _new_class(tax_class, line, order)
    found = settings.vat_rates.get(f"{tax_class}:{key}") or settings.vat_rates.get(key)
    if not found:
        raise _unmapped(key, order)
    return found


def _unmapped(key: str, order: OrderChanged) -> Unbookable:
    return Unbookable(
        Reason.SALE_TAX_NOT_MAPPED,
        f"order {order.number} of shop {order.shop} was sold at the rate {key}, and "
        f'{setting_key(order.shop, "vat-rates")} has no entry "{key}": say which VAT rate of Balance that is',
    )


def _new_class(tax_class: str, line: OrderLine, order: OrderChanged) -> Unbookable:
    return Unbookable(
        Reason.SALE_TAX_NOT_MAPPED,
        f"order {order.number} of shop {order.shop}: line {line.line_id} has the tax class {tax_class!r}, which is new "
        f"here: look whether its rates are mapped (davtari check taxes), then add it to "
        f"{setting_key(order.shop, 'tax-classes')}",
    )
