"""Why a call to Balance or WooCommerce failed, split by what the caller may assume.

UpstreamError
├── Unavailable      nothing was done: connect failed, 429, 502/503/504 before a write, breaker open → the lane waits
│   └── WebPage      a read was answered with a web page: a firewall or a maintenance page stands before the API
├── UnknownOutcome   it may have been done: timeout or reset after sending, 5xx on a write → read before retrying
├── AccessDenied     401/403: nothing was done and nothing will be until a person acts → the lane waits, loudly
│   └── Misaddressed what answers is not the API: a redirect, an unknown route, a wrong URL in the settings
└── Rejected         the upstream read the message and refused it → a dead letter
"""

from __future__ import annotations

from contracts.reasons import Reason


class UpstreamError(Exception):
    """A call to an upstream failed."""

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.message, self.status = message, status


class Unavailable(UpstreamError):
    """Nothing was done. `retry_after` is the upstream's own wish in seconds."""

    def __init__(self, message: str, *, status: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(message, status=status)
        self.retry_after = retry_after


class WebPage(Unavailable):
    """A page for people was answered where JSON is meant."""


class UnknownOutcome(UpstreamError):
    """The request was sent; whether it was carried out is not known."""


class AccessDenied(UpstreamError):
    """The credentials or rights do not suffice; the message says where to mend that."""


class Misaddressed(AccessDenied):
    """What answered is not the API: the address in the settings, or the upstream's own set-up, must be mended."""


class Rejected(UpstreamError):
    """The upstream refused the message; `reason` classifies it, `code` is the upstream's own error code."""

    def __init__(self, message: str, *, reason: Reason, status: int | None = None, code: str = "") -> None:
        super().__init__(message, status=status)
        self.reason, self.code = reason, code
