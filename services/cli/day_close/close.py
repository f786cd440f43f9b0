"""The close of a day as a value: totals, VAT by rate, differences, and a digest that stands for every document."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from contracts.closing import Acceptance, DayClosed, DayDifference, DayPlaced, DayTotal, DayVat, DifferenceAccepted
from services.accounting.documents.digest import digest_of
from services.cli.day_close.causes import find_difference, tax_in_shop
from services.cli.day_close.entries import DayEntry
from services.cli.day_close.sides import Taxed, side_figures
from services.settings.shop import ShopSettings

# Differences that a person lets stand, and why: they make a day red no more, until their figures change.

Acceptances = Mapping[str, DifferenceAccepted]
"""The last acceptance of each difference, by its key."""


class DifferenceNotFound(Exception):
    """What was named is no difference of the day; the message says what there is."""


def acceptance_key(shop: str, date: str, difference: str) -> str:
    """The key of an acceptance."""
    return f"accepted:{shop}:{date}:{difference}"


def with_entry_digest(difference: DayDifference, entry: DayEntry) -> DayDifference:
    """The difference with all that both sides say as a digest: an acceptance holds for exactly this."""
    both = [entry.elsewhere, str(tax_in_shop(entry)), side_figures(entry.shop), side_figures(entry.books)]
    return difference.model_copy(update={"figures": digest_of(both)[:16]})


def with_text_digest(difference: DayDifference) -> DayDifference:
    """A difference that reading back has found: what stands in Balance is in its words."""
    said = digest_of([f"{difference.amount:f}", difference.currency, difference.cause])
    return difference.model_copy(update={"figures": said[:16]})


def apply_acceptances(
    differences: Iterable[DayDifference], shop: str, date: str, accepted: Acceptances
) -> tuple[DayDifference, ...]:
    """The differences, each with who accepted it as it is, if anybody did."""
    return tuple(_apply_acceptance(one, accepted.get(acceptance_key(shop, date, one.name))) for one in differences)


def _apply_acceptance(one: DayDifference, given: DifferenceAccepted | None) -> DayDifference:
    if given is None or one.figures not in given.figures:
        return one
    by = Acceptance(by=given.asked_by, why=given.why, at=given.asked_at)
    return one.model_copy(update={"accepted": by})


def build_acceptance(close: DayClosed, named: str, why: str, by: str, at: datetime, command: str) -> DifferenceAccepted:
    """The acceptance of a difference of this close. Raises `NothingToAccept`."""
    found = [one for one in close.differences if one.name == named]
    if not found:
        raise DifferenceNotFound(
            f"{named} is no difference of {close.date} in shop {close.shop}; {_list_differences(close)}"
        )
    return DifferenceAccepted(
        command_id=command,
        asked_by=by,
        asked_at=at,
        shop=close.shop,
        date=close.date,
        difference=named,
        figures=tuple(one.figures for one in found),
        why=why,
    )


def _list_differences(close: DayClosed) -> str:
    names: Sequence[str] = [one.name for one in close.differences]
    return f"there are: {', '.join(names)}" if names else "that day has none"


ZERO = Decimal("0.00")
NO_ACCEPTANCES: Acceptances = {}


@dataclass(frozen=True, slots=True)
class ShopComparison:
    """What came of asking the shop: the orders placed, and differences of orders that are in no entry of the day."""

    placed: tuple[DayPlaced, ...] = ()
    differences: tuple[DayDifference, ...] = ()


def close_day(
    day: tuple[str, str],
    found: Sequence[DayEntry],
    shop: ShopSettings,
    by: str,
    now: datetime,
    *,
    asked: ShopComparison | None,
    read: Sequence[DayDifference] | None = None,
    accepted: Acceptances = NO_ACCEPTANCES,
) -> DayClosed:
    """The close of a day (shop, date). `accepted`: differences that people let stand.

    `asked`, `read`: what asking the shop and reading the documents back has found; None where it was not done. A day
    is green when the shop was asked and every difference is accepted.
    """
    of_entries = [_with_digest(one, entry) for entry in found if (one := find_difference(entry, shop, now))]
    others = [*(asked.differences if asked else ()), *(read or ())]
    differences = apply_acceptances([*of_entries, *map(with_text_digest, others)], *day, accepted)
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
            [*day, [_digest_content(entry) for entry in found], [one.model_dump(mode="json") for one in differences]]
        ),
        closed_by=by,
        closed_at=now,
    )


def _with_digest(difference: DayDifference, entry: DayEntry) -> DayDifference:
    """Where the topics are behind the shop, the words say in what; the figures of both sides may be equal."""
    return with_text_digest(difference) if entry.story.behind else with_entry_digest(difference, entry)


def _totals(found: Iterable[DayEntry]) -> tuple[DayTotal, ...]:
    groups: dict[tuple[str, str], list[DayEntry]] = defaultdict(list)
    for entry in found:
        groups[entry.kind, entry.currency].append(entry)
    return tuple(_total(groups[slot]) for slot in sorted(groups))


def _total(group: Sequence[DayEntry]) -> DayTotal:
    first = group[0]
    return DayTotal(
        kind=first.kind,
        currency=first.currency,
        count=sum(entry.shop is not None for entry in group),
        shop=sum((entry.shop.total for entry in group if entry.shop), ZERO),
        books=sum((entry.books.total for entry in group if entry.books), ZERO),
    )


def _vat(found: Iterable[DayEntry]) -> tuple[DayVat, ...]:
    """Sales less refunds, by currency and rate."""
    sums: dict[tuple[str, str], list[Taxed]] = defaultdict(lambda: [Taxed(), Taxed()])
    for entry in found:
        for at, side in enumerate((entry.shop, entry.books)):
            for rate, taxed in side.rates.items() if side else ():
                slot = sums[entry.currency, rate]
                slot[at] = slot[at].plus(_sign(entry) * taxed.gross, _sign(entry) * taxed.vat)
    return tuple(_vat_row(*slot, *sums[slot]) for slot in sorted(sums))


def _sign(entry: DayEntry) -> int:
    return 1 if entry.kind == "order" else -1


def _vat_row(currency: str, rate: str, shop: Taxed, books: Taxed) -> DayVat:
    return DayVat(
        currency=currency,
        rate=rate,
        shop_gross=shop.gross,
        shop_vat=shop.vat,
        books_gross=books.gross,
        books_vat=books.vat,
    )


def _digest_content(entry: DayEntry) -> list[object]:
    return [entry.kind, entry.key, entry.part, side_figures(entry.shop), side_figures(entry.books)]
