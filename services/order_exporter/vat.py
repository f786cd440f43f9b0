"""From a rate in percent to Balance's VAT rate."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from contracts.reasons import Reason
from contracts.shop import OrderChanged
from services.shared.documents.unbookable import Unbookable, setting_key
from services.shared.documents.written import number

UNTAXED = "none"


def balance_rate(percent: Decimal | None, vat_rates: Mapping[str, str], order: OrderChanged) -> str:
    """Balance's name or uid for a rate; None is an untaxed line. Raises `Unbookable` for a rate without a mapping."""
    key = UNTAXED if percent is None else number(percent)
    if key not in vat_rates:
        name = setting_key(order.shop, "vat-rates")
        raise Unbookable(
            Reason.SALE_TAX_NOT_MAPPED,
            f"order {order.number} of shop {order.shop} was sold at the rate {key}, and {name} has no entry "
            f'"{key}": say which VAT rate of Balance that is',
        )
    return vat_rates[key]
