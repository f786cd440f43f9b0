"""Every command and export with hostile texts in all events, from both upstreams and in dead letters."""

from __future__ import annotations

import csv
import json
from collections.abc import AsyncGenerator, Iterator
from typing import Any

import pytest
from typer.testing import CliRunner

from contracts.envelope import Envelope, decode
from contracts.model import Event
from services.cli.app import MENU, app
from services.cli.events import app as events
from services.cli.events.records import EventRecord, parse_record
from services.demo.environment import SandboxEnvironment
from services.engine.kafka.record import Record
from services.engine.printable import make_printable
from tests.hostile.davtari_commands import IN_JSON, OTHERS, SHOWING, davtari
from tests.hostile.hostile_events import FORGED, HOSTILE, hostile_samples

pytestmark = [
    pytest.mark.xdist_group("hostile output"),
    pytest.mark.timeout(180),
    pytest.mark.usefixtures("topics_in_memory"),
]
FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
ANSWERED = (
    "apply", "approve document", "approve item", "approve shape", "clients merge", "clients settle", "day-close accept",
    "dead-letters edit", "learn-sale", "links add", "links remove", "mapping clear", "mapping exclude", "mapping set",
    "payment", "push", "shop accept",
)  # fmt: skip
"""They show what a service answers, or an error; both are tested in tests/cli/test_printed_texts.py."""
STREAMS = ("events export", "events replay", "events tail")
OURS = (
    "alerts test", "command-keys", "console user add", "console user disable", "console user list",
    "console user password", "console user roles", "contracts check", "demo", "init", "run", "sandbox balance",
    "rights apply", "rights show", "rights users", "sandbox both", "sandbox woocommerce", "topics create", "up",
)  # fmt: skip
"""They show only texts of Davtari and of the settings; the questions of `init` are tested there too."""


@pytest.fixture(scope="module")
def story() -> list[tuple[str, Envelope[Event]]]:
    """The events of all topics."""
    return [(one.topic, decode(one.raw_headers(), one.raw_value())) for one in hostile_samples()]


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("line", "shows"), [*((one, True) for one in SHOWING), *((one, False) for one in OTHERS)])
async def test_a_command_shows_texts_from_outside_as_data(
    line: str, shows: bool, made: SandboxEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = await davtari(made, line, monkeypatch)
    printed = result.stdout + result.stderr
    assert "Traceback" not in printed
    assert attacks(printed) == []
    assert ("[bold]x[/] :bomb:" in printed and "\\u202e" in printed) == shows


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("line", IN_JSON)
async def test_json_keeps_the_texts(line: str, made: SandboxEnvironment, monkeypatch: pytest.MonkeyPatch) -> None:
    result = await davtari(made, f"{line} --json", monkeypatch)
    assert attacks(result.stdout) == []
    assert any(HOSTILE in text for text in strings(json.loads(result.stdout)))


def test_every_command_is_in_the_table() -> None:
    tried = {name for line in (*SHOWING, *OTHERS) for name in (line, *_prefixes(line))}
    commands = {name for entry in MENU for name in _leaves(entry.load(), entry.name)}
    assert sorted(commands - tried - {*ANSWERED, *STREAMS, *OURS}) == []
    assert sorted({*ANSWERED, *STREAMS, *OURS} - commands) == []


def _prefixes(line: str) -> list[str]:
    words = line.split(" ")
    return [" ".join(words[:count]) for count in (1, 2)]


def _leaves(command: Any, name: str) -> Iterator[str]:
    below = getattr(command, "commands", {})
    if not below or command.invoke_without_command:
        yield name
    for part, one in below.items():
        yield from _leaves(one, f"{name} {part}")


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    "line", ["plan items --patience 1 --csv", "plan shop-only --csv", "links export", "opening-stock"]
)
async def test_no_exported_cell_is_a_formula(
    line: str, made: SandboxEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    await davtari(made, f"{line} out.csv", monkeypatch)
    with (made.folder / "out.csv").open(encoding="utf-8-sig", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert any("HYPERLINK" in cell for cell in cells)
    assert [cell for cell in cells if cell.startswith(FORMULA) and not is_number(cell)] == []


@pytest.mark.asyncio(loop_scope="module")
async def test_the_page_of_a_plan_runs_nothing(made: SandboxEnvironment, monkeypatch: pytest.MonkeyPatch) -> None:
    await davtari(made, "plan items --patience 1 --html out.html", monkeypatch)
    page = (made.folder / "out.html").read_text(encoding="utf-8")
    assert attacks(page) == []
    assert "&lt;script&gt;" in page
    assert "<script" not in page


@pytest.mark.parametrize("form", [[], ["--json"]], ids=["text", "JSON"])
def test_followed_events_are_one_line_each(
    form: list[str], made: SandboxEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = [
        Record(one.topic, 0, 0, 0, one.key.encode(), json.dumps(one.value).encode(), tuple(one.raw_headers()))
        for one in hostile_samples()
    ]

    async def follow(*_: object) -> AsyncGenerator[EventRecord]:
        for record in records:
            yield parse_record(record)

    monkeypatch.setattr(events, "follow_events", follow)
    result = CliRunner().invoke(app, ["--settings", str(made.settings_file), "events", "tail", *form])
    assert attacks(result.stdout) == []
    assert len(result.stdout.splitlines()) == len(records)


def is_number(cell: str) -> bool:
    """Whether a cell is one of our figures."""
    return cell.removeprefix("-").replace(".", "", 1).isdigit()


def attacks(printed: str) -> list[str]:
    """The hidden characters in what was printed, and the lines that only look like ours."""
    hidden = [char for char in printed if char != "\n" and make_printable(char) != char]
    return hidden + [line for line in printed.split("\n") if line.startswith(FORGED)]


def strings(value: Any) -> Iterator[str]:
    """Every text in JSON."""
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    yield from [value] if isinstance(value, str) else ()
    for part in parts:
        yield from strings(part)
