"""Questions on a terminal. Earlier answers are the defaults; secrets are never shown.

Ctrl-C works at every question: asyncio would delay it until the next await, so the signal is handled here.
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

from services.cli import screen
from services.cli.screen import ask, console
from services.settings.base import SecretMissing, address_fault, is_unencrypted, read_secret

Answer = str | int | list[str] | list[int]


class SavedAnswers:
    """Answers by key, in a file next to the settings. Each is saved at once, readable only by this user; no secrets."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._answers = _read(path)

    def get(self, key: str) -> Answer | None:
        """The last answer, if any."""
        return self._answers.get(key)

    def keep(self, key: str, answer: Answer) -> None:
        """Save an answer."""
        self._answers[key] = answer
        self.path.touch(mode=0o600)
        self.path.write_text(json.dumps(self._answers, ensure_ascii=False, indent=1), encoding="utf-8")

    def forget(self) -> None:
        """Delete the file: the answers are in the settings now."""
        self.path.unlink(missing_ok=True)


def _read(path: Path) -> dict[str, Answer]:
    """A file that cannot be read has no answers."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def write_secret(path: Path, text: str) -> None:
    """Write a secret to a file that only this user may read; its permissions are set before the content."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(text + "\n", encoding="utf-8")


ResultT = TypeVar("ResultT")
Check = Callable[[str], str]
"""Returns what is wrong with an answer; empty if nothing is."""


class InterviewEnded(Exception):
    """The interview was interrupted, or the input ended, at `question`."""

    def __init__(self, question: str, *, interrupted: bool) -> None:
        super().__init__(question)
        self.question, self.interrupted = question, interrupted


class Interview:
    """Asks questions and saves the answers by key, as defaults for the next run."""

    def __init__(self, kept: SavedAnswers) -> None:
        self.kept = kept

    def text(self, key: str, question: str, default: str | None = None, wrong: Check = lambda _: "") -> str:
        """Ask for a line of text."""
        earlier = self.kept.get(key)
        return self._ask_text(key, question, earlier if isinstance(earlier, str) else default, wrong)

    def address(self, key: str, question: str) -> str:
        """Ask for a web address. One that is not encrypted is taken only when the person confirms it."""
        warning = "  This address is not encrypted: whoever is in between can read the password."
        while is_unencrypted(answer := self.text(key, question, wrong=address_fault).rstrip("/")):
            say(warning, style="yellow")
            if confirm("Use it because the network in between is trusted?", default=False):
                break
        return answer

    def optional(self, key: str, question: str, wrong: Check = lambda _: "") -> str:
        """Ask for a line of text that may be empty."""
        earlier = self.kept.get(key)
        offered = earlier if isinstance(earlier, str) else ""
        return self._ask_text(key, question, offered, lambda answer: wrong(answer) if answer else "")

    def one_of(self, key: str, question: str, choices: Sequence[str], default: str) -> str:
        """Ask for one of a few words."""
        listed = ", ".join(choices)
        wrong = _one_of(choices, f"Enter one of: {listed}")
        earlier = self.kept.get(key)
        return self._ask_text(key, f"{question} ({listed})", earlier if earlier in choices else default, wrong)

    def _ask_text(self, key: str, question: str, offered: object, wrong: Check) -> str:
        shown = offered != ""
        while True:
            answer = str(_prompt(question, lambda: ask(question, offered, show_default=shown))).strip()
            if not (fault := wrong(answer)):
                self.kept.keep(key, answer)
                return answer
            say(f"  {fault}")

    def secret(self, question: str, file: Path) -> SecretStr:
        """Ask for a secret without showing it, and write it to its file. An empty answer keeps the existing one."""
        known = _known(file)
        full = f"{question} (not shown{'; empty: keep the current one' if known else ''})"
        while True:
            answer = _prompt(full, lambda: ask(full, "", show_default=False, hide_input=True)).strip()
            if answer:
                write_secret(file, answer)
                return SecretStr(answer)
            if known:
                return known

    def choose(self, key: str, question: str, values: Sequence[str], default: Sequence[str] = ()) -> str | None:
        """Ask for one entry of a numbered list; None for an empty answer."""
        found = self.choose_many(key, question, values, default, most=1)
        return found[0] if found else None

    def choose_many(
        self, key: str, question: str, values: Sequence[str], default: Sequence[str] = (), most: int | None = None
    ) -> list[str]:
        """Ask for entries of a numbered list, such as "1, 3". The entries are saved, not their numbers."""
        earlier = self.kept.get(key)
        offered = ", ".join(str(values.index(one) + 1) for one in (earlier or default) if one in values)  # type: ignore[union-attr]
        wrong = _numbers_of(len(values), most)
        while True:
            answer = _prompt(question, lambda: ask(question, offered, show_default=bool(offered)))
            if not (fault := wrong(str(answer))):
                chosen = [values[number - 1] for number in dict.fromkeys(_numbers(str(answer)) or [])]
                self.kept.keep(key, chosen)
                return chosen
            say(f"  {fault}")


def confirm(question: str, *, default: bool = True) -> bool:
    """Ask for yes or no."""
    return _prompt(question, lambda: screen.confirm(question, default=default))


def show_choices(title: str, lines: Sequence[str], first: int = 1) -> None:
    """Print a numbered list."""
    console.print()
    say(title)
    for number, line in enumerate(lines, start=first):
        say(f"  {number:>3}  {line}")


def say(text: str, style: str | None = None) -> None:
    """Print a line."""
    console.print(text, style=style, soft_wrap=True)


def _prompt(question: str, put: Callable[[], ResultT]) -> ResultT:
    interrupted = False

    def interrupt(_: int, __: FrameType | None) -> NoReturn:
        nonlocal interrupted
        interrupted = True
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        return put()
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
            return f"Enter numbers from 1 to {count}, separated by commas, or nothing."
        return "" if most is None or len(numbers) <= most else "Enter only one number."

    return wrong


def _numbers(text: str) -> list[int] | None:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    return [int(part) for part in parts] if all(part.isascii() and part.isdigit() for part in parts) else None
