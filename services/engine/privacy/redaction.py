"""What somebody else says about a person, without the person: Balance may quote what it refuses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

MASK = "•••"
SHORTEST = 4
"""Shorter texts, such as a country, tell nobody apart, and stand in many words."""
IMPERSONAL = frozenset({"person_ref", "uid", "LegalForm", "ExtCode"})
"""Fields of a `person` that name nobody."""


def redacted(text: str, person: Any) -> str:
    """The text with every word of this person masked, as JSON-ready values hold it."""
    for private in sorted(set(_texts(person)), key=len, reverse=True):
        text = text.replace(private, MASK)
    return text


def _texts(found: Any) -> Iterator[str]:
    if isinstance(found, Mapping):
        for name, part in found.items():
            yield from () if name in IMPERSONAL else _texts(part)
    elif isinstance(found, list | tuple):
        for part in found:
            yield from _texts(part)
    elif isinstance(found, str) and len(found.strip()) >= SHORTEST:
        yield found.strip()
