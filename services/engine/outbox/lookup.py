"""Loads what the rules of one transaction read, for all of them at once and where possible before they run."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import TypeVar

from sqlalchemy import Table
from sqlalchemy.ext.asyncio import AsyncConnection

from services.engine.offload import run_by_size
from services.engine.state.records import Kind, RecordT
from services.engine.state.session import Miss, NotLoaded, Session
from services.engine.state.store import load

NameT = TypeVar("NameT")
ResultT = TypeVar("ResultT")
Preloads = set[tuple[str, bool, Table | None]]
"""What decisions have read under the name of their own subject: the kind, whether by reference, and its table."""


class Lookup:
    """Reads into the session of a transaction; `asked` outlasts the transaction."""

    def __init__(self, connection: AsyncConnection, session: Session, asked: Preloads) -> None:
        self._connection, self._session, self._asked = connection, session, asked

    async def results(self, tasks: Mapping[NameT, Callable[[], ResultT]]) -> dict[NameT, ResultT]:
        """Run all rules; those that read what is not loaded yet run again after one load for all of them."""
        results: dict[NameT, ResultT] = {}
        while left := [name for name in tasks if name not in results]:
            missing = await run_by_size(partial(_try_all, tasks, left, results), self._session.size)
            self._note(missing)
            await self.load(miss for missed in missing.values() for miss in missed)
        return {name: results[name] for name in tasks}

    def _note(self, missing: Mapping[NameT, Sequence[Miss]]) -> None:
        tables = self._session.tables
        own = (miss for name, missed in missing.items() for miss in missed if miss.slot[1] == name)
        self._asked.update((miss.slot[0], miss.by_ref, tables.get(miss.slot[0])) for miss in own)

    async def preload(self, subjects: Collection[str]) -> None:
        """Load what decisions have read of their own subjects before, so that they need not be interrupted for it."""
        self._session.tables.update({kind: table for kind, _, table in self._asked if table is not None})
        await self.load(Miss((kind, subject), by_ref) for kind, by_ref, _ in self._asked for subject in subjects)

    async def load(self, missing: Iterable[Miss]) -> None:
        """Load records that rules have missed."""
        wanted = set(missing)
        for by_ref in (False, True):
            slots = [miss.slot for miss in wanted if miss.by_ref is by_ref]
            await load(self._connection, self._session, slots, by_ref=by_ref)

    async def get_many(self, kind: Kind[RecordT], keys: Iterable[str]) -> dict[str, RecordT]:
        """Records by key, read in bulk; what does not exist is absent."""
        self._session.note_table(kind)
        wanted = dict.fromkeys(keys)
        await self.load(Miss((kind.name, key), by_ref=False) for key in wanted)
        return {key: record for key in wanted if (record := self._session.get(kind, key)) is not None}

    async def find_many(self, kind: Kind[RecordT], refs: Iterable[str]) -> dict[str, dict[str, RecordT]]:
        """All records of each reference, by key, read in bulk."""
        self._session.note_table(kind)
        wanted = dict.fromkeys(refs)
        await self.load(Miss((kind.name, ref), by_ref=True) for ref in wanted)
        return {ref: self._session.find(kind, ref) for ref in wanted}


def _try_all(
    tasks: Mapping[NameT, Callable[[], ResultT]], names: Iterable[NameT], results: dict[NameT, ResultT]
) -> dict[NameT, Sequence[Miss]]:
    """Run these rules; returns what those that could not end have missed."""
    missing: dict[NameT, Sequence[Miss]] = {}
    for name in names:
        try:
            results[name] = tasks[name]()
        except NotLoaded as error:
            missing[name] = error.missing
    return missing
