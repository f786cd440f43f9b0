"""balance-feed: reads Balance on a schedule and publishes what changed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.accounting.checks.gates import balance_gate
from services.balance_feed.handlers import NAME, RESOURCES, handlers
from services.balance_feed.importing import Importer
from services.balance_feed.schedule import Schedule
from services.connectors.balance.client import Balance
from services.engine.outbox.engine import Engine
from services.engine.runtime.blueprint import Blueprint
from services.engine.runtime.feed_watch import make_feed_watch_task, with_feed_rules
from services.settings.model import Settings


@asynccontextmanager
async def blueprint(settings: Settings) -> AsyncIterator[Blueprint]:
    """Wire the service: its topics, its rules, and the schedule of imports."""
    async with Balance(settings.balance, settings.balance.password()) as balance:

        async def imports(engine: Engine) -> None:
            await Schedule(engine, Importer(engine, balance, settings), settings.schedule).run()

        tasks = (imports, make_feed_watch_task(NAME, RESOURCES, settings.freshness))
        gates = (balance_gate(settings, balance),)
        yield Blueprint(NAME, with_feed_rules(handlers()), fingerprint="", tasks=tasks, gates=gates, personal=False)
