"""Records as Balance's API names their fields, with typed values; uids; references.

A `Row` holds Decimal, bool, date, datetime, text, or lists of rows. How a row is written on the wire is the business of
`dialect`.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any
from uuid import UUID, uuid5

Row = dict[str, Any]

ZERO = "00000000-0000-0000-0000-000000000000"
NAMESPACE = UUID("5a1d0b0e-5a17-5d0c-9b0c-da57a210ba1a")
GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@lru_cache(maxsize=4096)
def make_uid(kind: str, name: object) -> str:
    """The lasting uid of a thing of this sandbox: the same kind and name give the same uid in every run."""
    return str(uuid5(NAMESPACE, f"{kind}:{name}"))


def is_uid(text: object) -> bool:
    """Whether it is a GUID as Balance writes it; letter case does not matter."""
    return isinstance(text, str) and GUID.fullmatch(text.lower()) is not None


def is_empty(value: object) -> bool:
    """Whether a value is empty: null, "", the zero GUID or an empty table (Balance facts 12 and 13)."""
    return value is None or value == "" or value == ZERO or value == []


def as_text(value: object) -> str:
    """A scalar as a query parameter spells it: `?IsGroup=true`, `?Weight=0.5`."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Decimal):
        return plain_number(value)
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S")
    return value.isoformat() if isinstance(value, date) else str(value)


def plain_number(number: Decimal) -> str:
    """A number without exponent and without trailing zeros: 25.00 is "25"."""
    text = f"{number:f}"
    return (text.rstrip("0").rstrip(".") or "0") if "." in text else text
