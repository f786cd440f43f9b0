"""The list of commands must agree with the commands themselves."""

from __future__ import annotations

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from services.cli.app import MENU, app
from services.cli.lazy import MenuEntry


@pytest.mark.parametrize("entry", MENU, ids=lambda entry: entry.name)
def test_every_menu_entry_has_the_name_and_help_of_its_command(entry: MenuEntry) -> None:
    command = entry.load()

    assert (command.name, command.help.partition("\n")[0]) == (entry.name, entry.help)


def test_the_list_names_every_command_under_its_panel() -> None:
    shown = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "200"}).output

    assert {entry.name for entry in MENU if entry.help in shown} == {entry.name for entry in MENU}
    assert {entry.panel for entry in MENU if f" {entry.panel} " in shown} == {entry.panel for entry in MENU}


def test_an_unknown_command_is_refused_with_a_suggestion() -> None:
    refused = CliRunner().invoke(app, ["satus"])

    assert refused.exit_code == 2
    assert "status" in refused.output


def test_the_list_of_commands_imports_no_library_of_the_services() -> None:
    script = (
        "import sys, services.cli.app; print([m for m in ('sqlalchemy', 'aiokafka', 'faststream') if m in sys.modules])"
    )

    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout.strip() == "[]"
