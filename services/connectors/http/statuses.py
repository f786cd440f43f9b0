"""From an HTTP status to our errors, as long as the upstream's own client knows nothing better."""

from __future__ import annotations

from datetime import datetime

import httpx

from services.connectors.http.descriptions import is_page
from services.connectors.http.voice import Explanation, Voice
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

NOT_DONE = frozenset({425, 429, 503, 521, 523, 525, 526, 530})
"""Too early, too many, closed for now, or a proxy (52x, 530: Cloudflare) that never reached the server."""
DENIED = frozenset({401, 403, 407})
FAILED = frozenset({408, 500, 502, 504, 507, 508, 520, 522, 524})
"""The upstream, or what runs it, gave up on this request: too slow, too large, or a program that crashed."""


def error_of(response: httpx.Response, voice: Voice, call: str, *, writes: bool, now: datetime) -> UpstreamError | None:
    """The error that an answer means; None for a 2xx that is not a web page. The body must have been read."""
    if response.is_success and not is_page(response):
        return None
    status, found = response.status_code, voice.explain(response)
    what, reason = f"{voice.name}: {call}: {found.words}", found.reason
    if response.is_success:
        return foreign(what, found, writes=writes, status=status)
    if status in DENIED:
        return AccessDenied(_with(what, found.fix or voice.mend_access), status=status, reason=reason)
    if status in NOT_DONE:
        after = parse_retry_after(response.headers.get("retry-after"), now)
        return Unavailable(_with(what, found.fix), status=status, reason=reason, retry_after=after)
    if status in FAILED or status >= 500:
        return _failed(_with(what, found.fix), status, writes=writes)
    if status >= 400:
        return Rejected(what, reason=voice.refused, status=status)
    return Misaddressed(_with(what, found.fix or voice.mend_address), status=status, reason=reason)


def foreign(what: str, found: Explanation, *, writes: bool, status: int | None) -> UpstreamError:
    """A 2xx that is not the API's answer: a read has read nothing, and a write may have been carried out."""
    text = _with(f"{what}, which is not an answer of the API", found.fix)
    kind = UnknownOutcome if writes else ForeignAnswer
    return kind(text, status=status, reason=found.reason)


def _failed(what: str, status: int, *, writes: bool) -> UpstreamError:
    if writes:
        return UnknownOutcome(f"{what}; it may have been done all the same", status=status)
    return (ReadFailed if status in FAILED else Unavailable)(what, status=status)


def _with(what: str, fix: str) -> str:
    return f"{what}. {fix}" if fix else what
