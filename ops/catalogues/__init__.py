"""Which texts Babel collects for translation: see `[tool.babel]` in pyproject.toml and `make catalogues`."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterator, Mapping
from typing import IO, Any

SENTENCES = ("cause", "effect", "fix")


def extract_reasons(
    file: IO[bytes], keywords: Collection[str], comment_tags: Collection[str], options: Mapping[str, Any]
) -> Iterator[tuple[int, str, str, list[str]]]:
    """The sentences of `contracts/reasons.toml`, as a Babel extraction method: line, function, message, comments."""
    for code, text in tomllib.load(file).items():
        for sentence in SENTENCES:
            yield 1, "_", text[sentence], [code]
