"""Digests of what an order contains."""

from __future__ import annotations

from contracts.order_statuses import is_void
from contracts.shop import OrderChanged, OrderLine
from services.accounting.documents.digest import digest_of
from services.accounting.documents.written import number


def books_digest(order: OrderChanged) -> str:
    """The digest of currency, total, lines with their products and taxes, and of whether the order was given up.

    Where it is the same, nothing that a document is made of has changed; whether the books would differ where it is
    another one, `compared.edit_of` tells. Buyer, status on the way, dates and texts do not count.
    """
    percents = {rate.rate_id: number(rate.percent) for rate in order.tax_rates}
    lines = [_line(line, percents) for line in sorted(order.lines, key=lambda line: (line.kind, line.line_id))]
    return digest_of([order.currency, number(order.total), is_void(order), lines])


def figures_digest(order: OrderChanged) -> str:
    """The digest of the figures alone: no ids, and no rates, which the shop may show differently later."""
    lines = sorted(
        [line.kind, *map(number, (line.quantity, line.total + line.total_tax, line.total_tax))] for line in order.lines
    )
    return digest_of([order.currency, number(order.total), is_void(order), lines])


def _line(line: OrderLine, percents: dict[int, str]) -> list[object]:
    figures = (line.quantity, line.total, line.total_tax)
    rates = sorted(percents.get(tax.rate_id, str(tax.rate_id)) for tax in line.taxes)
    return [line.kind, line.line_id, line.product_id, line.variation_id, *map(number, figures), rates]
