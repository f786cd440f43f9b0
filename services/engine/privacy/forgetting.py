"""Forgets a person at a service: copies are erased, subjects decided again, and the command answered after that.

It is erased from the records of the state database and from events that are not published yet, then from the files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

import orjson
from sqlalchemy import LargeBinary, bindparam, func, literal, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.envelope import Envelope
from contracts.model import Event, Instant, Part
from contracts.operations import CommandSettled, DeadLettered
from contracts.privacy import ForgetRequested
from services.engine.outbox.dead_letters import OTHER_SERVICES, PARKED, REPLAYED, UNHANDLED
from services.engine.outbox.engine import Engine
from services.engine.outbox.handlers import Handlers, Remember, compose_rules
from services.engine.outbox.lane import dump_cause, load_cause
from services.engine.privacy.stripping import Stripped, without_person
from services.engine.state.records import Kind, State
from services.engine.state.sql import execute_many, upsert
from services.engine.state.store import make_row, read_kind
from services.engine.state.tables import deliveries, events, records


class PendingErasure(Part):
    """A person to be forgotten, and not answered yet. `cause`: the command, as in `services.engine.outbox.lane`.

    `asked_at`: what the person orders later is kept. `erased`: all `copies` are erased from the tables.
    """

    person_ref: str
    dry_run: bool
    cause: str | None
    asked_at: Instant | None = None
    erased: bool = False
    copies: int = 0


PENDING_ERASURE = Kind("forget", PendingErasure)
"""By command."""


def with_forgetting_rules(service: str, handlers: Handlers) -> Handlers:
    """The rules of a service that also carries out the command to forget a person, once, and answers it."""
    rules: Mapping[type[Event], Remember] = {ForgetRequested: _requested, CommandSettled: partial(_answered, service)}
    return replace(handlers, remember=compose_rules(rules, handlers.remember))


def _requested(envelope: Envelope[ForgetRequested], state: State) -> None:
    command = envelope.data
    about = {"person_ref": command.person_ref, "dry_run": command.dry_run, "asked_at": command.asked_at}
    state.put(PENDING_ERASURE, command.command_id, PendingErasure(**about, cause=dump_cause(envelope)))


def _answered(service: str, envelope: Envelope[CommandSettled], state: State) -> None:
    if envelope.data.service == service:
        state.drop(PENDING_ERASURE, envelope.data.command_id)


Strip = Callable[[Any], Stripped]
DEAD_LETTER_KINDS = tuple(kind.name for kind in (PARKED, UNHANDLED, OTHER_SERVICES, REPLAYED))
"""Kinds of records that may contain bytes in base64, in which a text search finds nothing."""
Erased = tuple[dict[str, Any], Any, int]
"""The key of a row, its content without the person, and how many copies it contained."""
_UPDATE_RECORD = (
    update(records)
    .where(records.c.kind == bindparam("a_kind"), records.c.key == bindparam("a_key"))
    .values(body=bindparam("a_body"))
)
_UPDATE_EVENT = update(events).where(events.c.seq == bindparam("a_seq")).values(value=bindparam("a_value"))


@dataclass(frozen=True, slots=True)
class ErasedCopies:
    """How many copies were found, and the subjects whose deliveries or open dead letters name the person."""

    in_records: int
    in_events: int
    subjects: tuple[str, ...]

    @property
    def count(self) -> int:
        """All copies."""
        return self.in_records + self.in_events


async def carry_out_requests(engine: Engine) -> int:
    """Carry out the commands to forget that are not answered yet; returns how many were answered.

    A command is answered once nothing of the person is left in the files of this service. Call it only when everything
    known at the start has been read: the answer may be among it.
    """
    stored = read_kind(engine.database, PENDING_ERASURE.name)
    pending = [(command_id, PendingErasure.model_validate_json(body)) async for command_id, body in stored]
    return sum([await _carry_out(engine, command_id, request) for command_id, request in pending])


async def _carry_out(engine: Engine, command_id: str, request: PendingErasure) -> bool:
    """Erase, have the bytes removed from the files, then answer; a restart in between goes on where it was.

    A delivery that is being sent, or whose outcome is unknown, needs its data until it is done: the answer waits.
    """
    if not request.erased:
        request = await _erase_copies(engine, command_id, request)
    waiting = await _count_unfinished(engine, request.person_ref)
    if waiting and not request.dry_run:
        return False
    if not request.dry_run:
        await engine.database.truncate_log()
        engine.database.delete_leftovers()
    await _answer(engine, command_id, request, waiting)
    return True


async def _count_unfinished(engine: Engine, ref: str) -> int:
    """The deliveries with the person's data that were sent and have no result: no decision may replace them."""
    async with engine.database.read() as connection:
        rows = await deliveries_naming(connection, ref)
    in_flight = engine.rules.in_flight()
    return sum(bool(row.unknowns) or row.id in in_flight for row in rows)


async def _erase_copies(engine: Engine, command_id: str, request: PendingErasure) -> PendingErasure:
    async with engine.work() as work:
        kinds, until = engine.database.kinds, request.asked_at
        found = await erase_person(work.connection, request.person_ref, kinds, until, dry_run=request.dry_run)
        if not request.dry_run:
            for subject in found.subjects:
                work.touch(subject)
            await work.decide()
        done = request.model_copy(update={"erased": True, "copies": found.count})
        work.put(PENDING_ERASURE, command_id, done)
    return done


