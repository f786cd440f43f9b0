"""Commands that are imported only when they are called, and option spellings of earlier versions."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group

from services.cli.registry import import_quickly
from services.cli.screen import errors

RENAMED_OPTIONS = {"--why": "--reason", "--preview": "--dry-run", "--mend": "--fix", "--keep": "--stay"}


def modernize(command: Any, arguments: Sequence[str], shops: Collection[str]) -> tuple[list[str], list[str]]:
    """Replace spellings of earlier versions. Returns the arguments and a note for each replacement.

    The shop was once a positional argument (`order main 1042`); now it is the option `--shop`.
    """
    given, depth = list(arguments), 0
    while depth < len(given) and given[depth] in (found := getattr(command, "commands", {})):
        command, depth = found[given[depth]], depth + 1
    known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    notes = []
    for place, word in enumerate(given[depth:], depth):
        if word in RENAMED_OPTIONS and RENAMED_OPTIONS[word] in known and word not in known:
            given[place] = RENAMED_OPTIONS[word]
            notes.append(f"{word} is now {RENAMED_OPTIONS[word]}")
    at = next((n for n in (depth, depth + 1) if n < len(given) and given[n] in shops), None)
    if at is not None and "--shop" in known and "--shop" not in given and not _is_value(given, at):
        shop = given.pop(at)
        given += ["--shop", shop]
        notes.append(f"write the shop as --shop {shop}")
    return given, notes


def read_shop_names(settings_file: Path | None) -> frozenset[str]:
    """The shop ids in a settings file; none if it cannot be read, which the command itself reports."""
    try:
        shops = tomllib.loads((settings_file or Path()).read_text(encoding="utf-8")).get("shops", {})
    except (OSError, ValueError):
        return frozenset()
    return frozenset(shops) if isinstance(shops, dict) else frozenset()


def _is_value(arguments: Sequence[str], place: int) -> bool:
    """Whether an argument is the value of the option before it."""
    return place > 0 and arguments[place - 1].startswith("-")


@dataclass(frozen=True, slots=True)
class MenuEntry:
    """A command or group of commands. `where` is `module:name` below `services`."""

    name: str
    panel: str
    where: str
    help: str

    def load(self) -> Any:
        """Import the command. Returns a Click command with the name of this entry."""
        module, _, name = self.where.partition(":")
        found = getattr(import_quickly(f"services.{module}"), name)
        loaded = get_group(found) if isinstance(found, typer.Typer) else get_command(_single_command(found))
        loaded.name = self.name
        return loaded

    def line(self) -> TyperCommand:
        """The line in the list of commands; nothing is imported."""
        return TyperCommand(self.name, help=self.help, rich_help_panel=self.panel, rich_markup_mode="rich")


def _single_command(function: Callable[..., None]) -> typer.Typer:
    app = typer.Typer(add_completion=False, rich_markup_mode="rich")
    app.command()(function)
    return app


def lazy_group(entries: tuple[MenuEntry, ...]) -> type[TyperGroup]:
    """A command group that imports only the command that is called."""
    named = {entry.name: entry for entry in entries}

    class LazyGroup(TyperGroup):
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            self.commands = {name: entry.line() for name, entry in named.items()}

        def list_commands(self, ctx: Any) -> list[str]:
            return list(named)

        def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
            name, command, rest = super().resolve_command(ctx, args)
            if not (command and name):
                return name, command, rest
            loaded = named[name].load()
            rest, notes = modernize(loaded, rest, read_shop_names(ctx.params.get("settings_file")))
            for note in notes:
                errors.print(f"note: {note}", style="yellow")
            return name, loaded, rest

    return LazyGroup
