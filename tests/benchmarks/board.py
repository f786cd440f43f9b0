"""Where the figures of a run are collected: printed as a table, written to `build/bench.json`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.benchmarks.figure import Figure
from tests.benchmarks.size import SMALL

FILE = Path(__file__).resolve().parents[2] / "build" / "bench.json"
HEADS = ("figure", "ratio", "spread", "goal", "ours", "floor", "unit", "")


@dataclass
class Board:
    """The figures so far."""

    figures: list[Figure] = field(default_factory=list)

    def show(self, figure: Figure) -> None:
        """Note a figure. Raises `AssertionError` when it misses its goal."""
        self.show_all([figure])

    def show_all(self, figures: Sequence[Figure]) -> None:
        """Note the figures of one benchmark. Raises `AssertionError` when one misses its goal in a run of full size."""
        self.figures += figures
        assert SMALL or all(figure.reached for figure in figures), "; ".join(map(str, figures))

    def write(self, file: Path = FILE) -> None:
        """Write all figures as `{name: {ratio, floor, ours, …}}`."""
        file.parent.mkdir(parents=True, exist_ok=True)
        content = {figure.name: _entry(figure) for figure in self.figures}
        file.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")

    def table(self) -> str:
        """The figures for people."""
        table = Table(*HEADS)
        for each in self.figures:
            table.add_row(*_cells(each))
        console = Console(width=150)
        with console.capture() as shown:
            console.print(table)
        return shown.get()


def _entry(figure: Figure) -> dict[str, object]:
    return {name: part for name, part in asdict(figure).items() if name != "name"}


def _cells(figure: Figure) -> tuple[str, ...]:
    spread = f"{figure.spread[0]:.2f}–{figure.spread[1]:.2f}"
    amounts = [f"{amount:,.0f}" if amount >= 100 else f"{amount:.2f}" for amount in (figure.ours, figure.floor)]
    goal = figure.wanted + ("" if figure.reached else " MISSED")
    return figure.name, f"{figure.ratio:.2f}", spread, goal, *amounts, figure.unit, figure.note
