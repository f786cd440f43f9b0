"""Converts values in PHP's JSON, and WooCommerce's times (WooCommerce facts 10 and 12).

PHP writes an empty array as `[]`, a list with gaps as an object with numeric keys, and an absent value as null, false,
`""` or `[]`. Numbers come as texts and texts as numbers, booleans as `"yes"`, `"1"` or 1, and the database's empty date
as `0000-00-00 00:00:00`. Fields named `*_gmt` are UTC without a `Z`, to the second.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from contracts.model import FIRST_MOMENT, LAST_MOMENT


def parse_gmt(gmt: str) -> datetime:
    """The moment (UTC) of a `*_gmt` text. Raises ValueError for any other text."""
    when = datetime.fromisoformat(gmt)
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).astimezone(UTC)


def format_gmt(when: datetime) -> str:
    """An aware moment as a `*_gmt` text without fractions of a second. Raises ValueError for a naive one."""
    if when.tzinfo is None:
        raise ValueError(f"{when.isoformat()} has no time zone")
    return when.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat()


LONGEST = 64
"""Characters of the longest number that is read."""
FINEST = 40
"""Powers of ten that a number may reach."""
BEYOND = 2**63
"""No id is as large: neither the shop's database nor ours could store it."""
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)")
_EMPTY_DATES = ("0000-00-00", "-0001-11-30")
"""The database's empty date, and how PHP formats it."""
_YES = frozenset({"yes", "true", "1", "on"})
_NO = frozenset({"no", "false", "0", "off"})


def is_absent(value: Any) -> bool:
    """Whether a value means "nothing": null, false, a blank text, an empty list or object."""
    if isinstance(value, str):
        return not value.strip()
    return value is None or value is False or (isinstance(value, list | Mapping) and not value)


def text(value: Any) -> str | None:
    """A text or number as text; empty for an absent value, None for anything else.

    Lone surrogates, which JSON can contain and nothing else accepts, are replaced.
    """
    if isinstance(value, str):
        return value if value.isascii() else value.encode(errors="replace").decode()
    if is_absent(value):
        return ""
    found = number(value)
    if found is None:
        return None
    return str(int(found)) if found == found.to_integral_value() else format(found, "f")


def number(value: Any) -> Decimal | None:
    """The number in a number or a plain text; None for anything else, also for exponents in a text."""
    if isinstance(value, str):
        digits = value.strip()
        return Decimal(digits) if len(digits) <= LONGEST and _NUMBER.fullmatch(digits) else None
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    found = Decimal(str(value)) if isinstance(value, float) else Decimal(value)
    return found if found.is_finite() and abs(found.adjusted()) <= FINEST else None


def whole(value: Any) -> int | None:
    """The whole number of at most 63 bits in a value such as `5`, `"5"` or `5.0`; None for anything else."""
    found = number(value)
    if found is None or found != found.to_integral_value() or abs(found) >= BEYOND:
        return None
    return int(found)


def id_of(record: Any) -> int | None:
    """The id of a record, which is above zero; None if it has none that can be read.

    A request for record -17 would match no route, and the whole shop would look unavailable.
    """
    found = whole(record.get("id")) if isinstance(record, Mapping) else None
    return found if found is not None and found > 0 else None


def flag(value: Any) -> bool | None:
    """A value as a boolean, False for an absent one; None if it is neither yes nor no."""
    if is_absent(value):
        return False
    word = str(value).strip().lower() if isinstance(value, str | int | Decimal | float) else ""
    return True if word in _YES else False if word in _NO else None


def is_yes(value: Any) -> bool:
    """Whether a setting is on; everything else is off, as in WooCommerce's own `wc_string_to_bool`."""
    return flag(value) is True


def is_no_date(value: Any) -> bool:
    """Whether a value means "no date"."""
    return is_absent(value) or (isinstance(value, str) and value.strip().startswith(_EMPTY_DATES))


def moment(value: Any) -> datetime | None:
    """The moment (UTC) of a `*_gmt` text; None for anything else, and for one that another time zone does not have."""
    try:
        found = parse_gmt(value.strip()) if isinstance(value, str) else None
    except (ValueError, OverflowError):
        return None
    return found if found is not None and FIRST_MOMENT <= found <= LAST_MOMENT else None


def entries(value: Any) -> list[Any] | None:
    """The entries of a list without absent ones; None if it is not a list."""
    if is_absent(value):
        return []
    rows = list(value.values()) if isinstance(value, Mapping) else value
    return [row for row in rows if not is_absent(row)] if isinstance(rows, list) else None


def records(value: Any) -> list[Any]:
    """The objects of a list; other entries are left out, and anything but a list is empty."""
    return [row for row in entries(value) or [] if isinstance(row, Mapping)]
