"""Questions on a terminal: one at a time, with what is usual as the default; secrets are neither shown nor repeated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import typer
from pydantic import SecretStr

from services.commands.screen import console


def ask(question: str, default: str | None = None, wrong: Callable[[str], str] = lambda _: "") -> str:
    """A line of text; `wrong` tells what is wrong with an answer, "" when nothing is."""
    while True:
        answer = str(typer.prompt(question, default=default, type=str)).strip()
        if not (fault := wrong(answer)):
            return answer
        say(f"  {fault}")


def ask_or_nothing(question: str) -> str:
    """A line of text that may be left empty."""
    return str(typer.prompt(question, default="", show_default=False)).strip()


def secret(question: str) -> SecretStr:
    """Something that is not shown while it is typed."""
    return SecretStr(str(typer.prompt(question, hide_input=True)).strip())


def yes(question: str, *, default: bool = True) -> bool:
    """Yes or no."""
    return typer.confirm(question, default=default)


def one_of(question: str, choices: Sequence[str], default: str) -> str:
    """One of a few words."""
    told = ", ".join(choices)
    return ask(f"{question} ({told})", default, lambda answer: "" if answer in choices else f"one of: {told}")


def numbered(title: str, lines: Sequence[str]) -> None:
    """A list to choose from, counted from 1."""
    say(f"\n{title}")
    for number, line in enumerate(lines, start=1):
        say(f"  {number:>3}  {line}")


def choose(question: str, count: int, default: str = "") -> int | None:
    """One of a numbered list, counted from 0; None when nothing was chosen."""
    found = choose_many(question, count, default, most=1)
    return found[0] if found else None


def choose_many(question: str, count: int, default: str = "", most: int | None = None) -> list[int]:
    """Some of a numbered list, as "1, 3", counted from 0; empty for none."""

    def wrong(answer: str) -> str:
        numbers = _numbers(answer)
        if numbers is None or any(not 1 <= number <= count for number in numbers):
            return f"numbers between 1 and {count}, with commas between them; nothing for none"
        return "" if most is None or len(numbers) <= most else "one number only"

    while True:
        answer = str(typer.prompt(question, default=default, show_default=bool(default))).strip()
        if not (fault := wrong(answer)):
            return [number - 1 for number in dict.fromkeys(_numbers(answer) or [])]
        say(f"  {fault}")


def _numbers(text: str) -> list[int] | None:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    return [int(part) for part in parts] if all(part.isascii() and part.isdigit() for part in parts) else None


def say(text: str, style: str | None = None) -> None:
    """A line of text as it stands."""
    console.print(text, style=style, markup=False, soft_wrap=True)


def write_secret(path: Path, text: SecretStr) -> None:
    """Write a secret into a file that only this user may read; folder and file are made so from the first moment."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(text.get_secret_value() + "\n", encoding="utf-8")
