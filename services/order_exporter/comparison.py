"""Whether an order is still what its Sale says (claim K27).

Compared is what the books hold: currency, total, and of each line its amount, quantity and VAT, and the number of the
buyer. What the shop may show differently later counts for nothing: products and variations that were deleted, SKUs,
names, the caption and percent of a rate, decimals, the order of lines, lines that were written again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from contracts.ledger import RecordedLine, SaleRecorded
from contracts.money import TETRI, vat_in
from contracts.order_statuses import is_void
from contracts.shop import OrderChanged, OrderLine
from services.accounting.documents.figures import amounts, blur, finest, number, order_blur
from services.accounting.documents.ids import digest_of
from services.accounting.documents.lines import takes_goods
from services.order_exporter.client import identity_of

# Digests of what an order contains.


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


ZERO, ROUNDING = Decimal(0), Decimal("0.05")
NO_ITEMS: Mapping[int, str] = {}
Percents = frozenset[Decimal | None]


@dataclass(frozen=True, slots=True)
class CurrentLine:
    """A line of the order. `slack` is how far its amount may be from the books: by rounding, and by its decimals.

    `same_tax`: the order's lines state the same tax as when its Sale was made.
    """

    line: OrderLine
    percents: Percents
    slack: Decimal
    same_tax: bool

    @property
    def gross(self) -> Decimal:
        """What the line comes to, with tax."""
        return self.line.total + self.line.total_tax

    @property
    def words(self) -> str:
        """How a line is named to a person."""
        return self.line.name or self.line.sku or self.line.kind


@dataclass(slots=True)
class SoldLine:
    """What the Sale was to hold for a line of the order: one line, or one for each rate."""

    line_id: int
    kind: str
    item: str
    quantity: Decimal
    gross: Decimal = ZERO
    vat: Decimal = ZERO
    percents: set[Decimal | None] = field(default_factory=set)


def describe_edit(order: OrderChanged, sale: SaleRecorded, items: Mapping[int, str] = NO_ITEMS) -> str:
    """In what the order is another one than its Sale, in words; empty where the books would be the same.

    `items` are those that lines of the order mean today, as far as they are known: a line that was added since with
    another item in place of the one that was sold is an edit, too.
    """
    if books_digest(order) == sale.content_digest:
        return _other_buyer(order, sale)
    if order.currency != sale.currency:
        return f"it is in {order.currency}, and was in {sale.currency}"
    if told := _other_total(order, sale):
        return told
    return _other_lines(order, sale, items) or _other_buyer(order, sale)


def _other_total(order: OrderChanged, sale: SaleRecorded) -> str:
    total = sum((row[1] for row in _meant(sale)), ZERO)
    by_lines = _gross(order) if order.store_credits else order.total
    if min(abs(order.total - total), abs(by_lines - total)) <= _blur(order, sale):
        return ""
    return f"it comes to {order.total} {order.currency}, and came to {total}"


def _other_buyer(order: OrderChanged, sale: SaleRecorded) -> str:
    """A number that was taken away is none: the shop erases what a buyer asks it to."""
    identity = identity_of(order.person)
    if sale.buyer is None or identity is None or identity.ref == sale.buyer:
        return ""
    return "its buyer has another number" if sale.buyer else "its buyer has a number"


def _other_lines(order: OrderChanged, sale: SaleRecorded, items: Mapping[int, str]) -> str:
    held, added = {one.line_id: one for one in _held(sale)}, []
    for shown in _shown(order, sale):
        same = held.get(shown.line.line_id)
        if same is None:
            added.append(shown)
        elif told := _other(shown, same):
            return told
        else:
            del held[shown.line.line_id]
    slack = 2 * _blur(order, sale)
    left = [one for one in held.values() if one.kind == "product" or abs(one.gross) > slack]
    return _unmatched(added, left, items)


def _unmatched(added: Iterable[CurrentLine], left: list[SoldLine], items: Mapping[int, str]) -> str:
    """Lines that were written again stand for those that are gone, if they say the same."""
    for shown in added:
        item = items.get(shown.line.line_id)
        same = (one for one in left if not _other(shown, one) and item in (None, one.item))
        found = next(same, None)
        if found is not None:
            left.remove(found)
        elif shown.line.kind == "product" or abs(shown.gross) > shown.slack:
            return f"{shown.words} was added"
    return f"line {left[0].line_id} over {left[0].gross} is gone" if left else ""


def _other(shown: CurrentLine, held: SoldLine) -> str:
    """In what a line is another one than the Sale's."""
    line = shown.line
    if held.kind not in (line.kind, "product" if takes_goods(line) else "fee"):
        return f"{shown.words} is no {held.kind} any more"
    if held.kind == "product" and line.quantity != held.quantity:
        return f"{number(line.quantity)} of {shown.words} instead of {number(held.quantity)}"
    if abs(shown.gross - held.gross) > shown.slack:
        return f"{shown.words} comes to {shown.gross} instead of {held.gross}"
    return "" if _same_vat(shown, held) else f"{shown.words} bears {line.total_tax} of VAT instead of {held.vat}"


