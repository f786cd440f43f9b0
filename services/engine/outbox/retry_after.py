"""The Retry-After header: how long an upstream wishes to be left alone."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST = 45.0
"""Seconds. A longer wish is cut to this: WordPress asks for ten minutes during an update that takes seconds, and
everything must move again within a minute after the upstream is back."""

_SECONDS = re.compile(r"\d+(\.\d+)?", re.ASCII)


def retry_after(header: str | None, now: datetime, longest: float = LONGEST) -> float | None:
    """Seconds to wait, between 0 and `longest`; None when the header is missing or says nothing usable.

    Both forms of RFC 9110 are read: a number of seconds and an HTTP date, which is compared with `now`.
    """
    text = (header or "").strip()
    wish = float(text) if _SECONDS.fullmatch(text) else _until(text, now)
    return None if wish is None else min(max(wish, 0.0), longest)


def _until(text: str, now: datetime) -> float | None:
    try:
        when = parsedate_to_datetime(text)
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() - now.timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
