"""Turns failed calls into `UpstreamError`s: was the request sent, and may it have taken effect?"""

from __future__ import annotations

import ssl
from datetime import datetime

import httpx

from services.connectors.http.bounds import AnswerTooLarge, CallTooLong
from services.connectors.http.responses import Explanation, UpstreamLabels, is_web_page
from services.engine.backoff import parse_retry_after
from services.engine.outbox.upstream_errors import (
    AccessDenied,
    ForeignAnswer,
    Misaddressed,
    ReadFailed,
    Rejected,
    Unavailable,
    UnknownOutcome,
    UpstreamError,
)

NOT_PROCESSED = frozenset({425, 429, 503, 521, 523, 525, 526, 530})
"""Too early, too many, closed for now, or a proxy (52x, 530: Cloudflare) that did not reach the server."""
DENIED = frozenset({401, 403, 407})
FAILED = frozenset({408, 500, 502, 504, 507, 508, 520, 522, 524})
"""The upstream, or its platform, gave up on this request: too slow, too large, or a program that crashed."""
NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
"""The only failures that prove that the request was not sent: any call can be repeated at once."""
_NEVER_ARRIVED = (*NOT_SENT, httpx.ProxyError)
_GAVE_UP = (httpx.ReadTimeout, httpx.ReadError, httpx.RemoteProtocolError)
"""No answer in time, or half of one: a read of fewer records may succeed."""
_BAD_URL = (httpx.UnsupportedProtocol, httpx.InvalidURL)
_MAY_HAVE_TAKEN_EFFECT = "it may have taken effect"
_DESCRIPTIONS: dict[type[Exception], str] = {
    httpx.ConnectError: "no connection (refused, unreachable or unknown host)",
    httpx.ConnectTimeout: "no connection in time",
    httpx.PoolTimeout: "no free connection in time",
    httpx.ReadTimeout: "no answer in time",
    httpx.WriteTimeout: "the request was not accepted in time",
    httpx.ReadError: "the connection broke before the answer was complete",
    httpx.WriteError: "the connection broke while the request was sent",
    httpx.RemoteProtocolError: "the connection was closed without a complete answer",
    httpx.DecodingError: "the answer's compression is broken",
    AnswerTooLarge: "the answer is larger than any list of records, or packed more than once",
    CallTooLong: "the call took longer than its deadline",
    httpx.ProxyError: "the proxy did not permit the connection",
    httpx.UnsupportedProtocol: "not an http or https address",
    httpx.InvalidURL: "not a valid address",
}


def classify_response(
    response: httpx.Response, labels: UpstreamLabels, call: str, *, writes: bool, now: datetime
) -> UpstreamError | None:
    """The error of an answer by its status; None for a 2xx that is not a web page. The body must have been read.

    `call` names method and path in messages. The rules of an upstream's own client go first.
    """
    if response.is_success and not is_web_page(response):
        return None
    status, found = response.status_code, labels.explain(response)
    what, reason = f"{labels.name}: {call}: {found.text}", found.reason
    if response.is_success:
        return build_foreign_error(what, found, writes=writes, status=status)
    if status in DENIED:
        return AccessDenied(_append(what, found.fix or labels.fix_access), status=status, reason=reason)
    if status in NOT_PROCESSED:
        after = parse_retry_after(response.headers.get("retry-after"), now)
        return Unavailable(_append(what, found.fix), status=status, reason=reason, retry_after=after)
    if status in FAILED or status >= 500:
        return _build_failure(_append(what, found.fix), status, writes=writes)
    if status >= 400:
        return Rejected(what, reason=labels.refused_reason, status=status)
    return Misaddressed(_append(what, found.fix or labels.fix_address), status=status, reason=reason)


def build_foreign_error(what: str, found: Explanation, *, writes: bool, status: int | None) -> UpstreamError:
    """The error of a 2xx that is not the API's answer: a read has read nothing, a write may have taken effect."""
    text = _append(f"{what}, which is not an answer of the API", found.fix)
    kind = UnknownOutcome if writes else ForeignAnswer
    return kind(text, status=status, reason=found.reason)


def classify_exception(
    error: httpx.HTTPError | httpx.InvalidURL, labels: UpstreamLabels, call: str, *, writes: bool
) -> UpstreamError:
    """The error of an httpx exception. `call` names method and path; never a query or header."""
    what = f"{labels.name}: {call}: {_describe(error)}"
    if isinstance(error, _BAD_URL):
        return Misaddressed(f"{what}. {labels.fix_address}")
    if isinstance(error, _NEVER_ARRIVED):
        return Unavailable(f"{what}; nothing was sent")
    if writes:
        return UnknownOutcome(f"{what}; {_MAY_HAVE_TAKEN_EFFECT}")
    return (ReadFailed if isinstance(error, _GAVE_UP) else Unavailable)(what)


def _build_failure(what: str, status: int, *, writes: bool) -> UpstreamError:
    if writes:
        return UnknownOutcome(f"{what}; {_MAY_HAVE_TAKEN_EFFECT}", status=status)
    return (ReadFailed if status in FAILED else Unavailable)(what, status=status)


def _append(what: str, fix: str) -> str:
    return f"{what}. {fix}" if fix else what


def _describe(error: Exception) -> str:
    if (certificate_error := _find_certificate_error(error)) is not None:
        return f"the TLS certificate is not trusted ({certificate_error.verify_message}); set ca-file to its authority"
    return _DESCRIPTIONS.get(type(error), type(error).__name__)


def _find_certificate_error(error: BaseException | None) -> ssl.SSLCertVerificationError | None:
    while error is not None and not isinstance(error, ssl.SSLCertVerificationError):
        error = error.__cause__ or error.__context__
    return error
