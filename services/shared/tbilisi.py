"""The clock of Balance's books: Asia/Tbilisi."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

TBILISI = ZoneInfo("Asia/Tbilisi")


def local_day(moment: datetime) -> date:
    """The day of a moment in Tbilisi: from 20:00 UTC on it is the next one."""
    return moment.astimezone(TBILISI).date()


def local_date(moment: datetime) -> str:
    """The same as `YYYY-MM-DD`."""
    return local_day(moment).isoformat()
