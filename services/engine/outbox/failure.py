"""From an upstream's failure to the outcome of the delivery: the three treatments, in one place."""

from __future__ import annotations

from services.engine.outbox.outcome import Outcome, Refused, Retry, Unknown
from services.engine.outbox.retry_after import LONGEST
from services.engine.outbox.upstream_errors import AccessDenied, Rejected, Unavailable, UnknownOutcome, UpstreamError

ACCESS_PAUSE = LONGEST
"""Seconds a lane rests after 401/403: only a person can correct it, and asking more often may lock the user out."""


def outcome_of(error: UpstreamError) -> Outcome:
    """Unavailable and denied access wait without counting; an unknown outcome is read first; a refusal is final."""
    match error:
        case Unavailable():
            return Retry(error.message, error.retry_after)
        case AccessDenied():
            return Retry(error.message, ACCESS_PAUSE)
        case UnknownOutcome():
            return Unknown(error.message)
        case Rejected():
            return Refused(error.reason, error.message)
        case _:
            return Unknown(error.message)
