"""The `davtari` command."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from services.cli.frame import Chosen
from services.cli.lazy import lazy_group
from services.cli.menu import MENU
from services.engine.telemetry import logs

app = typer.Typer(
    cls=lazy_group(MENU),
    no_args_is_help=True,
    help="Davtari joins Balance with WooCommerce shops.",
    rich_markup_mode="rich",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"davtari {version('davtari')}")
        raise typer.Exit


Version = Annotated[bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")]


@app.callback()
def main(
    context: typer.Context,
    settings_file: Annotated[Path, typer.Option("--settings", envvar="DAVTARI_SETTINGS")] = Path("davtari.toml"),
    log_level: Annotated[str | None, typer.Option(envvar="DAVTARI_LOG_LEVEL")] = None,
    log_json: Annotated[bool, typer.Option("--log-json", envvar="DAVTARI_LOG_JSON")] = False,
    _: Version = False,
) -> None:
    """Davtari joins Balance with WooCommerce shops."""
    Chosen.settings_file = settings_file
    long_running = context.invoked_subcommand in ("up", "run")
    logs.configure(log_level or ("INFO" if long_running else "CRITICAL"), as_json=log_json)
