"""Questions on a terminal, one at a time; what was answered before is the default, secrets are never shown.

Ctrl-C ends at any question: asyncio would keep it back until the next wait, so the signal is taken here.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn, TypeVar

import typer
from pydantic import SecretStr

from services.cli.screen import console
from services.settings.base import SecretMissing, read_secret

# The answers so far, in a file beside the settings, to be offered again. Secrets are not among them.

Answer = str | int | list[str] | list[int]


class SavedAnswers:
    """Answers by key; each is on disk as soon as it is given, readable by this user only."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._answers = _read(path)

    def get(self, key: str) -> Answer | None:
        """What was answered last time."""
        return self._answers.get(key)

    def keep(self, key: str, answer: Answer) -> None:
        """Keep an answer."""
        self._answers[key] = answer
        self.path.touch(mode=0o600)
        self.path.write_text(json.dumps(self._answers, ensure_ascii=False, indent=1), encoding="utf-8")

    def forget(self) -> None:
        """All of it is in the settings now."""
        self.path.unlink(missing_ok=True)


def _read(path: Path) -> dict[str, Answer]:
    """A file that cannot be read offers nothing."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def write_secret(path: Path, text: str) -> None:
    """Write a secret into a file that only this user may read; folder and file are made so from the first moment."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(text + "\n", encoding="utf-8")


ResultT = TypeVar("ResultT")
Check = Callable[[str], str]
"""What is wrong with an answer; empty when nothing is."""


class InterviewEnded(Exception):
    """The person broke off, or the input ended; `question` is what was asked then."""

    def __init__(self, question: str, *, interrupted: bool) -> None:
        super().__init__(question)
        self.question, self.interrupted = question, interrupted


class Interview:
    """Asks, keeps each answer under its key, and offers it next time."""

    def __init__(self, kept: SavedAnswers) -> None:
        self.kept = kept

    def text(self, key: str, question: str, default: str | None = None, wrong: Check = lambda _: "") -> str:
        """A line of text."""
        before = self.kept.get(key)
        return self._answered(key, question, before if isinstance(before, str) else default, wrong)

    def optional(self, key: str, question: str, wrong: Check = lambda _: "") -> str:
        """A line of text that may be left empty."""
        before = self.kept.get(key)
        offered = before if isinstance(before, str) else ""
        return self._answered(key, question, offered, lambda answer: wrong(answer) if answer else "")

    def one_of(self, key: str, question: str, choices: Sequence[str], default: str) -> str:
        """One of a few words."""
        listed = ", ".join(choices)
        wrong = _one_of(choices, f"one of: {listed}")
        before = self.kept.get(key)
        return self._answered(key, f"{question} ({listed})", before if before in choices else default, wrong)

    def _answered(self, key: str, question: str, offered: object, wrong: Check) -> str:
        shown = offered != ""
        while True:
            answer = str(_asked(question, lambda: typer.prompt(question, default=offered, show_default=shown))).strip()
            if not (fault := wrong(answer)):
                self.kept.keep(key, answer)
                return answer
            say(f"  {fault}")

    def secret(self, question: str, file: Path) -> SecretStr:
        """Something that is not shown while it is typed; it is in its file at once, and an empty answer keeps that."""
        known = _known(file)
        full = f"{question} (not shown{'; nothing: the one of last time' if known else ''})"
        while True:
            answer = _asked(full, lambda: typer.prompt(full, default="", show_default=False, hide_input=True)).strip()
            if answer:
                write_secret(file, answer)
                return SecretStr(answer)
            if known:
                return known

    def choose(self, key: str, question: str, values: Sequence[str], default: Sequence[str] = ()) -> str | None:
        """One of a numbered list by its number; None when nothing was chosen."""
        found = self.choose_many(key, question, values, default, most=1)
        return found[0] if found else None

    def choose_many(
        self, key: str, question: str, values: Sequence[str], default: Sequence[str] = (), most: int | None = None
    ) -> list[str]:
        """Some of a numbered list, as "1, 3"; empty for none. What was chosen is kept, not its number."""
        before = self.kept.get(key)
        offered = ", ".join(str(values.index(one) + 1) for one in (before or default) if one in values)  # type: ignore[union-attr]
        wrong = _numbers_of(len(values), most)
        while True:
            answer = _asked(question, lambda: typer.prompt(question, default=offered, show_default=bool(offered)))
            if not (fault := wrong(str(answer))):
                chosen = [values[number - 1] for number in dict.fromkeys(_numbers(str(answer)) or [])]
                self.kept.keep(key, chosen)
                return chosen
            say(f"  {fault}")


def confirm(question: str, *, default: bool = True) -> bool:
    """Yes or no."""
    return _asked(question, lambda: typer.confirm(question, default=default))


def show_choices(title: str, lines: Sequence[str], first: int = 1) -> None:
    """A list to choose from."""
    say(f"\n{title}")
    for number, line in enumerate(lines, start=first):
        say(f"  {number:>3}  {line}")


def say(text: str, style: str | None = None) -> None:
    """A line of text as it is."""
    console.print(text, style=style, markup=False, soft_wrap=True)


def _asked(question: str, ask: Callable[[], ResultT]) -> ResultT:
    interrupted = False

    def interrupt(_: int, __: FrameType | None) -> NoReturn:
        nonlocal interrupted
        interrupted = True
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        return ask()
    except (typer.Abort, KeyboardInterrupt):
        raise InterviewEnded(question, interrupted=interrupted) from None
    finally:
        signal.signal(signal.SIGINT, before)


def _known(file: Path) -> SecretStr | None:
    try:
        return read_secret(file, "")
    except SecretMissing:
        return None


def _one_of(choices: Sequence[str], fault: str) -> Check:
    return lambda answer: "" if answer in choices else fault


def _numbers_of(count: int, most: int | None) -> Check:
    def wrong(answer: str) -> str:
        numbers = _numbers(answer)
        if numbers is None or any(not 1 <= number <= count for number in numbers):
            return f"numbers between 1 and {count}, with commas between them; nothing for none"
        return "" if most is None or len(numbers) <= most else "one number only"

    return wrong


def _numbers(text: str) -> list[int] | None:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    return [int(part) for part in parts] if all(part.isascii() and part.isdigit() for part in parts) else None
