"""`davtari console user`: the first administrator, and help when a password is lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from services.cli.app import app
from tests.console.page_bench import PASSWORD

SETTINGS = """
[balance]
application-id = "1234"
user-name = "davtari"
password-file = "balance-password"

[shops.main]
url = "https://shop.example.ge"
key-file = "key"
secret-file = "secret"

[state]
directory = "{state}"

[console]
url = "https://davtari.example.ge"
"""
Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A command on settings with a console."""
    settings = tmp_path / "davtari.toml"
    settings.write_text(SETTINGS.format(state=tmp_path / "state"), encoding="utf-8")

    def invoke(*arguments: str, given: str = PASSWORD) -> Result:
        return CliRunner().invoke(app, ["--settings", str(settings), "console", "user", *arguments], input=given + "\n")

    return invoke


ADD = ("add", "Nino", "--role", "admin", "--password-stdin")


def test_the_first_person_is_added_and_the_address_is_named(run: Run) -> None:
    added = run(*ADD)
    assert (added.exit_code, added.output) == (0, "nino may sign in at https://davtari.example.ge\n")
    assert run("list", "--json").output.count('"nino"') == 1


@pytest.mark.parametrize(
    ("arguments", "given", "why"),
    [
        (ADD, PASSWORD, "exists already"),
        (("add", "x", "--role", "admin", "--password-stdin"), PASSWORD, "cannot be a name"),
        (("add", "levan", "--role", "viewer", "--password-stdin"), "short", "at least 10 characters"),
        (("roles", "nino", "--role", "viewer"), "", "last administrator"),
        (("disable", "nino"), "", "last administrator"),
        (("disable", "levan"), "", "no person"),
        (("password", "levan", "--password-stdin"), PASSWORD, "no person"),
    ],
)
def test_a_mistake_is_named_and_changes_nothing(run: Run, arguments: tuple[str, ...], given: str, why: str) -> None:
    run(*ADD)
    refused = run(*arguments, given=given)
    assert refused.exit_code == 2
    assert why in refused.stderr
    assert run("list", "--json").output.count('"name"') == 1


def test_roles_passwords_and_access_change(run: Run) -> None:
    run(*ADD)
    run("add", "levan", "--role", "viewer", "--password-stdin")
    assert run("roles", "levan", "--role", "accountant", "--role", "operator").output == "levan: accountant, operator\n"
    assert run("disable", "levan").exit_code == 0
    assert '"active": false' in run("list", "--json").output
    assert run("password", "levan", "--password-stdin", given="another long phrase").exit_code == 0
    assert '"active": false' not in run("list", "--json").output


def test_a_password_is_typed_twice(run: Run) -> None:
    typed = run("add", "nino", "--role", "admin", given=f"{PASSWORD}\nsomething else entirely")
    assert typed.exit_code == 2
    assert "not the same" in typed.stderr
    assert PASSWORD not in typed.output
    assert run("add", "nino", "--role", "admin", given=f"{PASSWORD}\n{PASSWORD}").exit_code == 0
