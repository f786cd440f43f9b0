"""The taxes of a negative fee before the shop rounded them.

WooCommerce spreads a negative fee over the rates of the order in proportion to the net amounts of the other lines
(order-money rule 9). Version 9.9 answers its taxes unrounded, 10.5 rounded to the shop's decimals; half a tetri of tax
is 3.28 tetri of gross amount, so that the split by rate needs the unrounded ones.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal

from contracts.shop import OrderChanged, OrderLine

HUNDRED = Decimal(100)
HALF = Decimal("0.5")


def unrounded(taxes: Mapping[Decimal, Decimal], line: OrderLine, order: OrderChanged) -> Mapping[Decimal, Decimal]:
    """The line's tax by percent: as answered where that is finer than the line's own figures, else worked out again.

    What the proportion gives is believed only where it rounds to every answered figure.
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
    """The net amounts of the lines that are not below zero, by their rate; None for untaxed ones."""
    percents = {rate.rate_id: rate.percent for rate in order.tax_rates}
    costs: dict[Decimal | None, Decimal] = defaultdict(Decimal)
    for line in order.lines:
        if line.total >= 0:
            rates = [percents.get(tax.rate_id) for tax in line.taxes]
            costs[rates[0] if rates else None] += line.total
    return costs
