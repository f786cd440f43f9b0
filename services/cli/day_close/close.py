"""The close of a day as a value: totals, VAT by rate, differences, and a digest that stands for every document."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from contracts.closing import DayClosed, DayDifference, DayPlaced, DayTotal, DayVat
from services.accounting.documents.digest import digest_of
from services.cli.day_close.accepting import Accepted, judged, of_balance, of_entry
from services.cli.day_close.causes import difference
from services.cli.day_close.entries import Entry
from services.cli.day_close.figures import figures_of
from services.cli.day_close.rates import Taxed
from services.settings.shop import ShopSettings

ZERO = Decimal("0.00")
NOBODY: Accepted = {}


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of asking the shop: the orders placed, and differences of orders that are in no entry of the day."""

    placed: tuple[DayPlaced, ...] = ()
    differences: tuple[DayDifference, ...] = ()


def closed(
    day: tuple[str, str],
    found: Sequence[Entry],
    shop: ShopSettings,
    by: str,
    now: datetime,
    *,
    asked: Asked | None,
    read: Sequence[DayDifference] | None = None,
    accepted: Accepted = NOBODY,
) -> DayClosed:
    """The close of a day (shop, date). `accepted`: differences that people let stand.

    `asked`, `read`: what asking the shop and reading the documents back has found; None where it was not done. A day
    is green when the shop was asked and every difference is accepted.
    """
    of_entries = [_of_entry(one, entry) for entry in found if (one := difference(entry, shop, now))]
    others = [*(asked.differences if asked else ()), *(read or ())]
    differences = judged([*of_entries, *map(of_balance, others)], *day, accepted)
    return DayClosed(
        shop=day[0],
        date=day[1],
        green=asked is not None and all(one.accepted for one in differences),
        totals=_totals(found),
        vat=_vat(found),
        differences=differences,
        read_back=read is not None,
        shop_asked=asked is not None,
        placed=asked.placed if asked else (),
        digest=digest_of(
            [*day, [_signed(entry) for entry in found], [one.model_dump(mode="json") for one in differences]]
        ),
        closed_by=by,
        closed_at=now,
    )


def _of_entry(difference: DayDifference, entry: Entry) -> DayDifference:
    """Where the topics are behind the shop, the words say in what; the figures of both sides may be equal."""
    return of_balance(difference) if entry.story.behind else of_entry(difference, entry)


def _totals(found: Iterable[Entry]) -> tuple[DayTotal, ...]:
    groups: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    for entry in found:
        groups[entry.kind, entry.currency].append(entry)
    return tuple(_total(groups[slot]) for slot in sorted(groups))


def _total(group: Sequence[Entry]) -> DayTotal:
    first = group[0]
    return DayTotal(
        kind=first.kind,
        currency=first.currency,
        count=sum(entry.shop is not None for entry in group),
        shop=sum((entry.shop.total for entry in group if entry.shop), ZERO),
        books=sum((entry.books.total for entry in group if entry.books), ZERO),
    )


def _vat(found: Iterable[Entry]) -> tuple[DayVat, ...]:
    """Sales less refunds, by currency and rate."""
    sums: dict[tuple[str, str], list[Taxed]] = defaultdict(lambda: [Taxed(), Taxed()])
    for entry in found:
        for at, side in enumerate((entry.shop, entry.books)):
            for rate, taxed in side.rates.items() if side else ():
                slot = sums[entry.currency, rate]
                slot[at] = slot[at].plus(_sign(entry) * taxed.gross, _sign(entry) * taxed.vat)
    return tuple(_row(*slot, *sums[slot]) for slot in sorted(sums))


def _sign(entry: Entry) -> int:
    return 1 if entry.kind == "order" else -1


def _row(currency: str, rate: str, shop: Taxed, books: Taxed) -> DayVat:
    return DayVat(
        currency=currency,
        rate=rate,
        shop_gross=shop.gross,
        shop_vat=shop.vat,
        books_gross=books.gross,
        books_vat=books.vat,
    )


def _signed(entry: Entry) -> list[object]:
    return [entry.kind, entry.key, entry.part, figures_of(entry.shop), figures_of(entry.books)]
