"""Texts from outside are data wherever they are shown: on the screen, in a table of a spreadsheet, a page or a log."""

from __future__ import annotations

import csv
import io
import json
import logging
import sys
import unicodedata
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.progress import Progress

from contracts.operations import CommandSettled
from services.cli import screen
from services.cli.command import show_answer
from services.cli.csv_file import read_csv, write_csv
from services.cli.failures import report_failure
from services.cli.screen import Description, Screen, build_table, compose, console, styled
from services.engine.printable import escape_html, make_printable
from services.engine.telemetry.logs import JsonFormatter, TextFormatter
from tests.hostile.hostile_events import FORGED, HOSTILE
from tests.support.memory_state import NOON

HIDDEN = ("Cc", "Cf", "Cs", "Zl", "Zp")
FORMULAS = (
    "=HYPERLINK(1)", "＝1+1", "-2+3", "+1", "＋1", "－1", "@SUM(A1)", "＠SUM", " =1", "\x00=1", "\ufeff=1", "\u200b-1",
    "\xa0+1", "'=1", "﹢1", "−1",
)  # fmt: skip
INNER = {"tea;=1": "tea;'=1", "tea\t@1": "tea\t'@1", "tea\n-1": "tea\n'-1", "\t=1": "'\t'=1", "\r=1": "'\r'=1"}
"""A spreadsheet that separates by semicolons or tabs begins a cell inside one of ours."""


def test_every_control_format_and_separator_character_is_shown_and_others_are_left_alone() -> None:
    hidden = [chr(code) for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)) in HIDDEN]
    assert [one for one in hidden if make_printable(one) == one] == []
    assert make_printable("a\u202eb\x1b") == "a\\u202eb\\u001b"
    assert make_printable("ქართული ❤️ naïve") == "ქართული ❤️ naïve"


@given(st.text())
def test_json_with_visible_characters_is_the_same_json(text: str) -> None:
    assert json.loads(make_printable(json.dumps(text, ensure_ascii=False))) == text


def _show_progress(made: Screen) -> None:
    with Progress(Description("{task.description}"), console=made) as bars:
        bars.add_task(HOSTILE, total=1)


@pytest.mark.parametrize(
    "show",
    [
        lambda made: made.print(HOSTILE),
        lambda made: made.print(HOSTILE, style="red"),
        lambda made: made.print_lines(HOSTILE.replace("\r\n", " ")),
        lambda made: made.print(compose("  ", styled(HOSTILE, "bold"), HOSTILE)),
        lambda made: made.print(build_table([HOSTILE], [(HOSTILE,), (styled(HOSTILE, "red"),)])),
        lambda made: made.print(made.print_status(HOSTILE).renderable),
        _show_progress,
    ],
    ids=["text", "coloured text", "lines", "composed", "table", "status", "progress"],
)
def test_a_terminal_gets_the_text_as_data(
    show: Callable[[Screen], object], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "10000")
    show(Screen())
    shown = capsys.readouterr().out
    assert "[bold]x[/] :bomb:" in shown
    assert "\\u202e" in shown
    assert not any(
        attack in shown for attack in ("\x1b[31m\\", "\x9b", "\u202e", "\u2066", "\u200b", "\u2028", "\ufeff")
    )
    assert not any(line.lstrip().startswith(FORGED) for line in shown.splitlines())


def test_answers_and_errors_are_data(capsys: pytest.CaptureFixture[str]) -> None:
    answer = CommandSettled(command_id="1", service="up", outcome="refused", detail=HOSTILE, settled_at=NOON)
    assert show_answer(answer, json=False) == 1
    assert report_failure(OSError(HOSTILE)) == 1
    assert report_failure(RuntimeError(HOSTILE)) == 1
    printed = "".join(capsys.readouterr())
    assert printed.count("[bold]x[/] :bomb:") == 3
    assert _attacks(printed) == []


def test_json_shows_no_hidden_character_and_keeps_the_value(capsys: pytest.CaptureFixture[str]) -> None:
    screen.print_json({"name": HOSTILE, "at": NOON})
    printed = capsys.readouterr().out
    assert json.loads(printed) == {"name": HOSTILE, "at": "2026-03-02T12:00:00+04:00"}
    assert _attacks(printed) == []


@pytest.mark.parametrize("ask", [screen.ask, screen.confirm], ids=["text", "yes or no"])
def test_questions_are_data(
    ask: Callable[..., object], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    ask(HOSTILE, default=True)
    assert _attacks(capsys.readouterr().out) == []


@pytest.mark.parametrize(("cell", "expected"), [*((one, f"'{one}") for one in FORMULAS), *INNER.items()])
def test_no_cell_of_a_file_begins_as_a_formula(cell: str, expected: str, tmp_path: Path) -> None:
    write_csv(tmp_path / "table.csv", ["name", "price"], [(cell, Decimal("-2.50"))])
    with (tmp_path / "table.csv").open(encoding="utf-8-sig", newline="") as file:
        assert list(csv.reader(file))[1] == [expected, "-2.50"]
    assert read_csv(tmp_path / "table.csv")[1][0] == cell


CELLS = st.text(st.sampled_from([*"'=+-@;, \t\r\n\"", "＝", "\x00", "\ufeff", "x", "ჩ"]), max_size=12)


@given(st.lists(CELLS, min_size=1, max_size=4))
def test_a_table_is_read_as_it_was_written(tmp_path_factory: pytest.TempPathFactory, cells: list[str]) -> None:
    path = tmp_path_factory.mktemp("table") / "table.csv"
    write_csv(path, ["x"] * len(cells), [[*cells, "end"]])
    assert read_csv(path)[1] == [*cells, "end"]


def test_html_is_escaped() -> None:
    assert escape_html("<b title='x'>\u202e") == "&lt;b title=&#x27;x&#x27;&gt;\\u202e"


@pytest.mark.parametrize("formatter", [TextFormatter(), JsonFormatter()], ids=["text", "JSON"])
def test_a_log_line_stays_one_line(formatter: logging.Formatter) -> None:
    record = logging.LogRecord("services.x", logging.INFO, "x", 1, "named %s", (HOSTILE,), None)
    record.why, record.count = HOSTILE + "\ud800", 2**70
    line = formatter.format(record)
    assert _attacks(line) == []
    assert "\n" not in line
    assert "\\ud800" in line


def test_a_traceback_in_the_log_forges_no_line() -> None:
    try:
        raise RuntimeError(HOSTILE)
    except RuntimeError:
        record = logging.LogRecord("services.x", logging.ERROR, "x", 1, "failed", None, sys.exc_info())
    first, *further = TextFormatter().format(record).split("\n")
    assert first.endswith("failed")
    assert all(line.startswith("    ") for line in further if line)


def _attacks(printed: str) -> list[str]:
    """The hidden characters in what was printed, and the lines that only look like ours."""
    hidden = [char for char in printed if char != "\n" and make_printable(char) != char]
    return hidden + [line for line in printed.split("\n") if line.startswith(FORGED)]


def test_the_consoles_of_commands_are_screens() -> None:
    assert isinstance(console, Screen)
    assert isinstance(screen.errors, Screen)
