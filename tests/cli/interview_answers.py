"""Answers to the prompts of `davtari init`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import typer

from services.cli.init.interview import Interview, SavedAnswers


def give_answers(monkeypatch: pytest.MonkeyPatch, *answers: str) -> list[str]:
    """Answer the prompts with these texts in turn; an empty one takes the default. Returns the questions asked."""
    left = iter(answers)
    asked: list[str] = []

    def prompt(question: str, default: Any = None, **_: Any) -> Any:
        asked.append(question)
        return next(left) or default or ""

    def confirm(question: str, default: bool = True) -> bool:
        asked.append(question)
        return {"y": True, "n": False, "": default}[next(left)]

    monkeypatch.setattr(typer, "prompt", prompt)
    monkeypatch.setattr(typer, "confirm", confirm)
    return asked


def new_interview(folder: Path) -> Interview:
    """An interview whose answers are saved in the folder."""
    return Interview(SavedAnswers(folder / "davtari.answers"))
