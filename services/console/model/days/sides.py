"""One side of an entry, shop or books: its total, and the amounts by VAT rate."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from contracts.ledger import RecordedLine
from contracts.shop import OrderChanged, OrderLine, RefundIssued, RefundLine
from services.accounting.documents.figures import number
from services.accounting.documents.unbookable import Unbookable
from services.accounting.documents.vat_rates import split_by_rate

UNTAXED, UNSTATED = "none", "?"


@dataclass(frozen=True, slots=True)
class Taxed:
    """An amount including VAT, and the VAT in it."""

    gross: Decimal = Decimal(0)
    vat: Decimal = Decimal(0)

    def plus(self, gross: Decimal, vat: Decimal) -> Taxed:
        """The sum with another amount."""
        return Taxed(self.gross + gross, self.vat + vat)

    @property
    def net(self) -> Decimal:
        """The amount without VAT."""
        return self.gross - self.vat


Rates = Mapping[str, Taxed]


def sum_by_rate(parts: Iterable[tuple[str, Decimal, Decimal]]) -> dict[str, Taxed]:
    """Sum parts (rate, gross, VAT) by rate."""
    sums: dict[str, Taxed] = defaultdict(Taxed)
    for rate, gross, vat in parts:
        sums[rate] = sums[rate].plus(gross, vat)
    return dict(sums)


def order_rates(order: OrderChanged, total: Decimal) -> Rates:
    """The order by rate, with the shop's taxes. The residue between its lines and `total` is added to the largest."""
    return _add_residue(sum_by_rate(part for line in order.lines for part in _line_parts(line, order)), total)


def refund_rates(refund: RefundIssued, order: OrderChanged) -> Rates:
    """The refund by rate; a refund without lines has no known rate."""
    if not refund.lines:
        return {UNSTATED: Taxed(refund.amount)}
    lines = (_to_order_line(line) for line in refund.lines)
    return _add_residue(sum_by_rate(part for line in lines for part in _line_parts(line, order)), refund.amount)


def document_rates(lines: Iterable[RecordedLine]) -> Rates:
    """The lines of a document by rate."""
    return sum_by_rate((_rate_name(line.vat_percent), line.amount, line.vat) for line in lines)


def _line_parts(line: OrderLine, order: OrderChanged) -> list[tuple[str, Decimal, Decimal]]:
    """The parts of a line: its gross amount by rate, and each of its taxes."""
    percents = {rate.rate_id: rate.percent for rate in order.tax_rates}
    taxes = [(_rate_name(percents.get(tax.rate_id)), Decimal(0), tax.total) for tax in line.taxes]
    try:
        shares = [(_rate_name(share.percent), share.gross, Decimal(0)) for share in split_by_rate(line, order)]
    except Unbookable:
        shares = [(UNSTATED, line.total + line.total_tax, Decimal(0))]
    return [*shares, *taxes]


def _rate_name(percent: Decimal | None) -> str:
    return UNTAXED if percent is None else number(percent)


def _add_residue(rates: dict[str, Taxed], total: Decimal) -> Rates:
    residue = total - sum((taxed.gross for taxed in rates.values()), Decimal(0))
    if residue:
        largest = max(rates, key=lambda rate: abs(rates[rate].gross), default=UNSTATED)
        rates[largest] = rates.get(largest, Taxed()).plus(residue, Decimal(0))
    return rates


def _to_order_line(line: RefundLine) -> OrderLine:
    return OrderLine(
        line_id=line.line_id,
        kind=line.kind,
        subtotal=line.total,
        subtotal_tax=line.total_tax,
        total=line.total,
        total_tax=line.total_tax,
        taxes=line.taxes,
    )


@dataclass(frozen=True, slots=True)
class Side:
    """The total of one side on its day. `uid`: that of the document, or empty; `rates`: empty for payments."""

    total: Decimal
    currency: str
    rates: Rates
    date: str
    uid: str = ""


def side_figures(side: Side | None) -> object:
    """The content of a side for digests, as JSON data."""
    if side is None:
        return None
    rates = {rate: [number(taxed.gross), number(taxed.vat)] for rate, taxed in side.rates.items()}
    return [side.uid, number(side.total), side.currency, rates]
