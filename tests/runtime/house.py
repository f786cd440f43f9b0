"""Services of one test, on topics of their own."""

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
from tests.kafka.topics import AVAILABILITY, DEAD_LETTERS, OPERATIONS, STOCK, Topics, eventually
from tests.outbox.shelf import NAME
from tests.outbox.upstream import Upstream
from tests.runtime.toy import blueprint, settings

EventT = TypeVar("EventT", bound=Event)
ALL = (STOCK, AVAILABILITY, OPERATIONS, DEAD_LETTERS, "privacy.keys")


@asynccontextmanager
async def running(
    topics: Topics, folder: Path, upstream: Upstream, rules: Handlers | None = None, name: str = NAME
) -> AsyncIterator[Service]:
    """The toy service, from the moment when it has caught up."""
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


async def said(topics: Topics, type_: type[EventT], topic: str) -> list[EventT]:
    """The events of one type that stand in a topic."""
    return [told.data for told in await topics.events(topic) if isinstance(told.data, type_)]


async def until_said(
    topics: Topics, type_: type[EventT], topic: str, count: int, which: Callable[[EventT], bool] = lambda _: True
) -> list[EventT]:
    """Wait until at least so many such events stand in a topic; gives all of them."""
    found: list[EventT] = []

    async def there() -> bool:
        found[:] = [each for each in await said(topics, type_, topic) if which(each)]
        return len(found) >= count

    await eventually(there, f"{count} {type_.__name__} in {topic}")
    return found


def state(folder: Path, name: str = NAME) -> Path:
    """The state database that a service uses."""
    (file,) = folder.glob(f"{name}.*.sqlite")
    return file


def generation(folder: Path) -> str:
    """The generation of the state database in use."""
    with closing(sqlite3.connect(state(folder))) as connection:
        (found,) = connection.execute("SELECT value FROM meta WHERE name = 'generation'").fetchone()
    return str(found)
