"""Why a call to Balance or WooCommerce failed, split by what the caller may assume.

UpstreamError
├── Unavailable      nothing was done: connect failed, 429, 503, breaker open → the lane waits
│   ├── ForeignAnswer  something else than the API answered a read: a protection, a login page, a cache → the lane waits
│   └── ReadFailed   a read timed out or failed inside the upstream → the lane waits; a smaller read may succeed
├── UnknownOutcome   it may have been done: timeout or reset after sending, 5xx on a write → read before retrying
├── AccessDenied     401/403: nothing was done and nothing will be until a person acts → the lane waits
│   └── Misaddressed what answers is not the API: a redirect, an unknown route, a wrong URL in the settings
└── Rejected         the upstream read the message and refused it → a dead letter
    └── NotFound     the API itself says that there is no such record
"""

from __future__ import annotations

from contracts.reasons import Reason
from services.engine.backoff import LONGEST_WAIT
from services.engine.outbox.outcome import Outcome, Refused, Retry, Unknown


class UpstreamError(Exception):
    """A call to an upstream failed. `reason` is the code of its cause where the answer shows it.

    `code` is the upstream's own error code, empty where the answer states none.
    """

    def __init__(
        self, message: str, *, status: int | None = None, reason: Reason | None = None, code: str = ""
    ) -> None:
        super().__init__(message)
        self.message, self.status, self.reason, self.code = message, status, reason, code


class Unavailable(UpstreamError):
    """Nothing was done. `retry_after` is the upstream's Retry-After header in seconds."""

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        reason: Reason | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, status=status, reason=reason)
        self.retry_after = retry_after


class ForeignAnswer(Unavailable):
    """A read was answered by something else than the API, or with something that cannot be its answer."""


class ReadFailed(Unavailable):
    """A read timed out, broke off, or failed inside the upstream; the same read of fewer records may succeed."""


class UnknownOutcome(UpstreamError):
    """The request was sent; whether it was carried out is not known."""


class AccessDenied(UpstreamError):
    """The credentials or rights do not suffice; the message says where to change that."""


class Misaddressed(AccessDenied):
    """What answered is not the API: the address in the settings, or the upstream's own configuration, is wrong."""


class Rejected(UpstreamError):
    """The upstream refused the message; `reason` classifies it, `code` is the upstream's own error code."""

    reason: Reason

    def __init__(self, message: str, *, reason: Reason, status: int | None = None, code: str = "") -> None:
        super().__init__(message, status=status, reason=reason, code=code)


class NotFound(Rejected):
    """The API itself, with its own error code, says that there is no such record."""


ACCESS_PAUSE = LONGEST_WAIT
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
