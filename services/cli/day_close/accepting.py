"""Differences that a person lets stand, and why: they make a day red no more, until their figures change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from contracts.closing import Acceptance, DayClosed, DayDifference, DifferenceAccepted
from services.accounting.documents.digest import digest_of
from services.cli.day_close.causes import stated_tax
from services.cli.day_close.entries import Entry
from services.cli.day_close.figures import figures_of

Accepted = Mapping[str, DifferenceAccepted]
"""The last acceptance of each difference, by its key."""


class NothingToAccept(Exception):
    """What was named is no difference of the day; the message says what there is."""


def key_of(shop: str, date: str, difference: str) -> str:
    """The key of an acceptance."""
    return f"accepted:{shop}:{date}:{difference}"


def of_entry(difference: DayDifference, entry: Entry) -> DayDifference:
    """The difference with all that both sides say as a digest: an acceptance holds for exactly this."""
    both = [entry.elsewhere, str(stated_tax(entry)), figures_of(entry.shop), figures_of(entry.books)]
    return difference.model_copy(update={"figures": digest_of(both)[:16]})


def of_balance(difference: DayDifference) -> DayDifference:
    """A difference that reading back has found: what stands in Balance is in its words."""
    said = digest_of([f"{difference.amount:f}", difference.currency, difference.cause])
    return difference.model_copy(update={"figures": said[:16]})


def judged(differences: Iterable[DayDifference], shop: str, date: str, accepted: Accepted) -> tuple[DayDifference, ...]:
    """The differences, each with who accepted it as it is, if anybody did."""
    return tuple(_judged(one, accepted.get(key_of(shop, date, one.name))) for one in differences)


def _judged(one: DayDifference, given: DifferenceAccepted | None) -> DayDifference:
    if given is None or one.figures not in given.figures:
        return one
    by = Acceptance(by=given.asked_by, why=given.why, at=given.asked_at)
    return one.model_copy(update={"accepted": by})


def acceptance(close: DayClosed, named: str, why: str, by: str, at: datetime, command: str) -> DifferenceAccepted:
    """The acceptance of a difference of this close. Raises `NothingToAccept`."""
    found = [one for one in close.differences if one.name == named]
    if not found:
        raise NothingToAccept(f"{named} is no difference of {close.date} in shop {close.shop}; {_there(close)}")
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


def _there(close: DayClosed) -> str:
    names: Sequence[str] = [one.name for one in close.differences]
    return f"there are: {', '.join(names)}" if names else "that day has none"
