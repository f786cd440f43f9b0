"""Reading and writing of CSV for spreadsheets: no cell of a file that Davtari writes runs as a formula."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path

from services.engine.printable import HIDDEN

_FORMULA = f"'*[{HIDDEN}\\s]*[=+\\-@\\t\\r\\n＝＋－＠﹦﹢﹣﹫−]"
"""A text that a spreadsheet may run, after the characters that it skips; apostrophes are counted, so that reading
restores what was written."""
_CELL_START = "(^|[;\\t\\r\\n])"
"""A spreadsheet that separates by semicolons or tabs, as in Georgia, begins a cell inside one of ours."""
_TO_ESCAPE = re.compile(f"{_CELL_START}(?={_FORMULA})")
_ESCAPED = re.compile(f"{_CELL_START}'(?={_FORMULA})")


def write_csv(path: Path, headings: Sequence[str], rows: Iterable[Sequence[str | int | Decimal]]) -> int:
    """Write a table with a byte order mark, which Excel needs to read Georgian. Returns the number of rows.

    Texts are escaped with an apostrophe where a formula may begin; numbers remain numbers.
    """
    cells = [[_write_cell(cell) for cell in row] for row in rows]
    with path.open("w", encoding="utf-8-sig", newline="", errors="backslashreplace") as file:
        csv.writer(file).writerows([headings, *cells])
    return len(cells)


def read_csv(path: Path) -> list[list[str]]:
    """Read the rows that are not empty, without the apostrophes of `write_csv`."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [[_ESCAPED.sub(r"\1", cell) for cell in row] for row in csv.reader(file) if any(map(str.strip, row))]


def _write_cell(cell: str | int | Decimal) -> str:
    if isinstance(cell, str):
        return _TO_ESCAPE.sub(r"\1'", cell)
    return f"{cell:f}" if isinstance(cell, Decimal) else str(cell)
