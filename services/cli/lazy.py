"""Commands that are imported when they are called: what a command does not need costs its caller nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group

from services.cli.old_spellings import modernize, shop_names
from services.cli.screen import errors
from services.engine.runtime.importing import imported


@dataclass(frozen=True, slots=True)
class Entry:
    """One command or group of commands: its panel, where it stands below `services` (`module:name`), its help."""

    name: str
    panel: str
    where: str
    help: str

    def load(self) -> Any:
        """Import it. Gives a command of the library below Typer, named as the menu names it."""
        module, _, name = self.where.partition(":")
        found = getattr(imported(f"services.{module}"), name)
        loaded = get_group(found) if isinstance(found, typer.Typer) else get_command(_alone(found))
        loaded.name = self.name
        return loaded

    def line(self) -> TyperCommand:
        """What the list of commands shows, without an import."""
        return TyperCommand(self.name, help=self.help, rich_help_panel=self.panel, rich_markup_mode="rich")


def _alone(function: Callable[..., None]) -> typer.Typer:
    app = typer.Typer(add_completion=False, rich_markup_mode="rich")
    app.command()(function)
    return app


def lazy_group(entries: tuple[Entry, ...]) -> type[TyperGroup]:
    """A group that shows the lines of these commands and imports the one that is called."""
    named = {entry.name: entry for entry in entries}

    class Lazy(TyperGroup):
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
            rest, notes = modernize(loaded, rest, shop_names(ctx.params.get("settings_file")))
            for note in notes:
                errors.print(f"note: {note}", style="yellow")
            return name, loaded, rest

    return Lazy
