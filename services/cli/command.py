"""What all commands share: options, exit codes, the settings, and the handling of errors."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ParamSpec

import typer

from services.cli.screen import console, print_json, report_left_out
from services.engine.client.unreadable import collect_unreadable
from services.engine.person_ids import use_secret
from services.settings import Settings, SettingsError, load

if TYPE_CHECKING:
    from contracts.operations import CommandSettled

FAILED, WRONG_SETTINGS, NO_ANSWER, ALREADY_RUNNING = 1, 2, 3, 4
"""Exit codes, so that scripts can distinguish failures; 0 is success."""
INTERRUPTED = 130
"""The exit code after SIGINT, as shells use it."""
P = ParamSpec("P")
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would happen; change nothing.")]
OrderId = Annotated[int, typer.Argument(help="The order's id in the shop.")]
Shop = Annotated[str, typer.Option("--shop", help="The shop's id; required if the settings have several shops.")]
OneShop = Annotated[str, typer.Option("--shop", help="Only this shop.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="The reason; recorded with your name.")]
Patience = Annotated[float, typer.Option(help="Seconds to wait for an answer.")]


class InvalidArgument(ValueError):
    """An argument that the command cannot use; the message states what to write instead."""


class GlobalOptions:
    """The options before the command name."""

    settings_file = Path("davtari.toml")


def read_settings() -> Settings:
    """Read the settings file of `--settings`; ids of persons are made with its secret. Raises `SettingsError`."""
    chosen = load(GlobalOptions.settings_file)
    use_secret(chosen.privacy.secret)
    return chosen


def select_shop(chosen: Settings, shop: str) -> str:
    """The shop of `--shop`, or the only one. Raises `SettingsError` if it is unknown, or missing among several."""
    if shop in chosen.shops:
        return shop
    if not shop and len(chosen.shops) == 1:
        return next(iter(chosen.shops))
    known = ", ".join(chosen.shops) or "none; davtari init adds one"
    raise SettingsError(f"Unknown shop '{shop}'. Known shops: {known}" if shop else f"Add --shop; known shops: {known}")


def select_shops(chosen: Settings, shop: str) -> list[str]:
    """The shop of `--shop`, or all shops. Raises `SettingsError` for an unknown shop."""
    return [select_shop(chosen, shop)] if shop else list(chosen.shops)


def command(work: Callable[P, Coroutine[Any, Any, int]]) -> Callable[P, None]:
    """Run an async command. An expected error becomes one message and an exit code.

    Records of the topics that are not valid events are left out of the answer, and named below it.
    """

    @wraps(work)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        with collect_unreadable() as unreadable:
            try:
                code = asyncio.run(work(*args, **kwargs))
            except Exception as error:
                from services.cli.failures import report_failure  # imports much: loaded only when a command fails

                code = report_failure(error)
        report_left_out([f"record {place}: {why}" for place, why in unreadable.items()])
        raise typer.Exit(code)

    return wrapped


def show_answer(answer: CommandSettled, json: bool) -> int:
    """Print a service's answer to a command. Returns the exit code."""
    if json:
        print_json(answer.content())
    else:
        figures = " · ".join(f"{count} {name}" for name, count in answer.figures.items())
        console.print(f"{answer.service}: {answer.detail}" + (f"   {figures}" if figures else ""), soft_wrap=True)
    return 0 if answer.outcome == "done" else FAILED


async def run_until_stopped(work: Coroutine[Any, Any, int], interrupted: int = INTERRUPTED) -> int:
    """Run until done or until SIGINT or SIGTERM. Returns the exit code; `interrupted` after a signal and cleanup."""
    task = asyncio.ensure_future(work)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        return interrupted
    except BrokenPipeError:
        return _close_output()


def _close_output() -> int:
    """After `… | head`: not an error, and the interpreter must not fail when it flushes stdout at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0
