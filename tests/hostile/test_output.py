"""Every command and export with hostile texts in all events, from both upstreams and in dead letters."""

from __future__ import annotations

import asyncio
import csv
import json
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio
from click.testing import Result
from typer.testing import CliRunner

from contracts.envelope import Envelope, decode
from contracts.model import Event
from services.cli import service_status
from services.cli.app import MENU, app
from services.cli.csv_file import write_csv
from services.cli.events import app as events
from services.cli.events.records import EventRecord, parse_record
from services.demo.environment import ALL_LIVE, SandboxEnvironment, start_environment
from services.engine.client import reader
from services.engine.kafka.record import Record
from services.engine.printable import make_printable
from services.engine.privacy import opener
from services.settings.kafka import KafkaSettings
from tests.hostile.hostile_events import FORGED, HOSTILE, hostile_samples

pytestmark = [pytest.mark.xdist_group("hostile output"), pytest.mark.timeout(180)]
FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
CLIENT = "0f8d2c66-4b1e-5a77-9c39-1f6f0a5d7b21"
GROUP = "6d1f0a52-9c3e-11ef-8d21-3c0000000010"
ITEM = "6d1f0a52-9c3e-11ef-8d21-3c0000000100"
DEAD_LETTER = "4c1d7a90-0a5e-5d0f-b8cf-91f3a4d5e6b7"
SHOWING = f"""
approvals list
backfill orders --from 2026-11-01 --to 2026-11-30 --dry-run
check
check --last
clients conflicts
clients list
day-close --date 2026-11-20 --dry-run
dead-letters discard --all --reason x --dry-run
dead-letters group
dead-letters list --all --closed
dead-letters replay --all --dry-run
dead-letters show {DEAD_LETTER}
drift
links import links.csv --dry-run
mapping include {GROUP}
order 1042
order 1042 --documents
orders
plan groups
plan items --patience 1
plan shop-only
propose items --dry-run
propose list
rules test 1042
shipping
shop show
status
stock {ITEM}
""".strip().splitlines()
"""They show texts from outside."""
IN_JSON = (
    "check --last", "clients conflicts", "dead-letters list --all --closed", "drift", "order 1042", "orders",
    "plan groups", "plan shop-only", "propose list", "status",
)  # fmt: skip
OTHERS = f"""
clients show {CLIENT}
explain
export clients --dry-run
forget 1042 --reason r --dry-run --patience 0.1
helpers
import clients --dry-run
links export other.csv
links rebuild --dry-run
mapping list
mapping test TEA-*
opening-stock other.csv
plan show x
propose export other.csv
rules list
sync-matrix
""".strip().splitlines()
"""They show ids, figures and settings, or have nothing to show here."""
ANSWERED = (
    "apply", "approve document", "approve item", "approve shape", "clients merge", "clients settle", "day-close accept",
    "dead-letters edit", "learn-sale", "links add", "links remove", "mapping clear", "mapping exclude", "mapping set",
    "payment", "push", "shop accept",
)  # fmt: skip
"""They show what a service answers, or an error; both are tested in tests/cli/test_printed_texts.py."""
STREAMS = ("events export", "events replay", "events tail")
OURS = (
    "alerts test", "contracts check", "demo", "init", "run", "sandbox balance", "sandbox both", "sandbox woocommerce",
    "topics create", "up",
)  # fmt: skip
"""They show only texts of Davtari and of the settings; the questions of `init` are tested there too."""


@pytest.fixture(scope="module")
def story() -> list[tuple[str, Envelope[Event]]]:
    """The events of all topics."""
    return [(one.topic, decode(one.raw_headers(), one.raw_value())) for one in hostile_samples()]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def made(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SandboxEnvironment]:
    """Both upstreams, which answer with hostile names, and settings for them."""
    async with start_environment(tmp_path_factory.mktemp("hostile"), "127.0.0.1:1", "t.") as world:
        world.write_settings(ALL_LIVE, shops__main__catalogue={"propose-items": True})
        renamed = {"kind": "rewrite", "match": "GET .*/(products|shipping|methods|zones)", "times": 10_000}
        texts = {"fields": dict.fromkeys(("name", "title", "method_title"), HOSTILE)}
        (await world.shop.post("/_sandbox/faults", json=renamed | texts)).raise_for_status()
        write_csv(world.folder / "links.csv", ("sku", "uid"), [(HOSTILE, "no-such-item")])
        yield world


@pytest.fixture(autouse=True, scope="module")
def _read_from_memory(story: list[tuple[str, Envelope[Event]]]) -> Iterator[None]:
    """The commands read the events from memory."""

    async def read_events(_: KafkaSettings, topics: Iterable[str], **__: Any) -> AsyncIterator[Envelope[Event]]:
        wanted = set(topics)
        for topic, envelope in story:
            if topic in wanted:
                yield envelope

    async def no_statuses(_: object) -> list[service_status.ServiceStatus]:
        return []

    for entry in MENU:
        entry.load()
    replaced = {
        "read_events": (reader.read_events, read_events),
        "open_opener": (opener.open_opener, _nothing_sealed),
        "read_service_statuses": (service_status.read_service_statuses, no_statuses),
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, (original, fake) in replaced.items():
            for module in [one for one in sys.modules.values() if getattr(one, name, None) is original]:
                patch.setattr(module, name, fake)
        yield


class _NothingSealed:
    async def records(self, records: Sequence[Record]) -> Sequence[Record]:
        return records

    async def value(self, value: bytes | None) -> bytes | None:
        return value


@asynccontextmanager
async def _nothing_sealed(_: KafkaSettings) -> AsyncIterator[_NothingSealed]:
    yield _NothingSealed()


async def davtari(made: SandboxEnvironment, line: str, monkeypatch: pytest.MonkeyPatch) -> Result:
    """Run a command in the folder of the settings."""
    monkeypatch.chdir(made.folder)
    return await asyncio.to_thread(CliRunner().invoke, app, line.split(" "))


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
