"""When imports run: by cron in Tbilisi's time, on command, and at once where nothing was ever observed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from cronsim import CronSim

from contracts.operations import CommandSettled, ImportRequested
from services.balance_feed.handlers import COMMAND, NAME, OBSERVED, Resource
from services.balance_feed.importing import Importer, Report
from services.shared.delivery.engine import Engine
from services.shared.settings.model import ScheduleSettings
from services.shared.state.store import read_kind
from services.shared.upstream.errors import UpstreamError

log = logging.getLogger(__name__)
TBILISI = ZoneInfo("Asia/Tbilisi")
AFTER_FAILURE = 30.0
"""Seconds until an import that failed for want of Balance is tried again, if its schedule does not come first."""


def next_run(cron: str, now: datetime) -> datetime:
    """The next moment (UTC) that a cron expression, read in Tbilisi's time, names."""
    return next(CronSim(cron, now.astimezone(TBILISI))).astimezone(UTC)


class Schedule:
    """Runs the imports of all resources until cancelled."""

    def __init__(self, engine: Engine, importer: Importer, settings: ScheduleSettings) -> None:
        self._engine, self._importer = engine, importer
        self._crons: dict[Resource, str] = {"items": settings.items, "prices": settings.prices, "stock": settings.stock}
        self._changed = asyncio.Event()
        engine.on_change.append(self._changed.set)

    async def run(self) -> None:
        """Follow the schedule and the commands."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow_commands())
            for resource in self._crons:
                tasks.create_task(self._follow_cron(resource))

    async def _follow_cron(self, resource: Resource) -> None:
        pause = 0.0 if await self._never_observed(resource) else self._until(resource)
        while True:
            await asyncio.sleep(pause)
            try:
                await self._importer.run(resource)
                pause = self._until(resource)
            except UpstreamError as error:
                log.warning("import waits", extra={"resource": resource, "why": error.message})
                pause = min(AFTER_FAILURE, self._until(resource))

    def _until(self, resource: Resource) -> float:
        now = self._engine.clock()
        return (next_run(self._crons[resource], now) - now).total_seconds()

    async def _never_observed(self, resource: Resource) -> bool:
        async for _ in read_kind(self._engine.database, OBSERVED[resource].name):
            return False
        return True

    async def _follow_commands(self) -> None:
        while True:
            self._changed.clear()
            commands = [body async for _, body in read_kind(self._engine.database, COMMAND.name)]
            for body in commands:
                await self._obey(ImportRequested.model_validate_json(body))
            if not commands:
                await self._changed.wait()

    async def _obey(self, command: ImportRequested) -> None:
        try:
            run = self._importer.run(command.resource, dry_run=command.dry_run, accept_loss=command.accept_loss)
            settled = _settled(command, await run)
        except UpstreamError as error:
            settled = _answer(command, "refused", error.message, {})
        async with self._engine.work() as work:
            await work.announce([(settled(work.now), None)])


Settled = Callable[[datetime], CommandSettled]


def _settled(command: ImportRequested, report: Report) -> Settled:
    detail = report.held or ("only looked, nothing was stated" if command.dry_run else "imported")
    return _answer(command, "refused" if report.held else "done", detail, report.figures())


def _answer(command: ImportRequested, outcome: str, detail: str, figures: dict[str, int]) -> Settled:
    def at(now: datetime) -> CommandSettled:
        return CommandSettled.model_validate(
            {
                "command_id": command.command_id,
                "service": NAME,
                "outcome": outcome,
                "detail": detail,
                "figures": figures,
                "settled_at": now,
            }
        )

    return at
