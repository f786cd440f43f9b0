"""Whether an order still equals its Sale (claim K27, rule 20).

Only what is in the books is compared: currency, total, the buyer's number, and each line's amount, quantity and VAT.
What a shop may show differently later is ignored: deleted products and variations, SKUs, names, the label and percent
of a rate, decimals, the order of lines, and lines that were replaced by equal ones.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from operator import itemgetter

from contracts.json_text import digest_of
from contracts.ledger import RecordedLine, SaleRecorded
from contracts.money import TETRI, vat_in
from contracts.order_statuses import is_void
from contracts.shop import OrderChanged, OrderLine
from services.accounting.documents.figures import amounts, blur, finest, number, order_blur
from services.accounting.documents.identity import identity_of
from services.accounting.documents.lines import takes_goods


def books_digest(order: OrderChanged) -> str:
    """The digest of currency, total, lines with their products and taxes, and of whether the order was given up.

    If it is unchanged, so is everything that a document is made of; if it differs, `describe_edit` finds whether the
    books would differ. Buyer, status, dates and texts do not count.
    """
    percents = {rate.rate_id: number(rate.percent) for rate in order.tax_rates}
    lines = [_line(line, percents) for line in sorted(order.lines, key=lambda line: (line.kind, line.line_id))]
    return digest_of([order.currency, number(order.total), is_void(order), lines])


def figures_digest(order: OrderChanged) -> str:
    """The digest of the figures only, without ids and rates, which the shop may show differently later."""
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
Alike = tuple[str, Decimal | None, str | None]
"""Kind, quantity (of products) and item (None: any)."""
Figures = tuple[Decimal, Decimal, Percents]
"""Amount, VAT and rates."""


@dataclass(frozen=True, slots=True)
class CurrentLine:
    """A line of the order. `slack` is the permitted difference to the books, by rounding and decimals.

    `same_tax`: the order's lines state the same tax as when its Sale was made.
    """

    line: OrderLine
    percents: Percents
    slack: Decimal
    same_tax: bool

    @property
    def gross(self) -> Decimal:
        """The line's amount with tax."""
        return self.line.total + self.line.total_tax

    @property
    def name(self) -> str:
        """The line's name in messages."""
        return self.line.name or self.line.sku or self.line.kind


@dataclass(slots=True)
class SoldLine:
    """The content of the Sale for a line of the order: one line, or one for each rate."""

    line_id: int
    kind: str
    item: str
    quantity: Decimal
    gross: Decimal = ZERO
    vat: Decimal = ZERO
    percents: set[Decimal | None] = field(default_factory=set)


def describe_edit(order: OrderChanged, sale: SaleRecorded, items: Mapping[int, str] = NO_ITEMS) -> str:
    """How the order differs from its Sale; empty if the books would be the same.

    `items`: the items that the order's lines have today, as far as they are known. Replacing a line by an equal one
    with another item is an edit, too.
    """
    if books_digest(order) == sale.content_digest:
        return _compare_buyer(order, sale)
    if order.currency != sale.currency:
        return f"its currency is {order.currency} instead of {sale.currency}"
    if difference := _compare_total(order, sale):
        return difference
    return _compare_lines(order, sale, items) or _compare_buyer(order, sale)


def _compare_total(order: OrderChanged, sale: SaleRecorded) -> str:
    total = sum((row[1] for row in _sent_lines(sale)), ZERO)
    by_lines = _gross(order) if order.store_credits else order.total
    if min(abs(order.total - total), abs(by_lines - total)) <= _blur(order, sale):
        return ""
    return f"its total is {order.total} {order.currency} instead of {total}"


def _compare_buyer(order: OrderChanged, sale: SaleRecorded) -> str:
    """A removed number is no difference: shops erase personal data on request."""
    identity = identity_of(order.person)
    if sale.buyer is None or identity is None or sale.buyer in identity.refs:
        return ""
    return "its buyer has another number" if sale.buyer else "its buyer now has a number"


def _compare_lines(order: OrderChanged, sale: SaleRecorded, items: Mapping[int, str]) -> str:
    sold, added = {one.line_id: one for one in _sold_lines(sale)}, []
    for shown in _current_lines(order, sale):
        same = sold.get(shown.line.line_id)
        if same is None:
            added.append(shown)
        elif difference := _compare_line(shown, same):
            return difference
        else:
            del sold[shown.line.line_id]
    slack = 2 * _blur(order, sale)
    left = [one for one in sold.values() if one.kind == "product" or abs(one.gross) > slack]
    return _match_replaced(added, left, items)


def _match_replaced(added: Iterable[CurrentLine], left: Sequence[SoldLine], items: Mapping[int, str]) -> str:
    """An added line replaces a missing one if both are equal; any other is a difference."""
    missing = MissingLines(left)
    for shown in added:
        if missing.take_equal(shown, items.get(shown.line.line_id)):
            continue
        if shown.line.kind == "product" or abs(shown.gross) > shown.slack:
            return f"{shown.name} was added"
    first = next((line for line in left if id(line) in missing.left), None)
    return f"line {first.line_id} over {first.gross} was removed" if first else ""


