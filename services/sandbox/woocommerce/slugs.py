"""Names as WordPress stores and shows them."""

from __future__ import annotations

import html
import re
from collections.abc import Container
from urllib.parse import quote

SCRIPT = re.compile(r"<(script|style)[^>]*>.*?</\1>", re.IGNORECASE | re.DOTALL)
TAG = re.compile(r"<[^>]*>")
LOOSE_AMPERSAND = re.compile(r"&(?!#?\w+;)")


def name_text(name: str) -> str:
    """A product's name: markup is stripped, `&` comes back as `&amp;`, an empty name is "Product"."""
    clean = TAG.sub("", SCRIPT.sub("", name)).strip()
    return LOOSE_AMPERSAND.sub("&amp;", clean) or "Product"


def slug_text(name: str) -> str:
    """The readable slug of a name: lower case, words joined by hyphens."""
    words = re.sub(r"[^\w\s-]", "", html.unescape(name).lower())
    return re.sub(r"[\s_-]+", "-", words).strip("-")


def encoded(slug: str) -> str:
    """A slug as it stands in the database: percent-encoded in lower case."""
    return quote(slug).lower()


def unique(slug: str, taken: Container[str]) -> str:
    """The slug, or slug-2, slug-3, ... if it is taken."""
    found, number = slug, 1
    while found in taken:
        number += 1
        found = f"{slug}-{number}"
    return found


def paragraphs(text: str) -> str:
    """A text as a page shows it."""
    if not text:
        return ""
    return f"{text}\n" if text.startswith("<p>") else f"<p>{text}</p>\n"
