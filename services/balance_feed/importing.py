"""One import: read a snapshot, compare it with the last one, publish what changed.

What is wrong with an import is reported as dead letters; the first import without the fault resolves them.
"""

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

log = logging.getLogger(__name__)
STATING = "stating:"
"""Followed by a resource: the key of a note in the state database while changes are being published; empty when none
are. An import without changes writes nothing, not even this."""
FORM = "1"
"""Increase it when facts are built differently from the same rows: then every row is read again."""


def unreadable_fault(resource: Resource, error: AccessDenied | Rejected) -> dict[str, Fault]:
    """Return the fault of a resource that cannot be read until a person acts."""
    detail = f"{error.message}. Until this is fixed, no changes of {resource} are imported from Balance"
    return {f"{resource}:import": Fault(reason=Reason.BALANCE_UNREADABLE, detail=detail)}


def held_back_fault(resource: Resource, detail: str, *, alarming: bool) -> dict[str, Fault]:
    """Return the fault of a snapshot that is held back."""
    reason = Reason.BALANCE_SNAPSHOT_ALARMING if alarming else Reason.BALANCE_SNAPSHOT_SHRANK
    return {f"{resource}:snapshot": Fault(reason=reason, detail=detail)}


async def report_faults(engine: Engine, faults: Mapping[str, Fault]) -> None:
    """Report faults, by subject."""
    if faults:
        async with engine.work() as work:
            for subject, fault in faults.items():
                report_fault(work, subject, fault)


async def clear_resolved(engine: Engine, resource: Resource, current: Set[str]) -> None:
    """Clear the faults of earlier imports of a resource that are not among the `current` ones."""
    known = await _known_faults(engine)
    resolved = sorted(subject for subject in known - current if subject.startswith(f"{resource}:"))
    if resolved:
        async with engine.work() as work:
            for subject in resolved:
                clear_fault(work, subject)


async def _known_faults(engine: Engine) -> set[str]:
    """Faults reported here, and those that a rebuilt database knows only from their open dead letters."""
    reported = {key async for key, _ in read_kind(engine.database, FAULT.name)}
    parked = read_kind(engine.database, PARKED.name)
    return reported | {subject async for _, body in parked for subject in _subject(body)}


def _subject(body: str) -> list[str]:
    parked = orjson.loads(body)
    delivery = parked["event"]["delivery"]
    return [delivery["subject"]] if delivery and parked["state"] == "open" else []


