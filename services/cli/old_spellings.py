"""Spellings of earlier versions, which are still understood: each is replaced, and the new one is shown."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

OPTIONS = {"--why": "--reason", "--preview": "--dry-run"}


def modernize(command: Any, arguments: Sequence[str], shops: Collection[str]) -> tuple[list[str], list[str]]:
    """The arguments of a command as they are spelled today, and a note for each that was replaced.

    The shop used to be an argument before the others (`order main 1042`); it is the option `--shop` of every command.
    """
    given, depth = list(arguments), 0
    while depth < len(given) and given[depth] in (found := getattr(command, "commands", {})):
        command, depth = found[given[depth]], depth + 1
    known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    notes = []
    for place, word in enumerate(given[depth:], depth):
        if word in OPTIONS and OPTIONS[word] in known and word not in known:
            given[place] = OPTIONS[word]
            notes.append(f"{word} is now {OPTIONS[word]}")
    at = next((n for n in (depth, depth + 1) if n < len(given) and given[n] in shops), None)
    if at is not None and "--shop" in known and "--shop" not in given and not _is_value(given, at):
        shop = given.pop(at)
        given += ["--shop", shop]
        notes.append(f"the shop is now given as --shop {shop}")
    return given, notes


def shop_names(settings_file: Path | None) -> frozenset[str]:
    """The shops that a settings file names; none if it cannot be read, which the command itself reports."""
    try:
        shops = tomllib.loads((settings_file or Path()).read_text(encoding="utf-8")).get("shops", {})
    except (OSError, ValueError):
        return frozenset()
    return frozenset(shops) if isinstance(shops, dict) else frozenset()


def _is_value(arguments: Sequence[str], place: int) -> bool:
    """Whether a word belongs to the option before it."""
    return place > 0 and arguments[place - 1].startswith("-")
