"""What PHP means by the values in its JSON.

PHP writes an empty array as `[]`, a list with gaps as an object with numbers for names, and what is absent as null,
false, `""` or `[]`. Numbers come as texts and texts as numbers, booleans as `"yes"`, `"1"` or 1, and the database's
empty date as `0000-00-00 00:00:00`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from services.connectors.woocommerce.times import instant

LONGEST = 64
"""Characters of the longest number that is read."""
FINEST = 40
"""Powers of ten that a number may reach."""
BEYOND = 2**63
"""No id is so large: neither the shop's database nor ours could hold it."""
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)")
_EMPTY_DATES = ("0000-00-00", "-0001-11-30")
"""The database's empty date, and how PHP formats it."""
_YES = frozenset({"yes", "true", "1", "on"})
_NO = frozenset({"no", "false", "0", "off"})


def is_absent(value: Any) -> bool:
    """Whether a value says that there is nothing: null, false, a blank text, an empty list or object."""
    if isinstance(value, str):
        return not value.strip()
    return value is None or value is False or (isinstance(value, list | Mapping) and not value)


def text(value: Any) -> str | None:
    """A text or number as text; empty for what is absent, None for what is no text.

    Halves of characters, which JSON can hold and nothing else takes, are replaced.
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
    """The number that a number or a plain text means; None for anything else, also for exponents in a text."""
    if isinstance(value, str):
        digits = value.strip()
        return Decimal(digits) if len(digits) <= LONGEST and _NUMBER.fullmatch(digits) else None
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    found = Decimal(str(value)) if isinstance(value, float) else Decimal(value)
    return found if found.is_finite() and abs(found.adjusted()) <= FINEST else None


def whole(value: Any) -> int | None:
    """The whole number of at most 63 bits that a value means, `5`, `"5"` and `5.0` alike; None for anything else."""
    found = number(value)
    if found is None or found != found.to_integral_value() or abs(found) >= BEYOND:
        return None
    return int(found)


def id_of(record: Any) -> int | None:
    """The id of a record, which is above zero; None where it has none that can be read.

    A call for the record -17 would be a call to no route: to the caller the whole shop would be away.
    """
    found = whole(record.get("id")) if isinstance(record, Mapping) else None
    return found if found is not None and found > 0 else None


def flag(value: Any) -> bool | None:
    """What a value says as a boolean, no for what is absent; None for what says neither yes nor no."""
    if is_absent(value):
        return False
    said = str(value).strip().lower() if isinstance(value, str | int | Decimal | float) else ""
    return True if said in _YES else False if said in _NO else None


def is_yes(value: Any) -> bool:
    """Whether a setting is on; all else is off, as in WooCommerce's own `wc_string_to_bool`."""
    return flag(value) is True


def is_no_date(value: Any) -> bool:
    """Whether a value stands for no date."""
    return is_absent(value) or (isinstance(value, str) and value.strip().startswith(_EMPTY_DATES))


def moment(value: Any) -> datetime | None:
    """The moment (UTC) of a `*_gmt` text; None for what is no such text."""
    try:
        return instant(value.strip()) if isinstance(value, str) else None
    except (ValueError, OverflowError):
        return None


def entries(value: Any) -> list[Any] | None:
    """The entries of a list, without those that are absent; None for what is no list."""
    if is_absent(value):
        return []
    rows = list(value.values()) if isinstance(value, Mapping) else value
    return [row for row in rows if not is_absent(row)] if isinstance(rows, list) else None


def records(value: Any) -> list[Any]:
    """The objects of a list; whatever else is in it, or stands in its place, is left out."""
    return [row for row in entries(value) or [] if isinstance(row, Mapping)]
