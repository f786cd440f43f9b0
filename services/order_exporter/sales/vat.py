"""From a tax class and its rate in percent to Balance's VAT rate: only what a person has mapped (claim S2.18)."""

from __future__ import annotations

from decimal import Decimal

from contracts.reasons import Reason
from contracts.shop import OrderChanged, OrderLine
from services.accounting.documents.unbookable import Unbookable, setting_key
from services.accounting.documents.vat_classes import STANDARD, UNTAXED, is_looked_at, is_zero_mapped, is_zero_meant
from services.accounting.documents.written import number
from services.settings.orders import OrderSettings


def balance_rate(
    percent: Decimal | None, line: OrderLine, order: OrderChanged, settings: OrderSettings, *, taxed: bool = False
) -> str:
    """Balance's name or uid for the rate of a line; None is an untaxed one. An entry for the line's class goes first.

    `taxed`: Balance has a VAT rate above zero for the line's item. Raises `Unbookable` for a rate without a mapping,
    for a class that nobody has looked at, and for 0 % where VAT is due.
    """
    tax_class, key = class_of(line), UNTAXED if percent is None else number(percent)
    if not is_looked_at(tax_class, settings):
        raise _new_class(tax_class, line, order)
    if key == "0" and not _is_meant(line, settings, taxed=taxed):
        raise _zero(line, order)
    found = settings.vat_rates.get(f"{tax_class}:{key}") or settings.vat_rates.get(key)
    if not found:
        raise _unmapped(key, order)
    return found


def class_of(line: OrderLine) -> str:
    """The tax class of a line as the settings name it."""
    return line.tax_class or STANDARD


def taxed_rates(settings: OrderSettings) -> frozenset[str]:
    """Balance's VAT rates above zero, as the settings name them."""
    percents = {key: key.rpartition(":")[2] for key in settings.vat_rates}
    return frozenset(settings.vat_rates[key] for key, percent in percents.items() if percent not in ("0", UNTAXED))


def _is_meant(line: OrderLine, settings: OrderSettings, *, taxed: bool) -> bool:
    """Whether 0 % is what this line is to have: by a mapping of its class, by a class made for it, or as other lines.

    Shipping follows the goods or a class that the order does not name, a negative fee the goods: neither has a class of
    its own. On a free line no VAT is due.
    """
    if is_zero_mapped(class_of(line), settings) or line.kind == "shipping" or line.total + line.total_tax <= 0:
        return True
    return is_zero_meant(class_of(line), settings) and not taxed


def _zero(line: OrderLine, order: OrderChanged) -> Unbookable:
    return Unbookable(
        Reason.SALE_TAX_AT_ZERO,
        f"order {order.number} of shop {order.shop}: line {line.line_id} ({line.name or line.kind}) was sold at 0 % in "
        f"the tax class {class_of(line)!r}: correct the rate in the shop and in this order, or say that 0 % is meant: "
        f'{setting_key(order.shop, "vat-rates")} needs an entry "{class_of(line)}:0"',
    )


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
