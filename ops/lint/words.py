"""Finds words that are not used here, in code, comments, texts and documents: `python -m ops.lint.words [PATH...]`."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

LIST = Path(__file__).with_name("words.txt")
SUFFIXES = (".py", ".md", ".toml")
_PART = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


@dataclass(frozen=True, slots=True)
class Finding:
    """A word on a line, and what to write instead."""

    path: Path
    line: int
    word: str
    replacement: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.word} → {self.replacement}"


@dataclass(frozen=True, slots=True)
class WordList:
    """Replacements by word; phrases of several words, which match as they are; and phrases in which a word is right."""

    words: dict[str, str]
    phrases: dict[str, str]
    allowed: re.Pattern[str]


def read_list(path: Path = LIST) -> WordList:
    """The list in this file."""
    wanted, _, allowed = path.read_text(encoding="utf-8").partition("[allowed]\n")
    entries = dict(_entry(line) for line in wanted.splitlines() if line.strip() and not line.startswith("#"))
    phrases = sorted((line for line in allowed.splitlines() if line.strip()), key=len, reverse=True)
    return WordList(
        words={word: instead for word, instead in entries.items() if " " not in word},
        phrases={word: instead for word, instead in entries.items() if " " in word},
        allowed=re.compile("|".join(map(_phrase_pattern, phrases))),
    )


def _entry(line: str) -> tuple[str, str]:
    word, _, instead = line.partition(":")
    return word.strip().lower(), instead.strip()


def _phrase_pattern(phrase: str) -> str:
    """A phrase matches as whole words in any case; one in CamelCase also inside of a longer identifier."""
    if phrase[0].isupper() and phrase.isalpha():
        return rf"{phrase}(?![a-z])"
    before = "(?<![A-Za-z])" if phrase[0].isalpha() else ""
    after = "(?![a-z])" if phrase[-1].isalpha() else ""
    return rf"{before}(?i:{re.escape(phrase)}){after}"


def find_words(path: Path, text: str, listed: WordList) -> Iterator[Finding]:
    """The listed words in a text, line by line."""
    for number, line in enumerate(text.splitlines(), start=1):
        rest = listed.allowed.sub(" ", line)
        for part in _PART.findall(rest):
            if (instead := listed.words.get(part.lower())) is not None:
                yield Finding(path, number, part, instead)
        for phrase, instead in listed.phrases.items():
            if phrase in rest.lower():
                yield Finding(path, number, phrase, instead)


def source_files(paths: Iterable[str]) -> list[Path]:
    """The files under these paths that Git tracks or would track; all of the repository without a path."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *paths]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [path for line in listed.splitlines() if (path := Path(line)).suffix in SUFFIXES and path.is_file()]


def main(paths: Iterable[str]) -> int:
    """Print every finding; 1 if there is any."""
    listed = read_list()
    findings = [
        finding for path in source_files(paths) for finding in find_words(path, path.read_text("utf-8"), listed)
    ]
    for finding in findings:
        print(finding)
    print(f"{len(findings)} words to replace" if findings else "no word to replace")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
