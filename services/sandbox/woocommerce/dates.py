"""The store's clock: Asia/Tbilisi without offset in `date_*`, UTC without `Z` in `date_*_gmt`, whole seconds."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Asia/Tbilisi")
FORM = "%Y-%m-%dT%H:%M:%S"
DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d(:?\d\d)?)?")
EPOCH = datetime(1970, 1, 1, tzinfo=ZONE)


def local(when: datetime) -> str:
    """A moment in the store's time zone, as `date_*` fields write it."""
    return when.astimezone(ZONE).strftime(FORM)


def gmt(when: datetime) -> str:
    """A moment in UTC, as `date_*_gmt` fields write it."""
    return when.astimezone(UTC).strftime(FORM)


def stamp(document: dict[str, Any], field: str, when: datetime | None) -> None:
    """Sets `field` and `field_gmt`."""
    document[field] = local(when) if when else None
    document[f"{field}_gmt"] = gmt(when) if when else None


def moment(document: dict[str, Any], field: str) -> datetime | None:
    """Reads back what `stamp` wrote."""
    text = document[f"{field}_gmt"]
    return datetime.strptime(text, FORM).replace(tzinfo=UTC) if text else None


def sale_edge(value: Any, zone: Any) -> datetime | None:
    """A sale window's edge: empty clears it, a bare date is midnight, garbage is 1970 (API fact: recorded)."""
    if not value:
        return None
    try:
        read = datetime.fromisoformat(str(value))
    except ValueError:
        return EPOCH
    return read if read.tzinfo else read.replace(tzinfo=zone)


def query_date(text: str, are_gmt: bool) -> datetime:
    """A date of a list's query: store-local unless `dates_are_gmt` or an offset says else. ValueError if it is none."""
    if not DATE_TIME.fullmatch(text):
        raise ValueError(text)
    read = datetime.fromisoformat(text.upper())
    return read if read.tzinfo else read.replace(tzinfo=UTC if are_gmt else ZONE)
