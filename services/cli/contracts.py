"""`davtari contracts check`: finds schema changes that would break subscribers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from contracts.compatibility import breaking_changes
from contracts.generate import HERE, SCHEMAS
from services.cli.command import FAILED, WRONG_SETTINGS, Json
from services.cli.screen import console, print_failure, print_json

CURRENT_SCHEMAS = HERE / SCHEMAS
Schema = dict[str, Any]


class SchemasNotFound(Exception):
    """The folder has no schemas, or a file that is not a schema; the message states which."""


@dataclass(frozen=True, slots=True)
class BreakingChange:
    """One breaking change: the schema (`OrderChanged.v1`), and where and what (`$.total: removed field`)."""

    schema: str
    change: str


@dataclass(frozen=True, slots=True)
class SchemaComparison:
    """The number of schemas in both folders, the new ones, and the breaking changes."""

    compared: int
    added: tuple[str, ...]
    breaking: tuple[BreakingChange, ...]


def compare_schemas(old: Path, new: Path) -> SchemaComparison:
    """Compare the schemas of two folders by the rules of `contracts.compatibility`. Raises `NoSchemas`."""
    before, after = _schemas(old), _schemas(new)
    return SchemaComparison(
        compared=len(before.keys() & after.keys()),
        added=tuple(sorted(after.keys() - before.keys())),
        breaking=tuple(_breaking(before, after)),
    )


def _breaking(before: dict[str, Schema], after: dict[str, Schema]) -> Iterator[BreakingChange]:
    for name, schema in before.items():
        if name in after:
            yield from (BreakingChange(name, change) for change in breaking_changes(schema, after[name]))
        else:
            yield BreakingChange(name, "$: the schema was removed, but the topics still contain such events")


def _schemas(folder: Path) -> dict[str, Schema]:
    found = {path.stem: _schema(path) for path in sorted(folder.glob("*.json"))}
    if not found:
        raise SchemasNotFound(f"{folder} has no schemas (*.json). A release has them in contracts/schemas")
    return found


def _schema(path: Path) -> Schema:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SchemasNotFound(f"{path} cannot be read: {error}") from None
    if not isinstance(content, dict) or "x-event-type" not in content:
        raise SchemasNotFound(f"{path} is not the schema of an event (no x-event-type)")
    return content


app = typer.Typer(no_args_is_help=True, help="Compare event schemas between releases.")
Old = Annotated[Path, typer.Argument(help="A folder of schemas, for example contracts/schemas of an earlier release.")]
New = Annotated[Path | None, typer.Argument(help="The folder to compare with. (default: the schemas of this version)")]


@app.callback()
def contracts() -> None:
    """Compare event schemas between releases."""


@app.command(name="check")
def contracts_check(old: Old, new: New = None, json: Json = False) -> None:
    """List every change from OLD to NEW that breaks subscribers; exit code 1 if there is any."""
    try:
        found = compare_schemas(old, new or CURRENT_SCHEMAS)
    except SchemasNotFound as error:
        print_failure(str(error))
        raise typer.Exit(WRONG_SETTINGS) from None
    if json:
        print_json(asdict(found))
    else:
        for one in found.breaking:
            console.print(f"{one.schema} {one.change}", soft_wrap=True)
        summary = f"{found.compared} schemas compared, {len(found.added)} new, {len(found.breaking)} breaking changes"
        console.print(summary, soft_wrap=True)
    raise typer.Exit(FAILED if found.breaking else 0)
