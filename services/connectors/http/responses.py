"""Describes HTTP answers for messages, and the labels with which messages name an upstream."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import unescape
from typing import Any, NamedTuple

import httpx

from contracts.reasons import Reason

EXCERPT_LENGTH = 80
"""Characters of a body shown in a message."""
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_INVISIBLE = re.compile(r"<(script|style)\b.*?</\1>|<[^>]*>", re.IGNORECASE | re.DOTALL)
_PHP_MARKUP = re.compile(rb"<br\s*/?>\s*<(b|font)\b", re.IGNORECASE)
_BLANK = b"\xef\xbb\xbf \t\r\n"
_REFUSAL_KEYS = frozenset(
    {
        "code", "data", "description", "detail", "details", "error", "errors", "exception",
        "exceptionmessage", "exceptiontype", "instance", "message", "messagedetail", "messages", "msg", "ok",
        "path", "reason", "request_id", "requestid", "result", "stacktrace", "status", "statuscode",
        "success", "timestamp", "title", "trace", "traceid", "type", "url",
    }
)  # fmt: skip


class Explanation(NamedTuple):
    """A description of an answer, the fix, and the reason code of the cause if it is known."""

    text: str
    fix: str = ""
    reason: Reason | None = None


def is_web_page(response: httpx.Response) -> bool:
    """Whether the body is markup other than a PHP warning: neither upstream ever answers that on purpose."""
    body = response.content.lstrip(_BLANK)
    return body.startswith(b"<") and _PHP_MARKUP.match(body) is None


def is_refusal_object(value: Mapping[str, Any]) -> bool:
    """Whether a JSON object has only keys of refusals, such as `{"message": …}` or `{"success": false}`.

    Protections, proxies and frameworks refuse calls with such objects; no record of either API looks like them.
    """
    return all(key.lower() in _REFUSAL_KEYS or key == "_links" for key in value)


def describe_response(response: httpx.Response) -> str:
    """The status, with a page's title or a redirect's host; never the body, which may contain personal data."""
    text = f"HTTP {response.status_code}"
    if response.is_redirect:
        return f"{text}, a redirect to {_redirect_target(response)}"
    read = response.is_stream_consumed  # a streamed answer is not read yet, and must not be
    return f"{text}, a web page{_quote_title(response)}" if read and is_web_page(response) else text


def excerpt(text: str) -> str:
    """The first visible characters of a body, on one line."""
    visible = unescape(_INVISIBLE.sub(" ", text[:20_000]))
    return " ".join(visible.split())[:EXCERPT_LENGTH]


def _explain_briefly(response: httpx.Response) -> Explanation:
    return Explanation(describe_response(response))


@dataclass(frozen=True, slots=True)
class UpstreamLabels:
    """How messages name an upstream: its name, the reason code of a refusal, and the fixes for access and address.

    `explain` describes an answer that is not the expected one.
    """

    name: str
    refused_reason: Reason
    fix_access: str
    fix_address: str
    explain: Callable[[httpx.Response], Explanation] = _explain_briefly


def _quote_title(response: httpx.Response) -> str:
    found = _TITLE.search(response.text[:10_000])
    title = " ".join(unescape(found[1]).split())[:EXCERPT_LENGTH] if found else ""
    return f' "{title}"' if title else ""


def _redirect_target(response: httpx.Response) -> str:
    try:
        target = response.request.url.join(response.headers["location"])
    except (KeyError, httpx.InvalidURL):
        return "nowhere"
    return f"{target.scheme}://{target.netloc.decode()}"
