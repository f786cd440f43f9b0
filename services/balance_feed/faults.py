"""What is at fault in an import: shown as dead letters, and overtaken by the first import without it."""

from __future__ import annotations

from collections.abc import Mapping, Set

import orjson

from contracts.reasons import Reason
from services.balance_feed.handlers import Resource
from services.engine.outbox.dead_letters import PARKED
from services.engine.outbox.engine import Engine
from services.engine.outbox.faults import FAULT, Fault, clear_fault, note_fault
from services.engine.outbox.upstream_errors import AccessDenied, Rejected
from services.engine.state.store import read_kind


def unreadable(resource: Resource, error: AccessDenied | Rejected) -> dict[str, Fault]:
    """The fault of a resource that cannot be read until a person acts."""
    detail = f"{error.message}. Until that is mended nothing new about {resource} is taken from Balance"
    return {f"{resource}:import": Fault(reason=Reason.BALANCE_UNREADABLE, detail=detail)}


def held_back(resource: Resource, detail: str, *, alarming: bool) -> dict[str, Fault]:
    """The fault of a snapshot that is held back."""
    reason = Reason.BALANCE_SNAPSHOT_ALARMING if alarming else Reason.BALANCE_SNAPSHOT_SHRANK
    return {f"{resource}:snapshot": Fault(reason=reason, detail=detail)}


async def show(engine: Engine, faults: Mapping[str, Fault]) -> None:
    """Show faults, by subject."""
    if faults:
        async with engine.work() as work:
            for subject, fault in faults.items():
                note_fault(work, subject, fault)


async def clear_gone(engine: Engine, resource: Resource, standing: Set[str]) -> None:
    """Take back the faults of earlier imports of a resource that do not stand any more."""
    known = await _known(engine)
    gone = sorted(subject for subject in known - standing if subject.startswith(f"{resource}:"))
    if gone:
        async with engine.work() as work:
            for subject in gone:
                clear_fault(work, subject)


async def _known(engine: Engine) -> set[str]:
    """Faults noted here, and those that a rebuilt database knows only by their open dead letters."""
    noted = {key async for key, _ in read_kind(engine.database, FAULT.name)}
    return noted | {subject async for _, body in read_kind(engine.database, PARKED.name) for subject in _subject(body)}


def _subject(body: str) -> list[str]:
    parked = orjson.loads(body)
    delivery = parked["letter"]["delivery"]
    return [delivery["subject"]] if delivery and parked["state"] == "open" else []
