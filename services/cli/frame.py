"""What all commands have in common: options, the settings, and how failures end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ParamSpec

import typer

from services.cli.codes import FAILED
from services.cli.screen import as_json, console
from services.settings import Settings, SettingsError, load

if TYPE_CHECKING:
    from contracts.operations import CommandSettled

P = ParamSpec("P")
Json = Annotated[bool, typer.Option("--json", help="Print data instead of text.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only look and compute; change nothing.")]
Shop = Annotated[str, typer.Option("--shop", help="The shop's short id; needed when the settings name several shops.")]
OneShop = Annotated[str, typer.Option("--shop", help="Only this shop.")]
Why = Annotated[str, typer.Option("--reason", help="Why; recorded with your name.")]
Patience = Annotated[float, typer.Option(help="Seconds to wait for the services' answer.")]


class Chosen:
    """What the options in front of the command have chosen."""

    settings_file = Path("davtari.toml")


def settings() -> Settings:
    """The settings of this call. Raises `SettingsError`."""
    return load(Chosen.settings_file)


def chosen_shop(chosen: Settings, shop: str) -> str:
    """The shop of `--shop`, or the only one. Raises `SettingsError` for an unknown shop, and when it must be named."""
    if shop in chosen.shops:
        return shop
    if not shop and len(chosen.shops) == 1:
        return next(iter(chosen.shops))
    known = ", ".join(chosen.shops) or "none; davtari init adds one"
    raise SettingsError(f"Unknown shop '{shop}'. Known shops: {known}" if shop else f"Add --shop; known shops: {known}")


def chosen_shops(chosen: Settings, shop: str) -> list[str]:
    """The shop of `--shop`, or all of them. Raises `SettingsError` for an unknown shop."""
    return [chosen_shop(chosen, shop)] if shop else list(chosen.shops)


def command(work: Callable[P, Coroutine[Any, Any, int]]) -> Callable[P, None]:
    """Run an async command; failures become one clear message and an exit code (1 failed, 2 settings, 3 no answer)."""

    @wraps(work)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            code = asyncio.run(work(*args, **kwargs))
        except Exception as error:
            from services.cli.failing import failed  # knows every error there is: only a failure waits for that

            code = failed(error)
        raise typer.Exit(code)

    return wrapped


def answered(answer: CommandSettled, json: bool) -> int:
    """Show what became of a command; gives the exit code."""
    if json:
        as_json(answer.content())
    else:
        figures = " · ".join(f"{count} {name}" for name, count in answer.figures.items())
        console.print(f"{answer.service}: {answer.detail}" + (f"   {figures}" if figures else ""), soft_wrap=True)
    return 0 if answer.outcome == "done" else FAILED