async def _answer(engine: Engine, command_id: str, request: PendingErasure, waiting: int) -> None:
    async with engine.work() as work:
        answer = CommandSettled(
            command_id=command_id,
            service=engine.rules.service,
            outcome="done",
            detail=_describe(request.copies, waiting, dry_run=request.dry_run),
            figures={"copies": request.copies, "waiting": waiting},
            settled_at=work.now,
        )
        await work.announce([(answer, load_cause(request.cause))])


def _describe(count: int, waiting: int, *, dry_run: bool) -> str:
    if not (count or waiting):
        return "has no data of this person"
    verb = "would erase" if dry_run else "erased"
    later = f"; {waiting} pending deliveries name the person, and are without the data once they are done"
    return f"{verb} {count} {'copy' if count == 1 else 'copies'} of the personal data" + (later if waiting else "")


async def erase_person(
    connection: AsyncConnection,
    ref: str,
    kinds: Sequence[Kind[Any]] = (),
    until: datetime | None = None,
    *,
    dry_run: bool = False,
) -> ErasedCopies:
    """Erase a person's data from the records and the unpublished events; a dry run only counts.

    `kinds`: the kinds with a table of their own. `until`: what was ordered later is kept. Deliveries stay as they are:
    deciding their subjects again replaces or removes them.
    """
    strip = partial(without_person, ref=ref, until=until)
    in_records, in_events = (
        await _find_in_records(connection, ref, strip),
        await _find_in_events(connection, ref, strip),
    )
    waiting = [row.subject for row in await deliveries_naming(connection, ref)]
    subjects = tuple(dict.fromkeys([*waiting, *_dead_letter_subjects(in_records)]))
    in_tables = [await _erase_in_table(connection, ref, kind, strip, dry_run=dry_run) for kind in kinds]
    if not dry_run:
        await _write(connection, in_records, in_events)
    count = sum(count for _, _, count in in_records) + sum(in_tables)
    return ErasedCopies(count, sum(count for _, _, count in in_events), subjects)


async def deliveries_naming(connection: AsyncConnection, ref: str) -> Sequence[Any]:
    """The pending deliveries that contain personal data of this person."""
    query = select(deliveries).where(deliveries.c.payload.contains(ref, autoescape=True))
    rows = (await connection.execute(query)).all()
    return [row for row in rows if without_person(orjson.loads(row.payload), ref)[1]]


async def _find_in_records(connection: AsyncConnection, ref: str, strip: Strip) -> list[Erased]:
    body = records.c.body
    has_bytes = records.c.kind.in_(DEAD_LETTER_KINDS) & body.contains('"record":{')
    query = select(records).where(or_(body.contains(ref, autoescape=True), has_bytes))
    rows = await connection.execute(query)
    return _erase((({"a_kind": row.kind, "a_key": row.key}, row.body) for row in rows), strip)


async def _erase_in_table(
    connection: AsyncConnection, ref: str, kind: Kind[Any], strip: Strip, *, dry_run: bool
) -> int:
    """Erase a person from the rows of a table, whose columns are derived again. Returns how many copies there were."""
    if (table := kind.table) is None:
        return 0
    body = table.c.body
    query = select(table).where(or_(body.contains(ref, autoescape=True), body.contains('"record":{')))
    found = _erase((({"key": row.key, "ref": row.ref}, row.body) for row in await connection.execute(query)), strip)
    rows = [make_row(table, **key, record=kind.model.model_validate(content)) for key, content, _ in found]
    if not dry_run:
        await execute_many(connection, upsert(connection, table, "key"), rows)
    return sum(count for _, _, count in found)


async def _find_in_events(connection: AsyncConnection, ref: str, strip: Strip) -> list[Erased]:
    named = func.instr(events.c.value, literal(ref.encode(), LargeBinary)) > 0
    query = select(events.c.seq, events.c.value).where(or_(named, events.c.topic == DeadLettered.TOPIC))
    return _erase((({"a_seq": row.seq}, row.value) for row in await connection.execute(query)), strip)


def _erase(rows: Iterable[tuple[dict[str, Any], str | bytes]], strip: Strip) -> list[Erased]:
    stripped = [(key, *strip(orjson.loads(body))) for key, body in rows]
    return [(key, content, len(copies)) for key, content, copies in stripped if copies]


def _dead_letter_subjects(found: Sequence[Erased]) -> list[str]:
    is_open = [row for key, row, _ in found if key["a_kind"] == PARKED.name and row["state"] == "open"]
    return [row["event"]["delivery"]["subject"] for row in is_open if row["event"]["delivery"]]


async def _write(connection: AsyncConnection, in_records: Sequence[Erased], in_events: Sequence[Erased]) -> None:
    bodies = [key | {"a_body": orjson.dumps(content).decode()} for key, content, _ in in_records]
    await execute_many(connection, _UPDATE_RECORD, bodies)
    values = [key | {"a_value": orjson.dumps(content)} for key, content, _ in in_events]
    await execute_many(connection, _UPDATE_EVENT, values)
