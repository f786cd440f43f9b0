"""An HTTP answer in the words of a message."""

from __future__ import annotations

import re
from html import unescape

import httpx

SHOWN = 80
"""Characters of a body that a message shows."""
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_UNSEEN = re.compile(r"<(script|style)\b.*?</\1>|<[^>]*>", re.IGNORECASE | re.DOTALL)
_PHP_MARKUP = re.compile(rb"<br\s*/?>\s*<(b|font)\b", re.IGNORECASE)
_BLANK = b"\xef\xbb\xbf \t\r\n"


def is_page(response: httpx.Response) -> bool:
    """Whether the body is markup, other than a warning of PHP: neither upstream ever answers that on purpose."""
    body = response.content.lstrip(_BLANK)
    return body.startswith(b"<") and _PHP_MARKUP.match(body) is None


def described(response: httpx.Response) -> str:
    """The status in words, with a page's title or a redirect's host; never the body, it may hold personal data."""
    words = f"HTTP {response.status_code}"
    if response.is_redirect:
        return f"{words}, a redirect to {_host(response)}"
    read = response.is_stream_consumed  # a streamed answer is not read yet, and must not be
    return f"{words}, a web page{_title(response)}" if read and is_page(response) else words


def beginning(text: str) -> str:
    """The first visible characters of a body, on one line."""
    visible = unescape(_UNSEEN.sub(" ", text[:20_000]))
    return " ".join(visible.split())[:SHOWN]


def _title(response: httpx.Response) -> str:
    found = _TITLE.search(response.text[:10_000])
    title = " ".join(unescape(found[1]).split())[:SHOWN] if found else ""
    return f' "{title}"' if title else ""


def _host(response: httpx.Response) -> str:
    try:
        to = response.request.url.join(response.headers["location"])
    except (KeyError, httpx.InvalidURL):
        return "nowhere"
    return f"{to.scheme}://{to.netloc.decode()}"
