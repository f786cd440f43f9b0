"""Masks a person's data in texts that other systems write: Balance may quote what it refuses, in a spelling of its own.

A value is found in any case and alphabet (Georgian or its romanizations), with other spaces or punctuation, and digits
also with anything but characters of words and digits between them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

MASK = "•••"
SHORTEST = 4
"""Shorter values identify nobody and are part of many words; names are masked from two characters, as whole words."""
SHORTEST_NUMBER = 6
"""Digits; numbers in addresses are shorter."""
LOCAL_DIGITS = 9
"""Digits of a Georgian phone number without its prefix 995 or 0."""
IMPERSONAL = frozenset({"person_ref", "uid", "LegalForm", "ExtCode", "country"})
"""Fields of a `person` that identify nobody."""
NAMES = frozenset({"first_name", "last_name", "company", "Name", "FullName"})
_ROMANIZED = (
    ("ა", "a"), ("ბ", "b"), ("გ", "g"), ("დ", "d"), ("ე", "e"), ("ვ", "v"), ("ზ", "z"), ("თ", "t"), ("ი", "i"),
    ("კ", "k"), ("ლ", "l"), ("მ", "m"), ("ნ", "n"), ("ო", "o"), ("პ", "p"), ("ჟ", "zh"), ("რ", "r"), ("ს", "s"),
    ("ტ", "t"), ("უ", "u"), ("ფ", "p"), ("ქ", "k"), ("ღ", "gh"), ("ყ", "k"), ("შ", "sh"), ("ჩ", "ch"), ("ც", "ts"),
    ("ძ", "dz"), ("წ", "ts"), ("ჭ", "ch"), ("ხ", "kh"), ("ჯ", "j"), ("ჰ", "h"),
)  # fmt: skip
"""The national system of romanization, without apostrophes, and with `k` for `q`."""
_GEORGIAN = dict(_ROMANIZED)
_MASKED = re.compile(r"\+?\0+(?:[^\w\0]\0+)*")
"""Characters to be masked, and a single character between two values."""
_LATIN = (("ph", "p"), ("f", "p"), ("q", "k"), ("x", "kh"), ("w", "ts"))
"""Other romanizations of the same characters."""


@dataclass(slots=True)
class _Folded:
    """A text in one spelling, and for each of its characters the place of the original one."""

    text: str
    places: list[int]


def redact_person(text: str, person: Any) -> str:
    """The text with every value of this person masked."""
    values = [(name, value) for name, value in _values(person) if value.strip()]
    if not values:
        return text
    folded = _fold(text)
    masked = {place for name, value in values for span in _find(folded, name, value) for place in range(*span)}
    return _MASKED.sub(MASK, _blank(text, masked)) if masked else text


def _blank(text: str, masked: set[int]) -> str:
    return "".join("\0" if place in masked else character for place, character in enumerate(text.replace("\0", " ")))


def _values(found: Any, field: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(found, Mapping):
        for name, part in found.items():
            yield from () if name in IMPERSONAL else _values(part, str(name))
    elif isinstance(found, list | tuple):
        for part in found:
            yield from _values(part, field)
    elif isinstance(found, str):
        yield field, found


def _find(folded: _Folded, field: str, value: str) -> Iterator[tuple[int, int]]:
    """The places of a value in the original text, as (start, end)."""
    for pattern in _patterns(field, value):
        for match in re.finditer(pattern, folded.text):
            yield folded.places[match.start()], folded.places[match.end() - 1] + 1


def _patterns(field: str, value: str) -> Iterator[str]:
    whole = _fold(value).text.strip()
    if len(whole) >= SHORTEST:
        yield re.escape(whole)
    for word in whole.split() if field in NAMES else ():
        if len(word) >= SHORTEST:
            yield re.escape(word)
        elif len(word) > 1:
            yield rf"(?<!\w){re.escape(word)}(?!\w)"
    yield from map(" ?".join, _numbers(value))


def _numbers(value: str) -> Iterable[str]:
    """The digits of a value that consists mostly of digits; of a phone number also without its prefix."""
    digits = "".join(re.findall(r"\d", _fold(value).text))
    if len(digits) < SHORTEST_NUMBER or len(digits) * 2 < len(re.sub(r"\W", "", value)):
        return ()
    return {digits, digits[-LOCAL_DIGITS:]}


def _fold(text: str) -> _Folded:
    """Without case, accents, apostrophes and alphabet; everything between words is one space."""
    folded_text: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        for folded in _spellings(character):
            if folded != " " or (folded_text and folded_text[-1] != " "):
                folded_text.append(folded)
                places.append(place)
    return _merge(_Folded("".join(folded_text), places))


def _spellings(character: str) -> str:
    parts = unicodedata.normalize("NFKD", character).casefold()
    return "".join(_spell(part) for part in parts)


def _spell(part: str) -> str:
    if part in "'’`ʼ" or unicodedata.category(part) in ("Mn", "Cf"):
        return ""
    if not part.isalnum():
        return " "
    digit = unicodedata.decimal(part, None)
    return _GEORGIAN.get(part, part) if digit is None else str(digit)


def _merge(folded: _Folded) -> _Folded:
    """One spelling for all romanizations of a character."""
    for other, usual in _LATIN:
        for start in [match.start() for match in re.finditer(other, folded.text)][::-1]:
            place = folded.places[start]
            folded.places[start : start + len(other)] = [place] * len(usual)
        folded.text = folded.text.replace(other, usual)
    return folded
