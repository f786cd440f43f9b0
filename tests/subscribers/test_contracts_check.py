"""`davtari contracts check`: what a change of the schemas would break, for whoever has two versions of them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from services.cli.app import app
from services.cli.contracts import CURRENT_SCHEMAS

pytestmark = pytest.mark.claim("I7")
Change = Callable[[dict[str, Any]], None]


@pytest.fixture
def changed(tmp_path: Path) -> Path:
    """A copy of the schemas, to be changed."""
    return Path(shutil.copytree(CURRENT_SCHEMAS, tmp_path / "schemas"))


def edit(folder: Path, name: str, change: Change) -> None:
    """Change one schema."""
    file = folder / f"{name}.json"
    schema = json.loads(file.read_text(encoding="utf-8"))
    change(schema)
    file.write_text(json.dumps(schema), encoding="utf-8")


def check(*arguments: object) -> Result:
    """Run the command."""
    return CliRunner().invoke(app, ["contracts", "check", *map(str, arguments)])


def test_the_schemas_of_this_version_break_nothing_of_themselves() -> None:
    result = check(CURRENT_SCHEMAS)
    count = len(list(CURRENT_SCHEMAS.glob("*.json")))
    assert (result.exit_code, result.stdout) == (0, f"{count} schemas compared, 0 new, 0 breaking changes\n")


def test_a_field_that_vanishes_is_named_and_the_exit_code_fails_a_pipeline(changed: Path) -> None:
    edit(changed, "OrderChanged.v1", lambda schema: schema["properties"].pop("total"))
    result = check(CURRENT_SCHEMAS, changed)
    assert result.exit_code == 1
    assert "OrderChanged.v1 $.total: removed field" in result.stdout


def test_the_direction_matters(changed: Path) -> None:
    """Given an older version without an optional field, its coming breaks nothing; its going would."""
    edit(changed, "OrderChanged.v1", lambda schema: schema["properties"].pop("coupon_codes"))
    assert check(changed, CURRENT_SCHEMAS).exit_code == 0
    assert check(CURRENT_SCHEMAS, changed).exit_code == 1


def test_a_schema_that_is_gone_breaks_and_a_new_one_does_not(changed: Path) -> None:
    (changed / "StockChanged.v1.json").unlink()
    assert "StockChanged.v1 $: the schema was removed" in check(CURRENT_SCHEMAS, changed).stdout
    assert "1 new, 0 breaking" in check(changed, CURRENT_SCHEMAS).stdout


def test_a_program_reads_the_findings(changed: Path) -> None:
    edit(changed, "SaleRecorded.v1", lambda schema: schema["properties"]["how"]["enum"].append("guessed"))
    found = json.loads(check(CURRENT_SCHEMAS, changed, "--json").stdout)
    assert found["breaking"] == [{"schema": "SaleRecorded.v1", "change": "$.how: added value 'guessed'"}]


@pytest.mark.parametrize("content", [None, "{", "[]", '{"type": "object"}'])
def test_a_folder_without_schemas_is_an_error_and_never_a_clean_bill(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "Odd.v1.json").write_text(content)
    result = check(tmp_path)
    assert (result.exit_code, result.stdout) == (2, "")
    assert str(tmp_path) in result.stderr.replace("\n", "")
