"""The check of words finds a listed word wherever it is, and leaves allowed phrases alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops.lint.words import find_words, main, read_list

WORD = "".join(["t", "old"])
"""Put together, so that the check does not find it in this file."""


def found(text: str) -> list[str]:
    return [finding.word.lower() for finding in find_words(Path("example.py"), text, read_list())]


@pytest.mark.parametrize(
    "text",
    [
        f"def {WORD}(): ...",
        f"self._{WORD}_twice = 1",
        f"class Just{WORD.title()}: ...",
        f"{WORD.upper()} = 1",
        f"# what a person is {WORD}",
        f'"""As {WORD} before."""',
        f'log.info("nobody was {WORD}")',
        f"| a table | {WORD} |",
    ],
)
def test_a_listed_word_is_found(text: str) -> None:
    assert found(text) == [WORD]


@pytest.mark.parametrize(
    "text", ["a dead letter", "dead_letter_id", "OpenDeadLetters", "DeadLettersOpen", "first letter"]
)
def test_allowed_phrases_are_not_found(text: str) -> None:
    assert found(text) == []


def test_a_phrase_of_several_words_is_found() -> None:
    assert found("what became" + " of it") == ["became" + " of"]


def test_a_planted_word_fails_the_check_with_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ops.lint.words.source_files", lambda _: [tmp_path / "planted.py"])
    (tmp_path / "planted.py").write_text("count = 1\n", encoding="utf-8")
    assert main([]) == 0
    (tmp_path / "planted.py").write_text(f"count = 1\n# {WORD}\n", encoding="utf-8")
    assert main([]) == 1