class Importer:
    """Imports resources, one at a time."""

    def __init__(self, engine: Engine, balance: BalanceReader, settings: Settings) -> None:
        self._engine, self._balance, self._settings = engine, balance, settings
        self._salt = (FORM + fingerprint([settings.balance.dialect])).encode()
        self._one_at_a_time = asyncio.Lock()

    async def run(self, resource: Resource, *, dry_run: bool = False, accept_loss: bool = False) -> ImportReport:
        """Import a resource; in a dry run only count. Raises `UpstreamError` if it cannot be read completely."""
        async with self._one_at_a_time:
            with ScratchFile(self._salt) as scratch:
                report = ImportReport(resource, self._engine.clock())
                snapshot = await self._read(report, scratch)
                await self._compare(scratch, snapshot.fact, report)
                if not accept_loss:
                    await self._check_plausible(scratch, snapshot.fact, report)
                if not report.alarming:
                    await self._publish_all(snapshot.fact, scratch, report, dry_run=dry_run)
                if not dry_run:
                    needed = self._needed_snapshots(resource, accepted=accept_loss)
                    await self._complete(scratch, snapshot, report, needed)
        log.info("imported", extra={"resource": resource, **report.figures(), "held": report.held})
        return report

    async def clear_interrupted(self) -> None:
        """Clear the notes of imports that were interrupted when the service ended."""
        for resource in RESOURCES:
            await self._clear_stating(resource)

    async def _clear_stating(self, resource: Resource) -> None:
        """Note that no changes of a resource are being published, unless that is noted already."""
        async with self._engine.database.read() as connection:
            begun = await read_meta(connection, STATING + resource)
        if begun:
            async with self._engine.database.write() as connection:
                await write_meta(connection, STATING + resource, "")

    async def _publish_all(
        self, fact: FactBuilder, scratch: ScratchFile, report: ImportReport, *, dry_run: bool
    ) -> None:
        try:
            for groups in scratch.differing(AT_ONCE):
                await self._publish(fact, groups, report, dry_run=dry_run)
        finally:
            await self._clear_stating(report.resource)

    async def _read(self, report: ImportReport, scratch: ScratchFile) -> Snapshot:
        dialect, resource = self._settings.balance.dialect, report.resource
        try:
            discounts = await self._discounts(report)
            snapshot = await read_snapshot(self._balance, resource, dialect, scratch, report.begun, discounts)
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
        groups = scratch.groups(fact.joined_text)
        async with (
            aclosing(self._known(report.resource)) as known,
            aclosing(compare_groups(groups, known)) as batches,
        ):
            async for found in batches:
                report.count_compared(found)
                scratch.add_missing(found.missing)
                scratch.add_differing(found.differing)

    async def _check_plausible(self, scratch: ScratchFile, fact: FactBuilder, report: ImportReport) -> None:
        """Hold back a snapshot that loses too much, or changes too much in one way; a first import cannot do either."""
        breaker, limits = ChangeBreaker(), self._settings.snapshot
        if report.known:
            for groups in scratch.differing(AT_ONCE):
                built = build_facts(fact, groups, report.begun)
                async with self._engine.work() as work:
                    breaker.count(built.facts, await work.get_many(STATED[report.resource], built.facts))
        report.check_loss(limits)
        if excess := breaker.describe_excess(report.known, limits):
            report.hold_back(excess)

    async def _known(self, resource: Resource) -> AsyncGenerator[KnownDigest, None]:
        async for key, body in read_kind(self._engine.database, OBSERVED[resource].name):
            yield key, orjson.loads(body)["digest"]

    async def _publish(
        self, fact: FactBuilder, groups: Sequence[RowGroup], report: ImportReport, *, dry_run: bool
    ) -> None:
        built = build_facts(fact, groups, report.begun)
        faults = {f"{report.resource}:{key}": fault for key, fault in built.faults.items()}
        async with self._engine.work() as work:
            events = await _changed_events(work, report.resource, built.facts)
            report.count_built(len(events), faults)
            if dry_run:
                return
            await write_meta(work.connection, STATING + report.resource, "yes")
            for subject, fault in faults.items():
                report_fault(work, subject, fault)
            for group in groups:
                if group.key in built.facts:
                    work.put(OBSERVED[report.resource], group.key, Observed(digest=group.digest))
            await work.announce((event, None) for event in events)

    def _needed_snapshots(self, resource: Resource, *, accepted: bool) -> int:
        """In how many snapshots in a row a key must be missing to count as gone (claim S2.15).

        For prices and stock the last snapshot counts, and what a person has accepted needs no second one.
        """
        return self._settings.snapshot.confirmations if resource == "items" and not accepted else 1

    async def _complete(self, scratch: ScratchFile, snapshot: Snapshot, report: ImportReport, needed: int) -> None:
        """Conclude what only a complete snapshot shows: what is missing, and which faults are resolved."""
        faults = dict(snapshot.faults) | _held_back(report)
        await report_faults(self._engine, faults)
        if not report.held and not _may_hide_item(report):
            for keys in scratch.missing(AT_ONCE):
                await self._withdraw_missing(snapshot.fact, report, keys, needed)
        await clear_resolved(self._engine, report.resource, report.faults | faults.keys())

    async def _withdraw_missing(
        self, fact: FactBuilder, report: ImportReport, keys: Sequence[str], needed: int
    ) -> None:
        """Withdraw keys missing from as many snapshots as needed; the others are read again when they are back."""
        kind = OBSERVED[report.resource]
        async with self._engine.work() as work:
            missed = {key: observed.missed + 1 for key, observed in (await work.get_many(kind, keys)).items()}
            gone = [key for key in keys if missed.get(key, needed) >= needed]
            for key in gone:
                work.drop(kind, key)
            for key in missed.keys() - set(gone):
                work.put(kind, key, Observed(digest="", missed=missed[key]))
            await work.announce((fact.missing(key, report.begun), None) for key in gone)


def _may_hide_item(report: ImportReport) -> bool:
    """Whether a row without a readable item uid may belong to one of the missing items: then none is withdrawn.

    The fault of such rows has the subject `items:`, `prices:` or `stock:`, without a uid.
    """
    return f"{report.resource}:" in report.faults


def _held_back(report: ImportReport) -> dict[str, Fault]:
    return held_back_fault(report.resource, report.held, alarming=report.alarming) if report.held else {}


async def _changed_events(work: Work, resource: Resource, facts: dict[str, Observation]) -> list[Event]:
    known = await work.get_many(STATED[resource], facts)
    return [event for key, fact in facts.items() for event in changed_event(fact, known.get(key))]
