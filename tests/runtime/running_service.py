"""Runs the sample service on the topics of one test."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import TypeVar

from contracts.model import Event
from services.engine.outbox.handlers import Handlers
from services.engine.runtime.service import Service
from tests.kafka.topics import AVAILABILITY, COMMANDS, DEAD_LETTERS, OPERATIONS, STOCK, Topics, eventually
from tests.outbox.fake_upstream import Upstream
from tests.outbox.sample_service import NAME
from tests.runtime.sample_process import blueprint, settings

EventT = TypeVar("EventT", bound=Event)
TOPICS = (STOCK, AVAILABILITY, COMMANDS, OPERATIONS, DEAD_LETTERS, "privacy.keys")


@asynccontextmanager
async def run_service(
    topics: Topics, folder: Path, upstream: Upstream, rules: Handlers | None = None, name: str = NAME
) -> AsyncIterator[Service]:
    """Run the sample service; the context begins when it has caught up."""
    service = Service(blueprint(upstream.deliver, rules, name), settings(topics.settings, folder))
    task = asyncio.create_task(service.run())
    ready = asyncio.create_task(service.ready.wait())
    try:
        await asyncio.wait([task, ready], timeout=20, return_when=asyncio.FIRST_COMPLETED)
        assert ready.done(), f"the service has not caught up: {task}"
        yield service
    finally:
        task.cancel()
        ready.cancel()
        await asyncio.wait([task, ready])


async def events_of(topics: Topics, type_: type[EventT], topic: str) -> list[EventT]:
    """The events of one type in a topic."""
    return [envelope.data for envelope in await topics.events(topic) if isinstance(envelope.data, type_)]


async def wait_for_events(
    topics: Topics, type_: type[EventT], topic: str, count: int, which: Callable[[EventT], bool] = lambda _: True
) -> list[EventT]:
    """Wait until a topic contains at least so many such events; returns all of them."""
    found: list[EventT] = []

    async def are_published() -> bool:
        found[:] = [each for each in await events_of(topics, type_, topic) if which(each)]
        return len(found) >= count

    await eventually(are_published, f"{count} {type_.__name__} in {topic}")
    return found


def state_file(folder: Path, name: str = NAME) -> Path:
    """The state database that a service uses."""
    (file,) = folder.glob(f"{name}.*.sqlite")
    return file


def generation(folder: Path) -> str:
    """The generation of the state database in use."""
    with closing(sqlite3.connect(state_file(folder))) as connection:
        (found,) = connection.execute("SELECT value FROM meta WHERE name = 'generation'").fetchone()
    return str(found)
