"""`davtari events tail`: follows new events."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path

import pytest

from services.cli.events.app import follow_events
from services.cli.events.export import TopicDataMissing
from services.cli.events.records import EventFilter
from services.settings.model import KafkaSettings
from tests.kafka.topics import Topics
from tests.subscribers.conftest import Davtari
from tests.subscribers.story import ids, item, order, what_is_followed, wrap_event

pytestmark = pytest.mark.kafka
PATIENCE = 20.0


async def heard(settings: KafkaSettings, wanted: EventFilter, count: int) -> list[str]:
    """The ids of the first events that pass."""
    async with asyncio.timeout(PATIENCE), aclosing(follow_events(settings, wanted, count)) as events:
        return [one.event["id"] async for one in events if one.event]


async def test_new_events_are_followed_and_earlier_ones_are_not(topics: Topics) -> None:
    before, after = wrap_event(order(1)), [wrap_event(order(2)), wrap_event(item()), wrap_event(order(3))]
    await topics.send(before)
    listening = asyncio.create_task(heard(topics.settings, EventFilter(), 3))
    while not listening.done():  # it reaches the end at a moment that is not announced
        await topics.send(*after)
        await asyncio.sleep(0.1)
    assert set(ids(after)) >= set(await listening)
    assert before.id not in await listening


async def test_events_since_a_time_come_first_in_the_order_of_each_key(topics: Topics) -> None:
    versions = [wrap_event(order(7, status), n) for n, status in enumerate(["pending", "processing", "completed"], 1)]
    await topics.send(*versions, wrap_event(order(8)), wrap_event(item()))
    an_hour_ago = datetime.now(UTC) - timedelta(hours=1)
    assert await heard(topics.settings, EventFilter(keys=("main:7",), since=an_hour_ago), 3) == ids(versions)


async def test_topics_that_do_not_exist_are_named(topics: Topics) -> None:
    elsewhere = topics.settings.model_copy(update={"topic_prefix": "elsewhere."})
    with pytest.raises(TopicDataMissing, match=r"elsewhere\.shop\.orders.*davtari topics create"):
        await heard(elsewhere, EventFilter(topics=("shop.orders",)), 1)


def test_a_person_sees_lines_and_a_program_cloud_events(town: Topics, davtari: Davtari) -> None:
    lines = davtari("events", "tail", "--since", "1h", "--type", "OrderChanged", "--count", 1).stdout
    assert "OrderChanged.v1" in lines
    assert "main:1042" in lines
    everything = davtari("events", "tail", "--since", "1h", "--json", "--count", len(what_is_followed())).stdout
    assert sorted(json.loads(line)["id"] for line in everything.splitlines()) == sorted(ids(what_is_followed()))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(("--topic", "orders"), "Known: balance.items"), (("--since", "yesterday"), "Invalid time")],
)
def test_an_invalid_call_is_explained(davtari: Davtari, arguments: tuple[str, ...], message: str) -> None:
    result = davtari("events", "tail", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr


async def test_it_ends_in_order_when_it_is_interrupted(topics: Topics, tmp_path: Path) -> None:
    """Given a tail in a pipe, Ctrl-C is its normal end: every line that it had is out, and the exit code is 0."""
    await topics.send(wrap_event(order(1)))
    process = await asyncio.create_subprocess_exec(
        *(Path(sys.executable).with_name("davtari"), "--settings", _settings(topics, tmp_path)),
        *("events", "tail", "--since", "1h", "--json"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=dict(os.environ),
    )
    assert process.stdout
    async with asyncio.timeout(PATIENCE):
        line = await process.stdout.readline()
        process.send_signal(signal.SIGINT)
        rest, errors = await process.communicate()
    assert json.loads(line)["subject"] == "main:1"
    assert (process.returncode, rest, errors) == (0, b"", b"")


def _settings(topics: Topics, folder: Path) -> Path:
    """A settings file: the environment is left as it is, so that nothing else of the machine comes in."""
    template = files("services.cli.init").joinpath("template.toml").read_text(encoding="utf-8")
    address, prefix = topics.settings.bootstrap_servers, topics.settings.topic_prefix
    kafka = f'bootstrap-servers = "{address}"\ntopic-prefix = "{prefix}"'
    file = folder / "davtari.toml"
    file.write_text(template.replace('bootstrap-servers = "127.0.0.1:9092"', kafka), encoding="utf-8")
    return file
