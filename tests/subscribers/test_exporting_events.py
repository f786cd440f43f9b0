"""`davtari events export`: everything, once, however often it is interrupted."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.cli.events.export import Export, ExportRefused, TopicDataMissing, load_progress
from services.cli.events.records import EventFilter
from tests.kafka.topics import Topics
from tests.subscribers.conftest import Davtari
from tests.subscribers.story import ids, item, order, what_is_followed, wrap_event

pytestmark = pytest.mark.kafka
ORDERS = EventFilter(topics=("shop.orders",))


def exported(file: Path) -> list[str]:
    """The ids of the events in an export, in its order."""
    return [json.loads(line)["id"] for line in file.read_text(encoding="utf-8").splitlines()]


def test_everything_in_the_topics_but_the_personal_keys_is_written(
    town: Topics, davtari: Davtari, tmp_path: Path
) -> None:
    result = davtari("events", "export", "--out", tmp_path / "events.jsonl")
    assert (result.exit_code, result.stdout) == (0, "")
    meant = what_is_followed()
    assert f"{len(meant)} of {len(meant)} records exported" in result.stderr
    assert sorted(exported(tmp_path / "events.jsonl")) == sorted(ids(meant))


def test_it_can_be_piped(town: Topics, davtari: Davtari) -> None:
    result = davtari("events", "export", "--type", "OrderChanged", "--shop", "main")
    assert [json.loads(line)["subject"] for line in result.stdout.splitlines()] == ["main:1042"]


async def test_an_export_goes_on_where_the_last_one_ended(topics: Topics, tmp_path: Path) -> None:
    export = Export(ORDERS, tmp_path / "orders.jsonl", tmp_path / "orders.offsets")
    first, second = [wrap_event(order(n)) for n in range(1, 21)], [wrap_event(order(n)) for n in range(21, 26)]
    await topics.send(*first)
    assert (await export.run(topics.settings)).written == 20
    await topics.send(*second)
    assert (await export.run(topics.settings)).written == 5
    assert (await export.run(topics.settings)).written == 0
    assert sorted(exported(tmp_path / "orders.jsonl")) == sorted(ids([*first, *second]))


async def test_what_an_interrupted_export_had_not_accounted_for_is_not_written_twice(
    topics: Topics, tmp_path: Path
) -> None:
    """Given an export that was killed while it wrote: lines, and half a line, behind its last kept progress."""
    export = Export(ORDERS, tmp_path / "orders.jsonl", tmp_path / "orders.offsets")
    await topics.send(wrap_event(order(1)))
    await export.run(topics.settings)
    with (tmp_path / "orders.jsonl").open("ab") as file:
        file.write(b'{"id": "whole"}\n' * 1000 + b'{"id": "ha')
    await topics.send(wrap_event(order(2)))
    await export.run(topics.settings)
    assert sorted(exported(tmp_path / "orders.jsonl")) == sorted(ids([wrap_event(order(1)), wrap_event(order(2))]))


async def test_offsets_alone_serve_who_keeps_the_lines_elsewhere(
    topics: Topics, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    export = Export(ORDERS, None, tmp_path / "offsets")
    for number in (1, 2):
        await topics.send(wrap_event(order(number)))
        await export.run(topics.settings)
    lines = capsysbinary.readouterr().out.splitlines()
    assert [json.loads(line)["subject"] for line in lines] == ["main:1", "main:2"]


async def test_a_window_holds_what_came_within_it(topics: Topics, tmp_path: Path) -> None:
    await topics.send(wrap_event(order(1)))
    await asyncio.sleep(0.02)  # two records of one millisecond would be on both sides of the limit
    edge = datetime.now(UTC)
    await topics.send(wrap_event(order(2)))
    late, early = EventFilter(ORDERS.topics, since=edge), EventFilter(ORDERS.topics, until=edge)
    for name, wanted in (("late", late), ("early", early), ("later", EventFilter(since=edge + timedelta(hours=1)))):
        await Export(wanted, tmp_path / name).run(topics.settings)
    assert exported(tmp_path / "late") == [wrap_event(order(2)).id]
    assert exported(tmp_path / "early") == [wrap_event(order(1)).id]
    assert exported(tmp_path / "later") == []


async def test_records_that_hold_no_event_are_exported_with_their_bytes(topics: Topics, tmp_path: Path) -> None:
    await topics.put("shop.orders", b"main:1", b"not ours")
    assert (await Export(ORDERS, tmp_path / "all").run(topics.settings)).written == 1
    (line,) = (tmp_path / "all").read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["record"]["value"] == "bm90IG91cnM="


async def test_a_file_that_is_there_is_not_overwritten(topics: Topics, tmp_path: Path) -> None:
    (tmp_path / "orders.jsonl").write_text("precious\n")
    with pytest.raises(ExportRefused, match="not overwritten"):
        await Export(ORDERS, tmp_path / "orders.jsonl").run(topics.settings)
    assert (tmp_path / "orders.jsonl").read_text() == "precious\n"


async def test_offsets_that_the_log_does_not_have_are_an_error_and_never_a_silent_gap(
    topics: Topics, tmp_path: Path
) -> None:
    """Given the offsets of another cluster, or of a topic that was created again since."""
    await topics.send(wrap_event(order(1)))
    full = topics.settings.topic_prefix + "shop.orders"
    (tmp_path / "offsets").write_text(json.dumps({"offsets": {full: {"0": 9, "1": 9, "2": 9}}}))
    with pytest.raises(TopicDataMissing, match="start a new export"):
        await Export(ORDERS, None, tmp_path / "offsets").run(topics.settings)


async def test_a_file_of_something_else_is_no_progress(topics: Topics, tmp_path: Path) -> None:
    (tmp_path / "offsets").write_text('{"offset": 3}')
    with pytest.raises(ExportRefused, match="is not an offsets file of an export"):
        load_progress(tmp_path / "offsets")


async def test_large_topics_are_exported_in_bounded_pieces(topics: Topics, tmp_path: Path) -> None:
    """Given more records than one batch holds; each piece is kept before the next is read."""
    many = [wrap_event(item(uid=f"item-{n}")) for n in range(4500)]
    await topics.send(*many)
    done = await Export(EventFilter(topics=("balance.items",)), tmp_path / "items", tmp_path / "o").run(topics.settings)
    assert (done.read, done.written) == (4500, 4500)
    assert sorted(exported(tmp_path / "items")) == sorted(ids(many))
    assert load_progress(tmp_path / "o").bytes == (tmp_path / "items").stat().st_size
