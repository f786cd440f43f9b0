"""Subjects: which must be decided, now (dirty) or again at a later time; and the versions seen and issued of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from sqlalchemy import bindparam, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.envelope import Cause, Envelope
from contracts.model import Event
from services.engine.outbox.decision import Decision
from services.engine.outbox.lane import dump_cause
from services.engine.state.session import Slot
from services.engine.state.sql import execute_many, in_names, upsert
from services.engine.state.store import SubjectVersion, load_versions, save_versions
from services.engine.state.tables import subjects

S = subjects.c
SOONEST = timedelta(seconds=1)
_SOONER = (
    update(subjects)
    .where(S.subject == bindparam("a_subject"), or_(S.again_at.is_(None), S.again_at > bindparam("a_at")))
    .values(again_at=bindparam("a_at"))
)

_TO_BE_DECIDED_AGAIN = select(S.subject, S.cause).where(in_names(S.subject, "names"), S.again_at.is_not(None))


async def mark_dirty(connection: AsyncConnection, touched: Mapping[str, Cause | None]) -> None:
    """Keep subjects that must be decided later."""
    rows = [
        {"subject": name, "dirty": 1, "again_at": None, "cause": dump_cause(cause)} for name, cause in touched.items()
    ]
    await execute_many(connection, upsert(connection, subjects, "subject"), rows)


async def mark_decided(
    connection: AsyncConnection, decisions: Mapping[str, Decision], touched: Mapping[str, Cause | None], now: datetime
) -> None:
    """Note that these subjects were decided, and when each must be decided again: not at once, which had no end."""
    soonest = now + SOONEST
    rows = [
        {
            "subject": name,
            "dirty": 0,
            "again_at": max(decision.again_at, soonest).timestamp() if decision.again_at else None,
            "cause": dump_cause(touched[name]) if decision.again_at else None,
        }
        for name, decision in decisions.items()
    ]
    await execute_many(connection, upsert(connection, subjects, "subject"), rows)


async def mark_all_dirty(connection: AsyncConnection) -> None:
    """Have every known subject decided again (the settings have changed)."""
    await connection.execute(update(subjects).values(dirty=1))


async def read_undecided(connection: AsyncConnection, now: float, limit: int) -> dict[str, str | None]:
    """Subjects to decide now, each with its kept cause."""
    query = select(S.subject, S.cause).where(or_(S.dirty == 1, S.again_at <= now)).limit(limit)
    return {row.subject: row.cause for row in await connection.execute(query)}


async def next_decision_at(connection: AsyncConnection) -> float | None:
    """When the next subject must be decided again, as a timestamp; 0 for one that must be decided now."""
    if await connection.scalar(select(S.subject).where(S.dirty == 1).limit(1)) is not None:
        return 0.0
    found: float | None = await connection.scalar(select(func.min(S.again_at)))
    return found


async def read_scheduled(connection: AsyncConnection, names: Iterable[str]) -> dict[str, str | None]:
    """Those of these subjects that are to be decided again at some moment, each with its kept cause."""
    wanted = list(names)
    found = await connection.execute(_TO_BE_DECIDED_AGAIN, {"names": wanted}) if wanted else ()
    return {row.subject: row.cause for row in found}


async def mark_again(connection: AsyncConnection, names: Iterable[str], at: datetime) -> None:
    """Have these subjects decided again at a moment, unless they are sooner."""
    rows = [{"a_subject": name, "a_at": at.timestamp()} for name in names]
    await execute_many(connection, _SOONER, rows)


def slot_of(event: Event) -> Slot:
    """The topic and the subject of an event: versions are counted for each."""
    return event.TOPIC, event.subject


class Versions:
    """The versions that a transaction knows, by (topic, subject). They are loaded before the rule of an event runs."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._known: dict[Slot, SubjectVersion] = {}
        self._seen: dict[Slot, SubjectVersion] = {}
        self._issued: dict[Slot, int] = {}

    async def load(self, slots: Iterable[Slot]) -> None:
        """Load the versions that are not in memory yet."""
        if unknown := [slot for slot in slots if slot not in self._known]:
            self._known.update(await load_versions(self._connection, unknown))

    def get(self, slot: Slot) -> SubjectVersion:
        """The newest version that was seen; 0 for an unknown subject."""
        return self._known.get(slot, SubjectVersion())

    def mark_seen(self, envelope: Envelope[Event]) -> None:
        """Record that an event was applied."""
        slot = slot_of(envelope.data)
        self._known[slot] = self._seen[slot] = SubjectVersion(envelope.sequence, envelope.time.timestamp())

    def issue(self, slot: Slot) -> int:
        """The next version of a subject, for an event of this service."""
        version = max(self.get(slot).version, self._issued.get(slot, 0)) + 1
        self._issued[slot] = version
        return version

    async def save(self) -> None:
        """Write the versions that were seen."""
        await save_versions(self._connection, self._seen)
