"""Output of commands: colours and tables on a terminal, plain text in a pipe, JSON with `--json`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
from rich import box
from rich.console import Console
from rich.table import Table

from services.connectors.http.listing import UnreadableRecord
from services.engine.clock import TBILISI

UNLIMITED_WIDTH = 100_000
"""Columns for pipes and files: lines are never wrapped there."""
MOST_UNREADABLE = 20


def _console(*, stderr: bool = False) -> Console:
    made = Console(stderr=stderr, highlight=False)
    return made if made.is_terminal else Console(stderr=stderr, highlight=False, width=UNLIMITED_WIDTH, soft_wrap=True)


console = _console()
errors = _console(stderr=True)


def print_json(value: Any) -> None:
    """Print data as JSON; times are in Tbilisi time with the offset."""
    console.print_json(orjson.dumps(value, default=_text, option=orjson.OPT_PASSTHROUGH_DATETIME).decode())


def _text(value: Any) -> str:
    return value.astimezone(TBILISI).isoformat() if isinstance(value, datetime) and value.tzinfo else str(value)


def build_table(heads: Sequence[str], rows: Iterable[Sequence[object]], right: Sequence[int] = ()) -> Table:
    """A plain table. `right` lists the columns to align right, from 0."""
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for number, head in enumerate(heads):
        made.add_column(head, justify="right" if number in right else "left", overflow="fold")
    for row in rows:
        made.add_row(*[str(cell) for cell in row])
    return made


def print_labelled(sentences: Mapping[str, str]) -> None:
    """Print sentences below each other, each after its label, with the labels in one column."""
    width = max(map(len, sentences)) + 2
    for label, sentence in sentences.items():
        console.print(f"  {label:<{width}}{sentence}", markup=False, soft_wrap=True)


def format_mark(ok: bool | None) -> str:
    """✓ for True, ✗ for False, ! (a note) for None."""
    return {True: "[green]✓[/]", False: "[red]✗[/]", None: "[yellow]![/]"}[ok]


def report_unreadable(left_out: Sequence[UnreadableRecord]) -> None:
    """Print to stderr which records were left out and why, so that nobody takes a part for the whole."""
    if not left_out:
        return
    errors.print(f"{_count_records(len(left_out))} left out because they could not be read:", style="yellow")
    for one in left_out[:MOST_UNREADABLE]:
        errors.print(f"  {one.detail}", soft_wrap=True, markup=False)
    if len(left_out) > MOST_UNREADABLE:
        errors.print(f"  and {len(left_out) - MOST_UNREADABLE} more")


def _count_records(count: int) -> str:
    return "1 record was" if count == 1 else f"{count} records were"
