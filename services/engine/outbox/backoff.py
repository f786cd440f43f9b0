"""How long to wait: full jitter over an exponential ceiling. The arithmetic is tenacity's."""

from __future__ import annotations

from typing import Any, cast

from tenacity import RetryCallState, wait_exponential, wait_random_exponential

UNKNOWN_FIRST, UNKNOWN_LONGEST = 2.0, 600.0


def unavailable_wait(failures: int, first: float, longest: float) -> float:
    """Seconds a lane rests after so many failures in a row (1 = the first), with full jitter."""
    return float(wait_random_exponential(multiplier=first, max=longest)(_state(failures)))


def unknown_wait(unknowns: int) -> float:
    """Seconds until a delivery with an unknown outcome is read and tried again (1 = after the first)."""
    return float(wait_exponential(multiplier=UNKNOWN_FIRST, max=UNKNOWN_LONGEST)(_state(unknowns)))


def _state(attempt: int) -> RetryCallState:
    state = RetryCallState(retry_object=cast(Any, None), fn=None, args=(), kwargs={})
    state.attempt_number = attempt
    return state
