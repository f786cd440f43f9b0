"""console: projects all topics into a query database, and shows it to people."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from services.console.model.handlers import KINDS, SERVICE, TOPICS, handlers
from services.console.model.progress import LogEnds
from services.console.pages.serving import serve_console
from services.engine.clock import Clock, utc_now
from services.engine.runtime.blueprint import Blueprint, Task, fingerprint
from services.settings.console import ConsoleSettings
from services.settings.model import Settings


@asynccontextmanager
async def blueprint(settings: Settings, clock: Clock = utc_now) -> AsyncIterator[Blueprint]:
    """Wire the service: rules without deliveries. It is shown from the start, also while it still reads."""
    rules, ends = fingerprint(settings.shops.values()), LogEnds(settings.kafka, TOPICS)
    tasks = [ends.watch, *web_tasks(settings, ends, clock)]
    yield Blueprint(SERVICE, handlers(settings), rules, early_tasks=tasks, kinds=KINDS)


def web_tasks(settings: Settings, ends: LogEnds, clock: Clock) -> list[Task]:
    """What serves the API and the pages: each task gets the engine, whose `database` the queries read.

    `ends`: where the topics end now, for `queries.freshness`.
    """
    return [partial(serve_console, settings, settings.console or ConsoleSettings(), ends, clock)]
