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


def local_time(moment: datetime, *, seconds: bool = False) -> str:
    """A moment for people, in Tbilisi and with the offset of its zone: `20 Nov 2026 10:03 +04`."""
    return moment.astimezone(TBILISI).strftime(f"%d %b %Y %H:%M{':%S' if seconds else ''} %Z")
