"""Output of commands: colours and tables on a terminal, plain text in a pipe, JSON with `--json`.

A string is never read as markup, and its hidden characters are shown (`services.engine.printable`), wherever it is
printed: alone, in a table, a prompt, a status or a progress bar. Colours come from `styled` only.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
import typer
from rich import box
from rich.console import Console
from rich.highlighter import JSONHighlighter
from rich.progress import Task, TextColumn
from rich.status import Status
from rich.table import Table
from rich.text import Text as Text

from contracts.json_text import plain
from services.connectors.http.listing import UnreadableRecord
from services.engine.clock import TBILISI
from services.engine.printable import make_printable

UNLIMITED_WIDTH = 100_000
"""Columns for pipes and files: lines are never wrapped there."""
MOST_UNREADABLE = 20


class Screen(Console):
    """A console on which strings are data."""

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, highlight=False, markup=False, emoji=False)
        if not self.is_terminal:
            self.width, self.soft_wrap = UNLIMITED_WIDTH, True

    def render_str(self, text: str, **options: Any) -> Text:
        """Turn a string into text; `rich` calls it for every string that is printed, also in tables."""
        return super().render_str(make_printable(text), **options | {"markup": False, "emoji": False})

    def print_lines(self, text: str, **options: Any) -> None:
        """Print a text of several lines."""
        for line in text.split("\n"):
            self.print(line, soft_wrap=True, **options)

    def print_status(self, text: str) -> Status:
        """Return a context manager that shows what is being waited for; `Status.update` takes a `styled` text."""
        return self.status(styled(text))


console = Screen()
errors = Screen(stderr=True)


def styled(text: object, style: str = "") -> Text:
    """Give a text a colour, or another style of `rich`."""
    return Text(make_printable(str(text)), style)


def compose(*parts: str | Text) -> Text:
    """Join plain and styled texts."""
    return Text.assemble(*(part if isinstance(part, Text) else styled(part) for part in parts))


def print_line(text: str) -> None:
    """Print one line at once, for streams of records and their JSON."""
    typer.echo(make_printable(text))


def print_json(value: Any) -> None:
    """Print data as JSON; times are in Tbilisi time with the offset."""
    shown = Text(make_printable(_to_json(value).decode(), keep_lines=True))
    JSONHighlighter().highlight(shown)
    console.print(shown, soft_wrap=True)


def _to_json(value: Any) -> bytes:
    """What JSON cannot hold, such as integers beyond 64 bits, becomes text."""
    options = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_INDENT_2
    try:
        return orjson.dumps(value, default=_text, option=options)
    except (TypeError, RecursionError):
        return orjson.dumps(plain(value), option=options)


def _text(value: Any) -> str:
    return value.astimezone(TBILISI).isoformat() if isinstance(value, datetime) and value.tzinfo else str(value)


def print_failure(text: str) -> None:
    """Print an error to stderr. Lines after the first are indented, so that none of them passes for another message."""
    first, *further = text.split("\n")
    for line in (first, *(line if line.startswith(" ") else f"  {line}" for line in further)):
        errors.print(line, style="red", soft_wrap=True)


def print_traceback(error: BaseException) -> None:
    """Print an unexpected error to stderr with its traceback."""
    print_failure("".join(traceback.format_exception(error)).rstrip())


def ask(question: str, default: object, *, show_default: bool = True, hide_input: bool = False) -> str:
    """Ask for a line of text. Raises `typer.Abort` at the end of the input."""
    offered = f" [{default}]" if show_default and default is not None else ""
    asked = make_printable(f"{question}{offered}")
    return str(typer.prompt(asked, default=default, show_default=False, hide_input=hide_input))


def confirm(question: str, *, default: bool = False) -> bool:
    """Ask for yes or no. Raises `typer.Abort` at the end of the input."""
    return typer.confirm(make_printable(question), default=default)


class Description(TextColumn):
    """The description of a progress bar."""

    def render(self, task: Task) -> Text:
        """Return the description as data."""
        return styled(self.text_format.format(task=task))


def build_table(heads: Sequence[str], rows: Iterable[Sequence[object]], right: Sequence[int] = ()) -> Table:
    """A plain table. `right` lists the columns to align right, from 0."""
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for number, head in enumerate(heads):
        made.add_column(head, justify="right" if number in right else "left", overflow="fold")
    for row in rows:
        made.add_row(*[cell if isinstance(cell, Text) else str(cell) for cell in row])
    return made


def print_labelled(sentences: Mapping[str, str]) -> None:
    """Print sentences below each other, each after its label, with the labels in one column."""
    width = max(map(len, sentences)) + 2
    for label, sentence in sentences.items():
        console.print(f"  {label:<{width}}{sentence}", soft_wrap=True)


def format_mark(ok: bool | None) -> Text:
    """✓ for True, ✗ for False, ! (a note) for None."""
    return {True: styled("✓", "green"), False: styled("✗", "red"), None: styled("!", "yellow")}[ok]


def report_unreadable(left_out: Sequence[UnreadableRecord]) -> None:
    """Print to stderr which records of an upstream were left out and why."""
    report_left_out([one.detail for one in left_out])


def report_left_out(details: Sequence[str]) -> None:
    """Print to stderr which records were left out and why, so that nobody takes a part for the whole."""
    if not details:
        return
    errors.print(f"{_count_records(len(details))} left out as unreadable:", style="yellow")
    for detail in details[:MOST_UNREADABLE]:
        errors.print(f"  {detail}", soft_wrap=True)
    if len(details) > MOST_UNREADABLE:
        errors.print(f"  and {len(details) - MOST_UNREADABLE} more")


def _count_records(count: int) -> str:
    return "1 record was" if count == 1 else f"{count} records were"
