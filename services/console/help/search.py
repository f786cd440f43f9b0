"""Full-text search over the manual (SQLite FTS5), in Georgian or Latin letters.

Both texts and questions are compared in Latin letters, so `shekveta` finds შეკვეთა. Endings are left out of a question
and its words are prefixes, because Georgian words change their endings.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from contracts.reason_texts import all_texts
from services.console.access.roles import ConsoleRole
from services.console.help.manual import read_guide
from services.console.help.settings_reference import list_settings
from services.settings.translation import Language, translate_reason

_PAIRS = {"ჟ": "zh", "ღ": "gh", "შ": "sh", "ჩ": "ch", "ც": "ts", "ძ": "dz", "წ": "ts", "ჭ": "ch", "ხ": "kh"}
_TABLE = str.maketrans(dict(zip("აბგდევზთიკლმნოპრსტუფქყჯჰ", "abgdevztiklmnoprstupkqjh", strict=True)) | _PAIRS)
"""The national romanization, without its apostrophes: people leave them out."""
_ENDINGS = re.compile(r"(?<=\w{4})(?:ebistvis|istvis|ebis|ebs|ebi|eba|shi|ze|is|it|ad|as|ma|ing|ed|es|s|m|i|a|o|e|u)$")
MOST_WORDS = 12
MOST_FOUND = 30
WEIGHTS = {"/help/guides/": 4.0, "/help/reasons/": 2.0}


@dataclass(frozen=True, slots=True)
class Passage:
    """A part of the manual: the page that it is on, its title and text."""

    address: str
    title: str
    text: str


def search_manual(question: str, language: Language) -> list[Passage]:
    """The passages that answer a question, the best first: those with all of its words, else with some of them."""
    words = [_stem(word) for word in re.findall(r"\w+", to_latin(question))][:MOST_WORDS]
    if not words:
        return []
    terms = [f'"{word}"*' for word in words]
    return _find(" AND ".join(terms), language) or _find(" OR ".join(terms), language)


def to_latin(text: str) -> str:
    """A text in small Latin letters."""
    return text.lower().replace("'", "").replace("’", "").translate(_TABLE)


def _stem(word: str) -> str:
    return _ENDINGS.sub("", word)


_FIND = (
    "SELECT address, title, text FROM passages WHERE passages MATCH ?"
    " ORDER BY bm25(passages, 4.0, 1.0) * weight LIMIT ?"
)


def _find(match: str, language: Language) -> list[Passage]:
    wanted = f"{{title_latin text_latin}}: ({match})"
    return [Passage(*row) for row in _index(language).execute(_FIND, (wanted, MOST_FOUND))]


@cache
def _index(language: Language) -> sqlite3.Connection:
    made = sqlite3.connect(":memory:", check_same_thread=False)
    made.execute(
        "CREATE VIRTUAL TABLE passages USING fts5"
        "(title_latin, text_latin, address UNINDEXED, title UNINDEXED, text UNINDEXED, weight UNINDEXED)"
    )
    rows = [
        (to_latin(p.title), to_latin(p.text), p.address, p.title, p.text, _weight(p)) for p in list_passages(language)
    ]
    made.executemany("INSERT INTO passages VALUES (?, ?, ?, ?, ?, ?)", rows)
    return made


def _row(passage: Passage) -> tuple[str | float, ...]:
    searched = (to_latin(passage.title), to_latin(passage.text))
    return *searched, passage.address, passage.title, passage.text, _weight(passage)


def _weight(passage: Passage) -> float:
    """Guides explain most to most people, settings least."""
    return next((weight for start, weight in WEIGHTS.items() if passage.address.startswith(start)), 1.0)


def list_passages(language: Language) -> Iterator[Passage]:
    """All of the manual in one language."""
    for role in ConsoleRole:
        guide, address = read_guide(role, language), f"/help/guides/{role}"
        yield from (Passage(f"{address}#{part.anchor}", part.heading, part.text) for part in guide.sections)
    for reason, text in all_texts().items():
        found = translate_reason(text, language)
        yield Passage(f"/help/reasons/{reason}", reason, f"{found.cause} {found.effect} {found.fix}")
    for entry in list_settings().values():
        yield Passage(f"/help/settings/{entry.key}", entry.key, entry.description or entry.section)
