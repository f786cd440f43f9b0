"""One import: read a snapshot, compare it with what was observed, state what changed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping, Sequence, Set
from contextlib import aclosing

import orjson

from contracts.model import Event
from contracts.reasons import Reason
from services.balance_feed.discounts import NO_DISCOUNTS, Discounts, read_discounts
from services.balance_feed.facts import FactBuilder, Observation, build_facts
from services.balance_feed.handlers import ITEM, OBSERVED, RESOURCES, STATED, Observed, Resource, changed_event
from services.balance_feed.report import ChangeBreaker, ImportReport
from services.balance_feed.scratch import AT_ONCE, KnownDigest, RowGroup, ScratchFile, compare_groups
from services.balance_feed.snapshot import BalanceReader, Snapshot, read_snapshot
from services.engine.outbox.dead_letters import PARKED
from services.engine.outbox.engine import Engine
from services.engine.outbox.faults import FAULT, Fault, clear_fault, report_fault
from services.engine.outbox.upstream_errors import AccessDenied, Rejected
from services.engine.outbox.work import Work
from services.engine.runtime.blueprint import fingerprint
from services.engine.state.database import read_meta, write_meta
from services.engine.state.store import read_kind
from services.settings.model import Settings

# What is at fault in an import: shown as dead letters, and overtaken by the first import without it.


def unreadable_fault(resource: Resource, error: AccessDenied | Rejected) -> dict[str, Fault]:
    """The fault of a resource that cannot be read until a person acts."""
    detail = f"{error.message}. Until that is mended nothing new about {resource} is taken from Balance"
    return {f"{resource}:import": Fault(reason=Reason.BALANCE_UNREADABLE, detail=detail)}


def held_back_fault(resource: Resource, detail: str, *, alarming: bool) -> dict[str, Fault]:
    """The fault of a snapshot that is held back."""
    reason = Reason.BALANCE_SNAPSHOT_ALARMING if alarming else Reason.BALANCE_SNAPSHOT_SHRANK
    return {f"{resource}:snapshot": Fault(reason=reason, detail=detail)}


async def report_faults(engine: Engine, faults: Mapping[str, Fault]) -> None:
    """Show faults, by subject."""
    if faults:
        async with engine.work() as work:
            for subject, fault in faults.items():
                report_fault(work, subject, fault)


async def clear_resolved(engine: Engine, resource: Resource, standing: Set[str]) -> None:
    """Take back the faults of earlier imports of a resource that do not stand any more."""
    known = await _known(engine)
    gone = sorted(subject for subject in known - standing if subject.startswith(f"{resource}:"))
    if gone:
        async with engine.work() as work:
            for subject in gone:
                clear_fault(work, subject)


async def _known(engine: Engine) -> set[str]:
    """Faults noted here, and those that a rebuilt database knows only by their open dead letters."""
    reported = {key async for key, _ in read_kind(engine.database, FAULT.name)}
    parked = read_kind(engine.database, PARKED.name)
    return reported | {subject async for _, body in parked for subject in _subject(body)}


def _subject(body: str) -> list[str]:
    parked = orjson.loads(body)
    delivery = parked["letter"]["delivery"]
    return [delivery["subject"]] if delivery and parked["state"] == "open" else []


log = logging.getLogger(__name__)
STATING = "stating:"
"""Before a resource: the note in the state database while what has changed is stated; empty when nothing is. An import
without any change writes nothing, not even this."""
FORM = "1"
"""Raise it when facts are made differently from the same rows: then every row is looked at again."""


class Importer:
    """Imports resources, one at a time."""

    def __init__(self, engine: Engine, balance: BalanceReader, settings: Settings) -> None:
        self._engine, self._balance, self._settings = engine, balance, settings
        self._salt = (FORM + fingerprint([settings.balance.dialect])).encode()
        self._one_at_a_time = asyncio.Lock()

    async def run(self, resource: Resource, *, dry_run: bool = False, accept_loss: bool = False) -> ImportReport:
        """Import a resource; in a dry run only count. Raises `UpstreamError` when it cannot be read whole."""
        async with self._one_at_a_time:
            with ScratchFile(self._salt) as scratch:
                report = ImportReport(resource, self._engine.clock())
                snapshot = await self._read(report, scratch)
                await self._compare(scratch, snapshot.fact, report)
                if not accept_loss:
                    await self._judge(scratch, snapshot.fact, report)
                if not report.alarming:
                    await self._state_all(snapshot.fact, scratch, report, dry_run=dry_run)
                if not dry_run:
                    await self._settle(scratch, snapshot, report, self._looks(resource, accepted=accept_loss))
        log.info("imported", extra={"resource": resource, **report.figures(), "held": report.held})
        return report

    async def end_broken_off(self) -> None:
        """Nothing is being stated at the start, whatever was when this service ended."""
        for resource in RESOURCES:
            await self._stated(resource)

    async def _stated(self, resource: Resource) -> None:
        """Everything of a resource is stated; what was never begun needs no note."""
        async with self._engine.database.read() as connection:
            begun = await read_meta(connection, STATING + resource)
        if begun:
            async with self._engine.database.write() as connection:
                await write_meta(connection, STATING + resource, "")

    async def _state_all(self, fact: FactBuilder, scratch: ScratchFile, report: ImportReport, *, dry_run: bool) -> None:
        try:
            for groups in scratch.differed(AT_ONCE):
                await self._state(fact, groups, report, dry_run=dry_run)
        finally:
            await self._stated(report.resource)

    async def _read(self, report: ImportReport, scratch: ScratchFile) -> Snapshot:
        dialect, resource = self._settings.balance.dialect, report.resource
        try:
            reduced = await self._discounts(report)
            snapshot = await read_snapshot(self._balance, resource, dialect, scratch, report.begun, reduced)
        except (AccessDenied, Rejected) as error:
            await report_faults(self._engine, unreadable_fault(resource, error))
            raise
        report.faults.update(snapshot.faults)
        return snapshot

    @property
    def reads_discounts(self) -> bool:
        """Whether Balance's discounts belong to its prices."""
        return self._settings.balance.discounts.read

    async def _discounts(self, report: ImportReport) -> Discounts:
        if report.resource != "prices" or not self.reads_discounts:
            return NO_DISCOUNTS
        known = read_kind(self._engine.database, ITEM.name)
        found = await read_discounts(self._balance.discounts(), self._settings.balance.discounts, known, report.begun)
        report.discounts = {"discounts": found.taken, "left out": found.left_out}
        return found

    async def _compare(self, scratch: ScratchFile, fact: FactBuilder, report: ImportReport) -> None:
        groups = scratch.groups(fact.joined)
        async with (
            aclosing(self._known(report.resource)) as known,
            aclosing(compare_groups(groups, known)) as stretches,
        ):
            async for found in stretches:
                report.compared(found)
                scratch.miss(found.missing)
                scratch.differ(found.differing)

    async def _judge(self, scratch: ScratchFile, fact: FactBuilder, report: ImportReport) -> None:
        """Hold back what loses too much, or changes too much in one way; a first import has nothing to lose."""
        breakers, limits = ChangeBreaker(), self._settings.snapshot
        if report.known:
            for groups in scratch.differed(AT_ONCE):
                found = build_facts(fact, groups, report.begun)
                async with self._engine.work() as work:
                    breakers.weigh(found.facts, await work.get_many(STATED[report.resource], found.facts))
        report.judge(limits)
        if told := breakers.tripped(report.known, limits):
            report.alarm(told)

    async def _known(self, resource: Resource) -> AsyncGenerator[KnownDigest, None]:
        async for key, body in read_kind(self._engine.database, OBSERVED[resource].name):
            yield key, orjson.loads(body)["digest"]

    async def _state(
        self, fact: FactBuilder, groups: Sequence[RowGroup], report: ImportReport, *, dry_run: bool
    ) -> None:
        found = build_facts(fact, groups, report.begun)
        faults = {f"{report.resource}:{key}": fault for key, fault in found.faults.items()}
        async with self._engine.work() as work:
            said = await _news(work, report.resource, found.facts)
            report.understood(len(said), faults)
            if dry_run:
                return
            await write_meta(work.connection, STATING + report.resource, "yes")
            for subject, fault in faults.items():
                report_fault(work, subject, fault)
            for group in groups:
                if group.key in found.facts:
                    work.put(OBSERVED[report.resource], group.key, Observed(digest=group.digest))
            await work.announce((event, None) for event in said)

    def _looks(self, resource: Resource, *, accepted: bool) -> int:
        """How many snapshots in a row must lack a key until it is gone (claim S2.15): prices and stock are what the
        last one says, and what a person has accepted needs no second look."""
        return self._settings.snapshot.confirmations if resource == "items" and not accepted else 1

    async def _settle(self, scratch: ScratchFile, snapshot: Snapshot, report: ImportReport, looks: int) -> None:
        """What only a whole snapshot may say: what is missing, and which faults are gone."""
        faults = dict(snapshot.faults) | _held_back(report)
        await report_faults(self._engine, faults)
        if not report.held and not _hides_an_item(report):
            for keys in scratch.missed(AT_ONCE):
                await self._miss(snapshot.fact, report, keys, looks)
        await clear_resolved(self._engine, report.resource, report.faults | faults.keys())

    async def _miss(self, fact: FactBuilder, report: ImportReport, keys: Sequence[str], looks: int) -> None:
        """Withdraw keys that so many snapshots lacked; the others are looked at anew when they are back."""
        kind = OBSERVED[report.resource]
        async with self._engine.work() as work:
            missed = {key: one.missed + 1 for key, one in (await work.get_many(kind, keys)).items()}
            gone = [key for key in keys if missed.get(key, looks) >= looks]
            for key in gone:
                work.drop(kind, key)
            for key in missed.keys() - set(gone):
                work.put(kind, key, Observed(digest="", missed=missed[key]))
            await work.announce((fact.missing(key, report.begun), None) for key in gone)


def _hides_an_item(report: ImportReport) -> bool:
    """Whether a row without a readable uid may be one of the items that seem to be missing: then none is withdrawn.

    Prices and stock are what the last snapshot says: what is sold out has no rows at all (API fact).
    """
    return report.resource == "items" and NAMELESS in report.faults


NAMELESS = "items:"
"""The subject of the fault of item rows without a readable uid."""


def _held_back(report: ImportReport) -> dict[str, Fault]:
    return held_back_fault(report.resource, report.held, alarming=report.alarming) if report.held else {}


async def _news(work: Work, resource: Resource, facts: dict[str, Observation]) -> list[Event]:
    known = await work.get_many(STATED[resource], facts)
    return [said for key, fact in facts.items() for said in changed_event(fact, known.get(key))]
