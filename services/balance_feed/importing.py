"""One import: read a snapshot, compare it with what was observed, state what changed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime

import orjson

from contracts.model import Event
from contracts.reasons import Reason
from services.balance_feed.compare import Differences, Known, differences
from services.balance_feed.facts import Fact
from services.balance_feed.handlers import OBSERVED, Observed, Resource
from services.balance_feed.scratch import Scratch
from services.balance_feed.snapshot import Reads, read
from services.shared.balance.rows import RowInvalid
from services.shared.delivery.dead_letters import PARKED
from services.shared.delivery.engine import Engine
from services.shared.delivery.faults import Fault, clear_fault, note_fault
from services.shared.settings.model import Settings
from services.shared.state.store import chunks, read_kind

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Report:
    """What one import saw and stated. `begun` is the moment before reading: facts claim nothing later than it."""

    begun: datetime
    unchanged: int = 0
    changed: int = 0
    missing: list[str] = field(default_factory=list)
    faults: set[str] = field(default_factory=set)
    held: str = ""

    @property
    def known(self) -> int:
        """How many records were known before, as far as this snapshot met or missed them."""
        return self.unchanged + self.changed + len(self.missing)

    def figures(self) -> dict[str, int]:
        """The counts, for people and scripts."""
        seen = {"seen": self.unchanged + self.changed, "unchanged": self.unchanged, "changed": self.changed}
        return seen | {"missing": len(self.missing), "faults": len(self.faults)}


class Importer:
    """Imports resources, one at a time."""

    def __init__(self, engine: Engine, balance: Reads, settings: Settings) -> None:
        self._engine, self._balance, self._settings = engine, balance, settings
        self._one_at_a_time = asyncio.Lock()

    async def run(self, resource: Resource, *, dry_run: bool = False, accept_loss: bool = False) -> Report:
        """Import a resource; in a dry run only count. Raises `UpstreamError` when it cannot be read whole."""
        async with self._one_at_a_time:
            report = Report(begun=self._engine.clock())
            with Scratch() as scratch:
                fact = await read(self._balance, resource, self._settings.balance.dialect, scratch)
                await self._compare(resource, scratch, fact, report, dry_run=dry_run)
            self._judge(resource, report, accept_loss=accept_loss)
            if not dry_run:
                await self._state_missing(resource, fact, report)
                await self._settle_faults(resource, report)
        log.info("imported", extra={"resource": resource, **report.figures(), "held": report.held})
        return report

    async def _compare(
        self, resource: Resource, scratch: Scratch, fact: Fact, report: Report, *, dry_run: bool
    ) -> None:
        async for found in differences(scratch.groups(), self._known(resource)):
            report.unchanged += found.unchanged
            report.changed += len(found.changed)
            report.missing += found.missing
            if found.changed and not dry_run:
                await self._state_changed(resource, fact, found, report)

    async def _known(self, resource: Resource) -> AsyncIterator[Known]:
        async for key, body in read_kind(self._engine.database, OBSERVED[resource].name):
            yield key, orjson.loads(body)["digest"]

    async def _state_changed(self, resource: Resource, fact: Fact, found: Differences, report: Report) -> None:
        async with self._engine.work() as work:
            events: list[Event] = []
            for group in found.changed:
                try:
                    events.append(fact.changed(group, report.begun))
                except RowInvalid as error:
                    report.faults.add(f"{resource}:{group.key}")
                    fault = Fault(reason=error.reason, detail=error.detail, payload={"rows": group.rows[:20]})
                    note_fault(work, f"{resource}:{group.key}", fault)
                else:
                    work.put(OBSERVED[resource], group.key, Observed(digest=group.digest))
            await work.announce((event, None) for event in events)

    def _judge(self, resource: Resource, report: Report, *, accept_loss: bool) -> None:
        limits, lost = self._settings.snapshot, len(report.missing)
        if accept_loss or lost <= max(limits.small_loss, limits.largest_loss * report.known):
            return
        report.held = (
            f"{lost} of {report.known} known {resource} are missing from this snapshot of Balance; nothing was "
            f"withdrawn. If that is right: davtari import {resource} --accept-loss"
        )
        report.faults.add(f"{resource}:snapshot")

    async def _state_missing(self, resource: Resource, fact: Fact, report: Report) -> None:
        if report.held:
            fault = Fault(reason=Reason.BALANCE_SNAPSHOT_SHRANK, detail=report.held)
            async with self._engine.work() as work:
                note_fault(work, f"{resource}:snapshot", fault)
            return
        for keys in chunks(report.missing):
            async with self._engine.work() as work:
                for key in keys:
                    work.drop(OBSERVED[resource], key)
                await work.announce((fact.missing(key, report.begun), None) for key in keys)

    async def _settle_faults(self, resource: Resource, report: Report) -> None:
        """Faults of earlier snapshots that this one does not show any more are gone."""
        parked = [orjson.loads(body)["letter"] async for _, body in read_kind(self._engine.database, PARKED.name)]
        subjects = {letter["delivery"]["subject"] for letter in parked if letter["delivery"]}
        gone = {s for s in subjects if s.startswith(f"{resource}:")} - report.faults
        async with self._engine.work() as work:
            for subject in gone:
                clear_fault(work, subject)
