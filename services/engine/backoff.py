"""How long to wait before another attempt: exponential with full jitter (by tenacity), or as Retry-After asks."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, cast

from tenacity import RetryCallState, wait_exponential, wait_random_exponential

UNKNOWN_FIRST, UNKNOWN_LONGEST = 2.0, 600.0


def unavailable_wait(failures: int, first: float, longest: float) -> float:
    """Seconds to wait after this many failures in succession (1 = the first), with full jitter."""
    return float(wait_random_exponential(multiplier=first, max=longest)(_state(failures)))


def unknown_wait(unknowns: int) -> float:
    """Seconds until a delivery with an unknown outcome is read and tried again (1 = after the first)."""
    return float(wait_exponential(multiplier=UNKNOWN_FIRST, max=UNKNOWN_LONGEST)(_state(unknowns)))


def _state(attempt: int) -> RetryCallState:
    state = RetryCallState(retry_object=cast(Any, None), fn=None, args=(), kwargs={})
    state.attempt_number = attempt
    return state


LONGEST_WAIT = 45.0
"""Seconds. A longer Retry-After is cut to this: WordPress asks for ten minutes during an update that takes seconds, and
deliveries must continue within a minute after the upstream is back."""

_SECONDS = re.compile(r"\d+(\.\d+)?", re.ASCII)


def parse_retry_after(header: str | None, now: datetime, longest: float = LONGEST_WAIT) -> float | None:
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
