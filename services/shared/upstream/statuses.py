"""From an HTTP status to our errors, as long as the upstream's own client knows nothing better."""

from __future__ import annotations

import re
from datetime import datetime
from html import unescape

import httpx

from services.shared.upstream.errors import (
    AccessDenied,
    Misaddressed,
    Rejected,
    Unavailable,
    UnknownOutcome,
    UpstreamError,
    WebPage,
)
from services.shared.upstream.retry_after import retry_after
from services.shared.upstream.voice import Voice

NOT_DONE = frozenset({408, 425, 429, 503, 521, 523, 525, 526})
"""Too early, too many, closed for now, or a proxy (52x: Cloudflare) that never reached the server."""
DENIED = frozenset({401, 403, 407})

_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)


def error_of(response: httpx.Response, voice: Voice, call: str, *, writes: bool, now: datetime) -> UpstreamError | None:
    """The error that an answer means; None for a 2xx that is not a web page. The body must have been read."""
    status, what = response.status_code, f"{voice.name}: {call}: {described(response)}"
    if response.is_success:
        return page_error(what, status, writes=writes) if is_page(response) else None
    if status in DENIED:
        return AccessDenied(f"{what}. {voice.mend_access}", status=status)
    if status in NOT_DONE:
        return Unavailable(what, status=status, retry_after=retry_after(response.headers.get("retry-after"), now))
    if status >= 500:
        return _server_error(what, status, writes=writes)
    if status >= 400:
        return Rejected(what, reason=voice.refused, status=status)
    return Misaddressed(f"{what}. {voice.mend_address}", status=status)


def page_error(what: str, status: int, *, writes: bool) -> UpstreamError:
    """A 2xx web page where JSON is meant: a firewall's question, or PHP's words in front of the real answer."""
    text = f"{what}, where JSON is meant: most likely a firewall or a maintenance page stands before the API"
    return UnknownOutcome(text, status=status) if writes else WebPage(text, status=status)


def is_page(response: httpx.Response) -> bool:
    """Whether the body is markup: neither upstream ever answers that on purpose."""
    return response.content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


def described(response: httpx.Response) -> str:
    """The status in words, with the page's title or the redirect's host; never the body, it may hold personal data."""
    words = f"HTTP {response.status_code}"
    if response.is_redirect:
        return f"{words}, a redirect to {_host(response)}"
    read = response.is_stream_consumed  # a streamed answer is not read yet, and must not be
    return f"{words}, a web page{_title(response)}" if read and is_page(response) else words


def _server_error(what: str, status: int, *, writes: bool) -> UpstreamError:
    if writes:
        return UnknownOutcome(f"{what}; it may have been done all the same", status=status)
    return Unavailable(what, status=status)


def _title(response: httpx.Response) -> str:
    found = _TITLE.search(response.text[:10_000])
    return f' "{" ".join(unescape(found[1]).split())[:80]}"' if found else ""


def _host(response: httpx.Response) -> str:
    try:
        to = response.request.url.join(response.headers["location"])
    except (KeyError, httpx.InvalidURL):
        return "nowhere"
    return f"{to.scheme}://{to.netloc.decode()}"
