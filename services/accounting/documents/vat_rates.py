"""At which VAT rate a line was sold, and which rate in Balance that is.

The rate comes from the line's taxes and the order's rates, never from the tax class or from tax / net: the class "" may
be untaxed, and cents at 18 % answer a tax of 0.00 (rule 7, claim S3.12).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from contracts.money import to_tetri
from contracts.reasons import Reason
from contracts.shop import OrderChanged, OrderLine, TaxRate
from services.accounting.documents.figures import number
from services.accounting.documents.unbookable import Unbookable, setting_key
from services.accounting.documents.vat import STANDARD, UNTAXED, is_reviewed, is_zero_mapped, is_zero_meant
from services.settings.orders import OrderSettings

HUNDRED = Decimal(100)
BLUR = Decimal("0.04")
"""A tax in whole tetri determines its gross amount only to half a tetri × 118 / 18."""
WHOLE_BLUR = Decimal(1)
"""The same in a shop that rounds to whole lari."""


@dataclass(frozen=True, slots=True)
class Share:
    """The part of a line's gross amount that was sold at one rate; `percent` is None for an untaxed one."""

    percent: Decimal | None
    gross: Decimal


def split_by_rate(line: OrderLine, order: OrderChanged) -> tuple[Share, ...]:
    """A line by VAT rate: one share, or several for a negative fee, which WooCommerce spreads over the rates of the
    goods (rule 9).

    Raises `Unbookable` for compound or unknown rates, for two taxes on the same amount (claim S3.11), and for tax at a
    rate of 0 %.
    """
    gross, taxes = line.total + line.total_tax, _taxes_by_percent(line, order)
    _no_tax_at_zero(taxes, line, order)
    spread = line.kind == "fee" and gross < 0
    if not gross or (len(taxes) <= 1 and not spread):
        return (Share(next(iter(taxes), None), gross),)
    shares = _split(gross, unrounded_taxes(taxes, line, order), _blur(line))
    if len(shares) > 1 and not spread:
        raise _unmapped_tax(line, order, "carries several taxes at once; correct its taxes in the shop")
    return shares


def _taxes_by_percent(line: OrderLine, order: OrderChanged) -> dict[Decimal, Decimal]:
    rates = {rate.rate_id: rate for rate in order.tax_rates}
    taxes: dict[Decimal, Decimal] = defaultdict(Decimal)
    for tax in line.taxes:
        taxes[_percent(line, order, rates, tax.rate_id)] += tax.total
    if not taxes and line.total_tax:
        raise _unmapped_tax(
            line, order, f"has {line.total_tax} of tax but names no rate; correct its taxes in the shop"
        )
    return taxes


def _no_tax_at_zero(taxes: Mapping[Decimal, Decimal], line: OrderLine, order: OrderChanged) -> None:
    """A deleted or computed rate may be answered as 0 % together with a tax (WooCommerce fact 76, rule 22)."""
    without_rate = line.total_tax if taxes and not any(taxes) else Decimal(0)
    tax = taxes.get(Decimal(0), Decimal(0)) or without_rate
    if tax:
        raise Unbookable(
            Reason.SALE_TAX_AT_ZERO,
            f"order {order.number} of shop {order.shop}: line {line.line_id} ({line.name or line.kind}) has {tax} of "
            "tax at a rate that the shop states as 0 %: correct the rate of the order in the shop, or book it by hand",
        )


def _percent(line: OrderLine, order: OrderChanged, rates: Mapping[int, TaxRate], rate_id: int) -> Decimal:
    rate = rates.get(rate_id)
    if rate is None:
        raise _unmapped_tax(
            line, order, f"names tax rate {rate_id}, which the order does not list; correct its taxes there"
        )
    if rate.compound:
        raise _unmapped_tax(line, order, f"has the compound rate {rate.label!r}, which Balance cannot represent")
    return rate.percent


def _blur(line: OrderLine) -> Decimal:
    return BLUR if line.total.as_tuple().exponent != 0 else WHOLE_BLUR


def _split(gross: Decimal, taxes: Mapping[Decimal, Decimal], blur: Decimal) -> tuple[Share, ...]:
    """The gross amount by rate, computed from each tax. The rest was sold at the zero rate or untaxed; a rest within
    the uncertainty of the taxes, or with the other sign, belongs to the largest share."""
    shares: dict[Decimal | None, Decimal] = {
        percent: to_tetri(tax * (HUNDRED + percent) / percent) for percent, tax in taxes.items() if percent
    }
    rest = gross - sum(shares.values(), Decimal(0))
    remainder = Decimal(0) if Decimal(0) in taxes else None
    if any(shares.values()) and (abs(rest) <= blur or rest * gross < 0):
        remainder = max(shares, key=lambda percent: abs(shares[percent]))
    shares[remainder] = shares.get(remainder, Decimal(0)) + rest
    return tuple(Share(percent, part) for percent, part in shares.items() if part)


def _unmapped_tax(line: OrderLine, order: OrderChanged, what: str) -> Unbookable:
    where = f"order {order.number} of shop {order.shop}: line {line.line_id} ({line.kind})"
    return Unbookable(Reason.SALE_TAX_NOT_MAPPED, f"{where} {what}")


