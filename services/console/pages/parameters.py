"""Parameters of an address: filters of lists. A value that makes no sense gets a page that says so."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation

from services.console.pages.errors import wrong_filter
from services.console.pages.visit import Visit
from services.engine.clock import TBILISI

LONGEST = 200
_AMOUNT = re.compile(r"\d{1,12}([.,]\d{1,4})?")


def text_parameter(visit: Visit, name: str) -> str:
    """A text; empty if it is missing. Raises `PageError` for one that is too long."""
    found = visit.request.query_params.get(name, "").strip()
    if len(found) > LONGEST:
        raise wrong_filter(name, found)
    return found


def choice_parameter(visit: Visit, name: str, choices: Collection[str]) -> str:
    """One of these values, or empty. Raises `PageError` for another one."""
    found = text_parameter(visit, name)
    if found and found not in choices:
        raise wrong_filter(name, found)
    return found


def flag_parameter(visit: Visit, name: str) -> bool:
    """Whether it is `yes`. Raises `PageError` for anything else that is not empty."""
    return choice_parameter(visit, name, ("yes",)) == "yes"


def amount_parameter(visit: Visit, name: str) -> Decimal | None:
    """An amount, with a point or a comma. Raises `PageError` for anything else."""
    found = text_parameter(visit, name).replace(" ", "")
    if not found:
        return None
    if not (found.isascii() and _AMOUNT.fullmatch(found)):
        raise wrong_filter(name, found)
    try:
        return Decimal(found.replace(",", "."))
    except InvalidOperation:  # pragma: no cover - the pattern allows numbers only
        raise wrong_filter(name, found) from None


def day_parameter(visit: Visit, name: str) -> date | None:
    """A date. Raises `PageError` for anything else, or for a year that no order has."""
    found = text_parameter(visit, name)
    if not found:
        return None
    try:
        day = date.fromisoformat(found)
    except ValueError:
        raise wrong_filter(name, found) from None
    if not 2000 <= day.year < 2100:
        raise wrong_filter(name, found)
    return day


def start_of(day: date | None) -> datetime | None:
    """The moment at which a day of Tbilisi begins."""
    return datetime.combine(day, time(), TBILISI).astimezone(UTC) if day else None


def end_of(day: date | None) -> datetime | None:
    """The moment at which the next day of Tbilisi begins."""
    return start_of(day + timedelta(days=1)) if day else None


def moment_parameter(visit: Visit, name: str) -> datetime | None:
    """A date with a time of Tbilisi. Raises `PageError` for anything else."""
    found = text_parameter(visit, name)
    if not found:
        return None
    try:
        given = datetime.fromisoformat(found)
        return (given if given.tzinfo else given.replace(tzinfo=TBILISI)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise wrong_filter(name, found) from None
