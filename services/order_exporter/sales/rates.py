"""At which VAT rate a line was sold.

The rate comes from the line's taxes joined with the order's rates, never from the tax class or from tax / net: a class
"" may be untaxed, and cents at 18 % answer tax 0.00 (order-money rule 7, claim S3.12).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from contracts.money import to_tetri
from contracts.reasons import Reason
from contracts.shop import OrderChanged, OrderLine, TaxRate
from services.accounting.documents.unbookable import Unbookable
from services.order_exporter.sales.spreading import unrounded

HUNDRED = Decimal(100)
BLUR = Decimal("0.04")
"""A tax typed to the tetri fixes the gross amount behind it only to half a tetri × 118 / 18."""
WHOLE_BLUR = Decimal(1)
"""The same in a shop that rounds to whole lari."""


@dataclass(frozen=True, slots=True)
class Share:
    """The part of a line's gross amount that was sold at one rate; `percent` is None for an untaxed one."""

    percent: Decimal | None
    gross: Decimal


def shares_of(line: OrderLine, order: OrderChanged) -> tuple[Share, ...]:
    """A line by VAT rate: one share, or several for a negative fee, which WooCommerce spreads over the rates of the
    goods (order-money rule 9).

    Raises `Unbookable` for compound or unknown rates, for two taxes on the same amount (claim S3.11), and for tax at a
    rate of 0 %.
    """
    gross, taxes = line.total + line.total_tax, _taxes_by_percent(line, order)
    _no_tax_at_zero(taxes, line, order)
    spread = line.kind == "fee" and gross < 0
    if not gross or (len(taxes) <= 1 and not spread):
        return (Share(next(iter(taxes), None), gross),)
    shares = _split(gross, unrounded(taxes, line, order), _blur(line))
    if len(shares) > 1 and not spread:
        raise _unmapped(line, order, "carries several taxes at once; correct its taxes in the shop")
    return shares


def _taxes_by_percent(line: OrderLine, order: OrderChanged) -> dict[Decimal, Decimal]:
    rates = {rate.rate_id: rate for rate in order.tax_rates}
    taxes: dict[Decimal, Decimal] = defaultdict(Decimal)
    for tax in line.taxes:
        taxes[_percent(line, order, rates, tax.rate_id)] += tax.total
    if not taxes and line.total_tax:
        raise _unmapped(line, order, f"has {line.total_tax} of tax but names no rate; correct its taxes in the shop")
    return taxes


def _no_tax_at_zero(taxes: Mapping[Decimal, Decimal], line: OrderLine, order: OrderChanged) -> None:
    """API fact: a rate that was deleted, or that a plugin computes, may answer 0 % beside the tax that was taken."""
    without_rate = line.total_tax if taxes and not any(taxes) else Decimal(0)
    tax = taxes.get(Decimal(0), Decimal(0)) or without_rate
    if tax:
        raise Unbookable(
            Reason.SALE_TAX_AT_ZERO,
            f"order {order.number} of shop {order.shop}: line {line.line_id} ({line.name or line.kind}) bears {tax} of "
            "tax at a rate that the shop gives as 0 %: correct the rate of the order in the shop, or book it by hand",
        )


def _percent(line: OrderLine, order: OrderChanged, rates: Mapping[int, TaxRate], rate_id: int) -> Decimal:
    rate = rates.get(rate_id)
    if rate is None:
        raise _unmapped(
            line, order, f"names tax rate {rate_id}, which the order does not list; correct its taxes there"
        )
    if rate.compound:
        raise _unmapped(line, order, f"has the compound rate {rate.label!r}, which Balance cannot hold")
    return rate.percent


def _blur(line: OrderLine) -> Decimal:
    return BLUR if line.total.as_tuple().exponent != 0 else WHOLE_BLUR


def _split(gross: Decimal, taxes: Mapping[Decimal, Decimal], blur: Decimal) -> tuple[Share, ...]:
    """The gross amount by rate, as each tax tells it. The rest was sold at the zero rate, or else untaxed; a rest that
    is no more than the taxes' blur, or that has the other sign, belongs to the largest share."""
    shares: dict[Decimal | None, Decimal] = {
        percent: to_tetri(tax * (HUNDRED + percent) / percent) for percent, tax in taxes.items() if percent
    }
    rest = gross - sum(shares.values(), Decimal(0))
    remainder = Decimal(0) if Decimal(0) in taxes else None
    if any(shares.values()) and (abs(rest) <= blur or rest * gross < 0):
        remainder = max(shares, key=lambda percent: abs(shares[percent]))
    shares[remainder] = shares.get(remainder, Decimal(0)) + rest
    return tuple(Share(percent, part) for percent, part in shares.items() if part)


def _unmapped(line: OrderLine, order: OrderChanged, what: str) -> Unbookable:
    where = f"order {order.number} of shop {order.shop}: line {line.line_id} ({line.kind})"
    return Unbookable(Reason.SALE_TAX_NOT_MAPPED, f"{where} {what}")