def _same_vat(shown: CurrentLine, held: SoldLine) -> bool:
    """At the same rates, or with the tax that the Sale's rates give, whatever the shop calls its rate by now."""
    if shown.same_tax or shown.percents == held.percents:
        return True
    slack = shown.slack + TETRI * len(held.percents)
    return abs(shown.line.total_tax - held.vat) <= slack


def _shown(order: OrderChanged, sale: SaleRecorded) -> Iterator[CurrentLine]:
    """The lines that a Sale holds: free shipping and fees may be left out of it."""
    percents = {rate.rate_id: rate.percent for rate in order.tax_rates}
    slack, same_tax = _rounding(order, sale) + 2 * _blur(order, sale), _is_same_tax(order, sale)
    for line in order.lines:
        if line.kind == "product" or line.total or line.total_tax:
            found = frozenset(percents.get(tax.rate_id) for tax in line.taxes) or frozenset({None})
            yield CurrentLine(line, found, slack, same_tax)


def _is_same_tax(order: OrderChanged, sale: SaleRecorded) -> bool:
    """Sales of earlier versions do not say what tax their orders stated."""
    return sale.order_tax is not None and abs(stated_tax(order) - sale.order_tax) <= _blur(order, sale)


def stated_tax(order: OrderChanged) -> Decimal:
    """The tax that the order's lines state, with as many decimals as the shop shows."""
    tax = sum((line.total_tax for line in order.lines), ZERO)
    return tax.quantize(finest(*amounts(order)))


def _blur(order: OrderChanged, sale: SaleRecorded) -> Decimal:
    """How far an amount may be apart by the decimals that the shop shows now, or showed when the Sale was made."""
    return order_blur(order) if sale.order_tax is None else max(order_blur(order), blur(sale.order_tax))


def _rounding(order: OrderChanged, sale: SaleRecorded) -> Decimal:
    """What rounding parts the order's total from its lines: the Sale holds it in one of its lines, or beside them."""
    own_line = any(line.kind == "rounding" for line in sale.lines)
    residue, most = abs(order.total - _gross(order)), ROUNDING + (1 + 2 * len(order.lines)) * _blur(order, sale)
    return ZERO if own_line or order.store_credits or residue > most else residue


def _held(sale: SaleRecorded) -> list[SoldLine]:
    """What the Sale was to hold, by line of the order."""
    found: dict[int, SoldLine] = {}
    for line, amount, quantity in _meant(sale):
        if line.order_line_id is None or not (amount or line.kind == "product"):
            continue
        known = SoldLine(line.order_line_id, line.kind, line.item, quantity)
        one = found.setdefault(line.order_line_id, known)
        one.gross += amount
        one.vat += vat_in(amount, line.vat_percent or ZERO)
        one.percents.add(line.vat_percent)
    return list(found.values())


def _meant(sale: SaleRecorded) -> list[tuple[RecordedLine, Decimal, Decimal]]:
    """Each line with the amount and quantity that were sent: a change by hand in Balance is no edit of the order."""
    rows = dict(enumerate(sale.sent.get("Items", []), start=1))
    if sale.parts:
        rows = {
            position: row
            for part in sale.parts
            for position, row in zip(part.positions, part.sent.get("Items", []), strict=False)
        }
    return [
        (
            line,
            Decimal(rows.get(position, {}).get("Amount", line.amount)),
            Decimal(rows.get(position, {}).get("Quantity", line.quantity)),
        )
        for position, line in enumerate(sale.lines, start=1)
    ]


def _gross(order: OrderChanged) -> Decimal:
    return sum((line.total + line.total_tax for line in order.lines), ZERO)
