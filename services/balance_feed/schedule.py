"""When imports run: by cron in Tbilisi time, on command, and at once in a new state database."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from contracts.operations import CommandSettled, ImportRequested
from services.balance_feed.handlers import COMMAND, NAME, Resource
from services.balance_feed.importing import Importer
from services.balance_feed.report import ImportReport
from services.engine.clock import next_run
from services.engine.outbox.engine import Engine
from services.engine.outbox.upstream_errors import Unavailable, UpstreamError
from services.engine.state.store import read_kind
from services.engine.telemetry.state_readings import read_completions, record_completion
from services.settings.model import ScheduleSettings

log = logging.getLogger(__name__)
Sleep = Callable[[float], Awaitable[None]]
AFTER_OUTAGE = 30.0
"""Seconds until an import is retried when Balance was unavailable, unless its schedule comes first."""
AFTER_REFUSAL = 60.0
"""Seconds until it is retried when Balance refused: only a person can fix that, and many attempts may lock the user."""
NO_DISCOUNTS = "Balance's discounts are not read: set balance.discounts.read, and shops.….prices.discounts for a shop"


class Schedule:
    """Runs the imports of all resources until cancelled. `sleep` waits for a number of seconds."""

    def __init__(
        self, engine: Engine, importer: Importer, settings: ScheduleSettings, sleep: Sleep = asyncio.sleep
    ) -> None:
        self._engine, self._importer, self._sleep = engine, importer, sleep
        self._crons: dict[Resource, str] = {"items": settings.items, "prices": settings.prices, "stock": settings.stock}
        self._changed = asyncio.Event()
        engine.on_change.append(self._changed.set)

    async def run(self) -> None:
        """Follow the schedule and the commands."""
        await self._importer.clear_interrupted()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow_commands())
            for resource in self._crons:
                tasks.create_task(self._follow_cron(resource))

    async def _follow_cron(self, resource: Resource) -> None:
        pause = 0.0 if await self._was_never_complete(resource) else self._until_next(resource)
        while True:
            await self._sleep(pause)
            pause = await self._import(resource)

    async def _import(self, resource: Resource) -> float:
        """Import; returns the seconds until the next import."""
        try:
            await self._complete(resource, await self._importer.run(resource))
        except Unavailable as error:
            log.warning("import postponed: Balance is unavailable", extra={"resource": resource, "why": error.message})
            return max(error.retry_after or 0.0, min(AFTER_OUTAGE, self._until_next(resource)))
        except UpstreamError as error:
            log.error("import refused by Balance", extra={"resource": resource, "why": error.message})
            return min(AFTER_REFUSAL, self._until_next(resource))
        return self._until_next(resource)

    def _until_next(self, resource: Resource) -> float:
        now = self._engine.clock()
        return (next_run(self._crons[resource], now) - now).total_seconds()

    async def _was_never_complete(self, resource: Resource) -> bool:
        """Whether this state database has never had a complete import of the resource: it is new, or was rebuilt."""
        return resource not in await read_completions(self._engine.database)

    async def _follow_commands(self) -> None:
        while True:
            self._changed.clear()
            commands = [body async for _, body in read_kind(self._engine.database, COMMAND.name)]
            for body in commands:
                await self._execute(ImportRequested.model_validate_json(body))
            if not commands:
                await self._changed.wait()

    async def _execute(self, command: ImportRequested) -> None:
        result = await self._run_command(command)
        async with self._engine.work() as work:
            about = {"command_id": command.command_id, "service": NAME, "settled_at": work.now}
            await work.announce([(CommandSettled(**about, **result), None)])

    async def _run_command(self, command: ImportRequested) -> dict[str, Any]:
        if command.discounts and not self._importer.reads_discounts:
            return {"outcome": "refused", "detail": NO_DISCOUNTS}
        try:
            report = await self._importer.run(
                command.resource, dry_run=command.dry_run, accept_loss=command.accept_loss
            )
        except UpstreamError as error:
            return {"outcome": "refused", "detail": error.message}
        if not command.dry_run:
            await self._complete(command.resource, report)
        return _command_result(command, report)

    async def _complete(self, resource: Resource, report: ImportReport) -> None:
        await record_completion(self._engine.database, resource, report.begun)


def _command_result(command: ImportRequested, report: ImportReport) -> dict[str, Any]:
    detail = report.held or ("dry run, nothing was published" if command.dry_run else "imported")
    return {"outcome": "refused" if report.held else "done", "detail": detail, "figures": report.figures()}