class MissingLines:
    """The lines of a Sale that the order lacks, by what must be equal and sorted by amount.

    Of many equal lines the first that is left is found at once; comparing each with each would take minutes.
    """

    def __init__(self, lines: Iterable[SoldLine]) -> None:
        self.left: set[int] = set()
        self._lines: defaultdict[Alike, defaultdict[Figures, deque[SoldLine]]] = defaultdict(lambda: defaultdict(deque))
        for line in lines:
            self.left.add(id(line))
            for item in (line.item, None):
                alike = (line.kind, line.quantity if line.kind == "product" else None, item)
                self._lines[alike][line.gross, line.vat, frozenset(line.percents)].append(line)
        self._sorted = {alike: sorted(found, key=itemgetter(0)) for alike, found in self._lines.items()}

    def take_equal(self, shown: CurrentLine, item: str | None) -> bool:
        """Take a line that equals this one and has this item, if there is one; any item if it is None."""
        for kind in {shown.line.kind, "product" if takes_goods(shown.line) else "fee"}:
            alike = (kind, shown.line.quantity if kind == "product" else None, item)
            for figures in self._near(alike, shown):
                if (line := self._first_left(self._lines[alike][figures])) and not _compare_line(shown, line):
                    self.left.discard(id(line))
                    return True
        return False

    def _near(self, alike: Alike, shown: CurrentLine) -> Iterator[Figures]:
        figures = self._sorted.get(alike, [])
        for at in range(bisect_left(figures, shown.gross - shown.slack, key=itemgetter(0)), len(figures)):
            if figures[at][0] > shown.gross + shown.slack:
                return
            yield figures[at]

    def _first_left(self, lines: deque[SoldLine]) -> SoldLine | None:
        while lines and id(lines[0]) not in self.left:
            lines.popleft()
        return lines[0] if lines else None


def _compare_line(shown: CurrentLine, sold: SoldLine) -> str:
    """How a line differs from the Sale's."""
    line = shown.line
    if sold.kind not in (line.kind, "product" if takes_goods(line) else "fee"):
        return f"{shown.name} is no longer a {sold.kind} line"
    if sold.kind == "product" and line.quantity != sold.quantity:
        return f"{number(line.quantity)} of {shown.name} instead of {number(sold.quantity)}"
    if abs(shown.gross - sold.gross) > shown.slack:
        return f"{shown.name} costs {shown.gross} instead of {sold.gross}"
    return "" if _has_same_vat(shown, sold) else f"{shown.name} has {line.total_tax} of VAT instead of {sold.vat}"


def _has_same_vat(shown: CurrentLine, sold: SoldLine) -> bool:
    """Whether the rates are the same, or the tax is what the Sale's rates give, even if the shop renamed its rate."""
    if shown.same_tax or shown.percents == sold.percents:
        return True
    slack = shown.slack + TETRI * len(sold.percents)
    return abs(shown.line.total_tax - sold.vat) <= slack


def _current_lines(order: OrderChanged, sale: SaleRecorded) -> Iterator[CurrentLine]:
    """The lines that a Sale contains; free shipping and fees may be left out."""
    percents = {rate.rate_id: rate.percent for rate in order.tax_rates}
    slack, same_tax = _rounding(order, sale) + 2 * _blur(order, sale), _is_same_tax(order, sale)
    for line in order.lines:
        if line.kind == "product" or line.total or line.total_tax:
            found = frozenset(percents.get(tax.rate_id) for tax in line.taxes) or frozenset({None})
            yield CurrentLine(line, found, slack, same_tax)


def _is_same_tax(order: OrderChanged, sale: SaleRecorded) -> bool:
    """Sales recorded by older versions do not contain the stated tax."""
    return sale.order_tax is not None and abs(stated_tax(order) - sale.order_tax) <= _blur(order, sale)


def stated_tax(order: OrderChanged) -> Decimal:
    """The tax of the order's lines, with as many decimals as the shop shows."""
    tax = sum((line.total_tax for line in order.lines), ZERO)
    return tax.quantize(finest(*amounts(order)))


def _blur(order: OrderChanged, sale: SaleRecorded) -> Decimal:
    """The permitted difference by the decimals that the shop shows now, or showed when the Sale was made."""
    return order_blur(order) if sale.order_tax is None else max(order_blur(order), blur(sale.order_tax))


def _rounding(order: OrderChanged, sale: SaleRecorded) -> Decimal:
    """The rounding difference between the order's total and its lines, if the Sale has it within another line."""
    own_line = any(line.kind == "rounding" for line in sale.lines)
    residue, most = abs(order.total - _gross(order)), ROUNDING + (1 + 2 * len(order.lines)) * _blur(order, sale)
    return ZERO if own_line or order.store_credits or residue > most else residue


def _sold_lines(sale: SaleRecorded) -> list[SoldLine]:
    """The content of the Sale by line of the order."""
    found: dict[int, SoldLine] = {}
    for line, amount, quantity in _sent_lines(sale):
        if line.order_line_id is None or not (amount or line.kind == "product"):
            continue
        known = SoldLine(line.order_line_id, line.kind, line.item, quantity)
        one = found.setdefault(line.order_line_id, known)
        one.gross += amount
        one.vat += vat_in(amount, line.vat_percent or ZERO)
        one.percents.add(line.vat_percent)
    return list(found.values())


def _sent_lines(sale: SaleRecorded) -> list[tuple[RecordedLine, Decimal, Decimal]]:
    """Each line with the amount and quantity that were sent; a change by hand in Balance is no edit of the order."""
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
