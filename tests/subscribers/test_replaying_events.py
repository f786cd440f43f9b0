"""`davtari events replay`: the same events again, beside the live topics unless somebody insists."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest
from aiokafka import ConsumerRecord

from contracts.topics import TOPICS
from services.cli.events.export import Export
from services.cli.events.records import EventFilter, InvalidExportLine
from services.cli.events.replay import ReplayRefused, ReplayUnconfirmed, choose_prefix, replay_export
from tests.kafka.topics import Topics
from tests.subscribers.conftest import Davtari
from tests.subscribers.story import order, the_samples, wrap_event

LIVE = "davtari."
ALL = tuple(topic.name for topic in TOPICS)


@pytest.mark.parametrize(
    ("prefix", "into_live", "yes", "chosen"),
    [
        (None, False, False, "replay."),
        ("audit.", False, False, "audit."),
        (None, True, True, LIVE),
        (LIVE, True, True, LIVE),
    ],
)
def test_a_replay_goes_beside_the_live_topics_unless_somebody_insists(
    prefix: str | None, into_live: bool, yes: bool, chosen: str
) -> None:
    assert choose_prefix(LIVE, prefix, into_live=into_live, yes=yes) == chosen


@pytest.mark.parametrize(
    ("prefix", "into_live", "yes"),
    [(LIVE, False, False), (LIVE, False, True), (None, True, False), (LIVE, True, False), ("audit.", True, True)],
)
def test_the_live_topics_are_never_reached_by_accident(prefix: str | None, into_live: bool, yes: bool) -> None:
    with pytest.raises(ReplayRefused, match="--into-live"):
        choose_prefix(LIVE, prefix, into_live=into_live, yes=yes)


def plain(records: Iterable[ConsumerRecord[bytes, bytes]], prefix: str) -> Counter[object]:
    """All published records."""
    return Counter((r.topic.removeprefix(prefix), r.key, r.value, r.headers, r.timestamp) for r in records)


async def exported(topics: Topics, folder: Path, wanted: EventFilter) -> Path:
    """An export of the topics."""
    await Export(wanted, folder / "events.jsonl").run(topics.settings)
    return folder / "events.jsonl"


def beside(topics: Topics) -> Topics:
    """The same cluster under another prefix."""
    prefix = "again-" + topics.settings.topic_prefix
    return Topics(topics.settings.model_copy(update={"topic_prefix": prefix}), topics.producer)


@pytest.mark.kafka
async def test_ids_versions_keys_headers_values_and_times_stay_what_they_were(town: Topics, tmp_path: Path) -> None:
    await town.put("shop.orders", None, b"\x00 not ours", [("n", None)])
    copy = beside(town)
    counted = await replay_export(
        town.settings, await exported(town, tmp_path, EventFilter(topics=ALL)), copy.settings.topic_prefix
    )
    assert counted.total() == len(the_samples()) + 1
    before, after = await town.raw(*ALL), await copy.raw(*ALL)
    assert plain(after, copy.settings.topic_prefix) == plain(before, town.settings.topic_prefix)


@pytest.mark.kafka
async def test_the_order_of_each_key_is_kept(topics: Topics, tmp_path: Path) -> None:
    await topics.send(*[wrap_event(order(n), version) for version in range(1, 60) for n in range(1, 6)])
    copy = beside(topics)
    file = await exported(topics, tmp_path, EventFilter(topics=("shop.orders",)))
    await replay_export(topics.settings, file, copy.settings.topic_prefix)
    heard = await copy.events("shop.orders")
    for number in range(1, 6):
        assert [e.sequence for e in heard if e.subject == f"main:{number}"] == list(range(1, 60))


@pytest.mark.kafka
def test_a_person_replays_into_the_live_topics_only_when_it_is_meant(
    town: Topics, davtari: Davtari, tmp_path: Path
) -> None:
    davtari("events", "export", "--type", "OrderChanged", "--out", tmp_path / "orders.jsonl")
    refused = davtari("events", "replay", tmp_path / "orders.jsonl", "--into-live")
    assert (refused.exit_code, refused.stdout) == (2, "")
    meant = davtari("events", "replay", tmp_path / "orders.jsonl", "--into-live", "--yes")
    assert (meant.exit_code, meant.stdout) == (0, f"1 records published to {town.settings.topic_prefix}shop.orders\n")
    assert len(davtari("events", "export", "--type", "OrderChanged").stdout.splitlines()) == 2


@pytest.mark.kafka
@pytest.mark.parametrize("bad", ['{"id": "1"}', '{"record": {"topic": "x"}}', "nonsense"])
async def test_an_export_with_a_bad_line_is_not_begun(topics: Topics, tmp_path: Path, bad: str) -> None:
    await topics.send(wrap_event(order(1)))
    file = await exported(topics, tmp_path, EventFilter(topics=("shop.orders",)))
    file.write_text(file.read_text(encoding="utf-8") + bad + "\n", encoding="utf-8")
    with pytest.raises(InvalidExportLine, match="line 2"):
        await replay_export(topics.settings, file, topics.settings.topic_prefix)
    assert len(await topics.raw("shop.orders")) == 1


@pytest.mark.kafka
async def test_a_replay_that_kafka_does_not_acknowledge_is_reported_as_unknown(topics: Topics, tmp_path: Path) -> None:
    await topics.send(wrap_event(order(1)))
    file = await exported(topics, tmp_path, EventFilter(topics=("shop.orders",)))
    impatient = topics.settings.model_copy(update={"send_timeout": 1e-6})
    with pytest.raises(ReplayUnconfirmed, match="Rerun the same command"):
        await replay_export(impatient, file, topics.settings.topic_prefix)


@pytest.mark.kafka
async def test_events_of_a_topic_that_davtari_does_not_have_are_refused(topics: Topics, tmp_path: Path) -> None:
    await topics.send(wrap_event(order(1)))
    file = await exported(topics, tmp_path, EventFilter(topics=("shop.orders",)))
    file.write_text(file.read_text(encoding="utf-8").replace('"shop.orders"', '"__consumer_offsets"'), encoding="utf-8")
    with pytest.raises(InvalidExportLine, match="__consumer_offsets"):
        await replay_export(topics.settings, file, topics.settings.topic_prefix)
