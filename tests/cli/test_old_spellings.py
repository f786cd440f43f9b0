"""Every command is given its shop, its reason and its preview the same way; earlier spellings are still understood."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from typer.testing import CliRunner

from services.cli.app import MENU, app
from services.cli.lazy import MenuEntry, modernize, read_shop_names


@click.command()
@click.argument("number")
@click.option("--shop")
@click.option("--reason")
@click.option("--yes/--dry-run")
def order(**_: Any) -> None: ...


@click.command()
@click.argument("what")
@click.argument("number")
@click.option("--shop")
def push(**_: Any) -> None: ...


GROUP = click.Group(commands={"order": order, "push": push})
SHOPS = {"main", "second"}


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (["order", "main", "1042"], ["order", "1042", "--shop", "main"]),
        (["push", "refund", "second", "1042"], ["push", "refund", "1042", "--shop", "second"]),
        (["order", "1042", "--shop", "main"], ["order", "1042", "--shop", "main"]),
        (["order", "1042", "--why", "asked"], ["order", "1042", "--reason", "asked"]),
        (["order", "1042", "--preview"], ["order", "1042", "--dry-run"]),
        (["order", "elsewhere", "1042"], ["order", "elsewhere", "1042"]),
        (["order", "--reason", "main", "1042"], ["order", "--reason", "main", "1042"]),
    ],
)
def test_an_earlier_spelling_is_replaced(given: list[str], meant: list[str]) -> None:
    arguments, notes = modernize(GROUP, given, SHOPS)
    assert arguments == meant
    assert bool(notes) == (given != meant), "each replacement is shown"


def test_an_argument_that_is_not_a_shop_is_kept(tmp_path: Path) -> None:
    (tmp_path / "davtari.toml").write_text("[shops.main]\nurl = 'x'\n")
    assert read_shop_names(tmp_path / "davtari.toml") == {"main"}
    assert read_shop_names(tmp_path / "missing.toml") == frozenset()


def leaves(entry: MenuEntry) -> Iterator[tuple[str, Any]]:
    """Every command below an entry of the menu, with its whole name."""
    found = [(entry.name, entry.load())]
    while found:
        name, command = found.pop()
        if inner := getattr(command, "commands", None):
            found += [(f"{name} {word}", one) for word, one in inner.items()]
        else:
            yield name, command


@pytest.mark.parametrize("entry", [entry for entry in MENU if entry.name != "sandbox"], ids=lambda entry: entry.name)
def test_every_command_has_shop_as_an_option(entry: MenuEntry) -> None:
    for name, command in leaves(entry):
        arguments = {one.name for one in command.params if one.param_type_name == "argument"}
        options = {word for one in command.params for word in one.opts}
        assert "shop" not in arguments, name
        assert "--preview" not in options, name
        assert "--why" not in options or name == "order", name


def test_the_version_is_shown() -> None:
    shown = CliRunner().invoke(app, ["--version"])
    assert shown.exit_code == 0
    assert shown.stdout.startswith("davtari ")


def test_an_unknown_shop_is_reported_with_the_known_ones(tmp_path: Path) -> None:
    for name in ("password", "key", "secret"):
        (tmp_path / name).write_text("x")
    settings = tmp_path / "davtari.toml"
    settings.write_text(
        '[balance]\ntransport = "on-prem"\nurl = "http://127.0.0.1:1"\nuser-name = "u"\npassword-file = "password"\n'
        '[shops.main]\nurl = "https://a.test"\nkey-file = "key"\nsecret-file = "secret"\n'
        '[shops.second]\nurl = "https://b.test"\nkey-file = "key"\nsecret-file = "secret"\n'
    )
    unknown = CliRunner().invoke(app, ["--settings", str(settings), "order", "1", "--shop", "third"])
    assert (unknown.exit_code, unknown.stderr) == (2, "Unknown shop 'third'. Known shops: main, second\n")
    missing = CliRunner().invoke(app, ["--settings", str(settings), "order", "1"])
    assert (missing.exit_code, missing.stderr) == (2, "Add --shop; known shops: main, second\n")
