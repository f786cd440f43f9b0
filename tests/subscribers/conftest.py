"""Fixtures of the subscribers' tests: Davtari's topics with something in them, and the `davtari` command."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from importlib.resources import as_file, files

import pytest
from click.testing import Result
from typer.testing import CliRunner

from services.cli.app import app
from services.demo.kafka import Broker
from services.engine.kafka.topics import create_topics
from tests.kafka.topics import Topics, topics_on
from tests.subscribers.story import the_samples

Davtari = Callable[..., Result]


@pytest.fixture
async def topics(kafka: Broker, topic_prefix: str) -> AsyncIterator[Topics]:
    """All topics of the manifest under this test's prefix, empty."""
    async with topics_on(kafka, topic_prefix) as found:
        await create_topics(found.settings)
        yield found


@pytest.fixture
async def town(topics: Topics) -> Topics:
    """The topics with one event of each type at least: the golden samples."""
    await topics.send(*the_samples())
    return topics


@pytest.fixture
def davtari(topics: Topics, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """The command, as a person runs it on this test's topics. For tests that are not `async` themselves."""
    monkeypatch.setenv("DAVTARI__KAFKA__BOOTSTRAP_SERVERS", topics.settings.bootstrap_servers)
    monkeypatch.setenv("DAVTARI__KAFKA__TOPIC_PREFIX", topics.settings.topic_prefix)

    def run(*arguments: object) -> Result:
        with as_file(files("services.cli.init") / "template.toml") as settings:
            return CliRunner().invoke(app, ["--settings", str(settings), *map(str, arguments)])

    return run
