"""Where a person's changes come from: `--set`, a file, or the editor."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import orjson

from services.cli.command import InvalidArgument
from services.cli.dead_letter_log import DeadLetter
from services.cli.dead_letters.correction import document
from services.cli.dead_letters.pointers import with_value

HOW = "--set /pointer=value (may be repeated) or --file corrected.json"


def changed_by(letter: DeadLetter, assignments: Sequence[str], file: Path | None) -> Any:
    """The letter's document as the person wants it. Raises `WrongUse`."""
    found: Any = document(letter)
    if file is not None:
        found = _parsed(_read(file), str(file))
    for assignment in assignments:
        found = with_value(found, assignment)
    return found if assignments or file else _in_editor(found)


def _read(file: Path) -> str:
    return sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")


def _parsed(text: str, name: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidArgument(f"{name} is no JSON: {error}") from None


def _in_editor(found: Any) -> Any:
    if not (sys.stdin.isatty() or os.environ.get("VISUAL") or os.environ.get("EDITOR")):
        raise InvalidArgument(f"there is no terminal to edit on; give the changes with {HOW}")
    before = orjson.dumps(found, option=orjson.OPT_INDENT_2).decode() + "\n"
    return _parsed(click.edit(before, extension=".json") or before, "what was saved")