HALF = Decimal("0.5")


def unrounded_taxes(
    taxes: Mapping[Decimal, Decimal], line: OrderLine, order: OrderChanged
) -> Mapping[Decimal, Decimal]:
    """A negative fee's tax by percent before the shop rounded it (rule 9).

    WooCommerce 9.9 answers these taxes unrounded, 10.5 rounded; half a tetri of tax is 3.28 tetri of gross amount, so
    the split by rate needs unrounded ones. They are computed in proportion to the net amounts of the other lines, and
    used only if they round to every answered figure.
    """
    unit = Decimal(1).scaleb(int(line.total.as_tuple().exponent))
    if any(tax != tax.quantize(unit) for tax in taxes.values()):
        return taxes
    found = _in_proportion(taxes, line, order)
    fits = all(abs(found[percent] - tax) <= unit * HALF for percent, tax in taxes.items())
    return found if fits else taxes


def _in_proportion(taxes: Mapping[Decimal, Decimal], line: OrderLine, order: OrderChanged) -> dict[Decimal, Decimal]:
    costs = _net_by_percent(order)
    whole = sum(costs.values(), Decimal(0))
    if not whole:
        return dict(taxes)
    return {percent: line.total * costs[percent] / whole * percent / HUNDRED for percent in taxes}


def _net_by_percent(order: OrderChanged) -> Mapping[Decimal | None, Decimal]:
    """The net amounts of the lines that are not negative, by rate; None for untaxed ones."""
    percents = {rate.rate_id: rate.percent for rate in order.tax_rates}
    costs: dict[Decimal | None, Decimal] = defaultdict(Decimal)
    for line in order.lines:
        if line.total >= 0:
            rates = [percents.get(tax.rate_id) for tax in line.taxes]
            costs[rates[0] if rates else None] += line.total
    return costs


def balance_vat_rate(
    percent: Decimal | None, line: OrderLine, order: OrderChanged, settings: OrderSettings, *, taxed: bool = False
) -> str:
    """Balance's name or uid for the rate of a line, as a person mapped it (claim S2.18); `percent` None is untaxed.

    An entry for the line's tax class is preferred. `taxed`: Balance has a VAT rate above zero for the line's item.
    Raises `Unbookable` for a rate without a mapping, for a new tax class, and for 0 % where VAT is due.
    """
    tax_class, key = class_of(line), UNTAXED if percent is None else number(percent)
    if not is_reviewed(tax_class, settings):
        raise _new_class(tax_class, line, order)
    if key == "0" and not _is_zero_intended(line, settings, taxed=taxed):
        raise _zero_rate_error(line, order)
    found = settings.vat_rates.get(f"{tax_class}:{key}") or settings.vat_rates.get(key)
    if not found:
        raise _unmapped_rate(key, order)
    return found


def class_of(line: OrderLine) -> str:
    """The tax class of a line as the settings name it."""
    return line.tax_class or STANDARD


def taxed_rates(settings: OrderSettings) -> frozenset[str]:
    """Balance's VAT rates above zero, as the settings name them."""
    percents = {key: key.rpartition(":")[2] for key in settings.vat_rates}
    return frozenset(settings.vat_rates[key] for key, percent in percents.items() if percent not in ("0", UNTAXED))


def _is_zero_intended(line: OrderLine, settings: OrderSettings, *, taxed: bool) -> bool:
    """Whether 0 % is intended for this line: by a mapping of its class, or by the class itself.

    Shipping and negative fees follow the goods, and have no class of their own. On a free line no VAT is due.
    """
    if is_zero_mapped(class_of(line), settings) or line.kind == "shipping" or line.total + line.total_tax <= 0:
        return True
    return is_zero_meant(class_of(line), settings) and not taxed


def _zero_rate_error(line: OrderLine, order: OrderChanged) -> Unbookable:
    return Unbookable(
        Reason.SALE_TAX_AT_ZERO,
        f"order {order.number} of shop {order.shop}: line {line.line_id} ({line.name or line.kind}) was sold at 0 % in "
        f"the tax class {class_of(line)!r}: correct the rate in the shop and in this order, or confirm that 0 % is "
        "intended: "
        f'{setting_key(order.shop, "vat-rates")} needs an entry "{class_of(line)}:0"',
    )


def _unmapped_rate(key: str, order: OrderChanged) -> Unbookable:
    return Unbookable(
        Reason.SALE_TAX_NOT_MAPPED,
        f"order {order.number} of shop {order.shop} was sold at the rate {key}, but "
        f'{setting_key(order.shop, "vat-rates")} has no entry "{key}": add the VAT rate of Balance for it',
    )


def _new_class(tax_class: str, line: OrderLine, order: OrderChanged) -> Unbookable:
    return Unbookable(
        Reason.SALE_TAX_NOT_MAPPED,
        f"order {order.number} of shop {order.shop}: line {line.line_id} has the tax class {tax_class!r}, which is "
        f"new: check that its rates are mapped (davtari check taxes), then add it to "
        f"{setting_key(order.shop, 'tax-classes')}",
    )
