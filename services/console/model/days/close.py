"""Build the close of a day: totals, VAT by rate, differences with acceptances, and a digest of all documents."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from contracts.closing import Acceptance, DayClosed, DayDifference, DayPlaced, DayTotal, DayVat, DifferenceAccepted
from contracts.json_text import digest_of
from services.console.model.days.causes import find_difference, tax_in_shop
from services.console.model.days.entries import DayEntry
from services.console.model.days.sides import Taxed, side_figures
from services.settings.shop import ShopSettings

Acceptances = Mapping[str, DifferenceAccepted]
"""The last acceptance of each difference, by its key."""
ZERO = Decimal("0.00")
NO_ACCEPTANCES: Acceptances = {}


class DifferenceNotFound(Exception):
    """The day has no difference with this name; the message lists those it has."""


def acceptance_key(shop: str, date: str, difference: str) -> str:
    """The key of the acceptance of a difference, as in `DifferenceAccepted.key`."""
    return f"accepted:{shop}:{date}:{difference}"


def with_entry_digest(difference: DayDifference, entry: DayEntry) -> DayDifference:
    """Add a digest of both sides to a difference; an acceptance is valid only for the same digest."""
    both = [entry.elsewhere, str(tax_in_shop(entry)), side_figures(entry.shop), side_figures(entry.books)]
    return difference.model_copy(update={"figures": digest_of(both)[:16]})


def with_text_digest(difference: DayDifference) -> DayDifference:
    """Add a digest of its text to a difference whose text contains the state of Balance or the shop."""
    digest = digest_of([f"{difference.amount:f}", difference.currency, difference.cause])
    return difference.model_copy(update={"figures": digest[:16]})


def apply_acceptances(
    differences: Iterable[DayDifference], shop: str, date: str, accepted: Acceptances
) -> tuple[DayDifference, ...]:
    """Add its acceptance to each difference that was accepted with the same digest."""
    return tuple(_apply_acceptance(one, accepted.get(acceptance_key(shop, date, one.name))) for one in differences)


def _apply_acceptance(one: DayDifference, event: DifferenceAccepted | None) -> DayDifference:
    if event is None or one.figures not in event.figures:
        return one
    acceptance = Acceptance(by=event.asked_by, why=event.why, at=event.asked_at)
    return one.model_copy(update={"accepted": acceptance})


def build_acceptance(close: DayClosed, name: str, why: str, by: str, at: datetime, command: str) -> DifferenceAccepted:
    """The acceptance of the differences with this name. Raises `DifferenceNotFound`."""
    found = [one for one in close.differences if one.name == name]
    if not found:
        raise DifferenceNotFound(
            f"{close.date} has no difference {name} in shop {close.shop}; {_list_differences(close)}"
        )
    return DifferenceAccepted(
        command_id=command,
        asked_by=by,
        asked_at=at,
        shop=close.shop,
        date=close.date,
        difference=name,
        figures=tuple(one.figures for one in found),
        why=why,
    )


def _list_differences(close: DayClosed) -> str:
    names: Sequence[str] = [one.name for one in close.differences]
    return f"it has: {', '.join(names)}" if names else "it has none"


@dataclass(frozen=True, slots=True)
class ShopComparison:
    """The comparison with the shop: the orders placed, and differences of orders that are not entries of the day."""

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
    """Build the close of a day (shop, date).

    `asked`: the comparison with the shop, `read`: differences of documents read back from Balance; None if not done.
    The day is green if the shop was asked and every difference is accepted.
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
    """If the topics are behind the shop, only the text states the difference; both sides may be equal."""
    return with_text_digest(difference) if entry.history.behind else with_entry_digest(difference, entry)


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
