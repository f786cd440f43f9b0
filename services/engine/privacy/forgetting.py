"""Forgets a person at a service: copies are erased, subjects decided again and the command answered in one transaction.

A person's data is only in fields named `person`, next to the `person_ref`, or sealed in `sealed`. It is erased from the
records of the state database and from events that are not published yet.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import orjson
from sqlalchemy import LargeBinary, bindparam, func, literal, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.envelope import Envelope
from contracts.model import Event, Part
from contracts.operations import CommandSettled, DeadLettered
from contracts.privacy import ForgetRequested
from services.engine.outbox.dead_letters import OTHER_SERVICES, PARKED, REPLAYED, UNHANDLED
from services.engine.outbox.engine import Engine
from services.engine.outbox.handlers import Handlers, Remember, compose_rules
from services.engine.outbox.lane import dump_cause, load_cause
from services.engine.state.records import Kind, State
from services.engine.state.sql import execute_many, upsert
from services.engine.state.store import make_row, read_kind
from services.engine.state.tables import deliveries, events, records


class PendingErasure(Part):
    """A person to be forgotten, and not answered yet. `cause`: the command, as in `services.engine.outbox.lane`."""

    person_ref: str
    dry_run: bool
    cause: str | None


PENDING_ERASURE = Kind("forget", PendingErasure)
"""By command."""


def with_forgetting_rules(service: str, handlers: Handlers) -> Handlers:
    """The rules of a service that also carries out the command to forget a person, once, and answers it."""
    rules: Mapping[type[Event], Remember] = {ForgetRequested: _requested, CommandSettled: partial(_answered, service)}
    return replace(handlers, remember=compose_rules(rules, handlers.remember))


def _requested(envelope: Envelope[ForgetRequested], state: State) -> None:
    command = envelope.data
    pending = PendingErasure(person_ref=command.person_ref, dry_run=command.dry_run, cause=dump_cause(envelope))
    state.put(PENDING_ERASURE, command.command_id, pending)


def _answered(service: str, envelope: Envelope[CommandSettled], state: State) -> None:
    if envelope.data.service == service:
        state.drop(PENDING_ERASURE, envelope.data.command_id)


PersonalField = Literal["person", "sealed"]
PERSONAL_FIELDS: tuple[PersonalField, ...] = ("person", "sealed")
RECORD_FIELDS = frozenset({"partition", "offset", "value"})
"""Fields by which the Kafka record inside a dead letter is recognized; its bytes are in base64."""
Stripped = tuple[Any, tuple[PersonalField, ...]]
"""The value without the person, and for each removed copy the field that contained it."""
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
    """Carry out the commands to forget that are not answered yet; returns how many there were.

    Call it only when everything known at the start has been read: the answer may be among it.
    """
    stored = read_kind(engine.database, PENDING_ERASURE.name)
    pending = [(command_id, PendingErasure.model_validate_json(body)) async for command_id, body in stored]
    for command_id, request in pending:
        await _carry_out(engine, command_id, request)
    if pending:
        await engine.database.truncate_log()
    return len(pending)


async def _carry_out(engine: Engine, command_id: str, request: PendingErasure) -> None:
    async with engine.work() as work:
        kinds = engine.database.kinds
        found = await erase_person(work.connection, request.person_ref, kinds, dry_run=request.dry_run)
        if not request.dry_run:
            for subject in found.subjects:
                work.touch(subject)
            await work.decide()
        waiting = len(await deliveries_naming(work.connection, request.person_ref))
        answer = CommandSettled(
            command_id=command_id,
            service=engine.rules.service,
            outcome="done",
            detail=_describe(found.count, waiting, dry_run=request.dry_run),
            figures={"copies": found.count, "waiting": waiting},
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
    connection: AsyncConnection, ref: str, kinds: Sequence[Kind[Any]] = (), *, dry_run: bool = False
) -> ErasedCopies:
    """Erase a person's data from the records and the unpublished events; a dry run only counts.

    `kinds`: the kinds with a table of their own. Deliveries stay as they are: deciding their
    subjects again replaces or removes them.
    """
    in_records, in_events = await _find_in_records(connection, ref), await _find_in_events(connection, ref)
    waiting = [row.subject for row in await deliveries_naming(connection, ref)]
    subjects = tuple(dict.fromkeys([*waiting, *_dead_letter_subjects(in_records)]))
    in_tables = [await _erase_in_table(connection, ref, kind, dry_run=dry_run) for kind in kinds]
    if not dry_run:
        await _write(connection, in_records, in_events)
    count = sum(count for _, _, count in in_records) + sum(in_tables)
    return ErasedCopies(count, sum(count for _, _, count in in_events), subjects)


async def deliveries_naming(connection: AsyncConnection, ref: str) -> Sequence[Any]:
    """The pending deliveries that contain personal data of this person."""
    query = select(deliveries).where(deliveries.c.payload.contains(ref, autoescape=True))
    rows = (await connection.execute(query)).all()
    return [row for row in rows if without_person(orjson.loads(row.payload), ref)[1]]


async def _find_in_records(connection: AsyncConnection, ref: str) -> list[Erased]:
    body = records.c.body
    has_bytes = records.c.kind.in_(DEAD_LETTER_KINDS) & body.contains('"record":{')
    query = select(records).where(or_(body.contains(ref, autoescape=True), has_bytes))
    rows = await connection.execute(query)
    return _erase(({"a_kind": row.kind, "a_key": row.key}, row.body, ref) for row in rows)


async def _erase_in_table(connection: AsyncConnection, ref: str, kind: Kind[Any], *, dry_run: bool) -> int:
    """Erase a person from the rows of a table, whose columns are derived again. Returns how many copies there were."""
    if (table := kind.table) is None:
        return 0
    body = table.c.body
    query = select(table).where(or_(body.contains(ref, autoescape=True), body.contains('"record":{')))
    found = _erase(({"key": row.key, "ref": row.ref}, row.body, ref) for row in await connection.execute(query))
    rows = [make_row(table, **key, record=kind.model.model_validate(content)) for key, content, _ in found]
    if not dry_run:
        await execute_many(connection, upsert(connection, table, "key"), rows)
    return sum(count for _, _, count in found)


async def _find_in_events(connection: AsyncConnection, ref: str) -> list[Erased]:
    named = func.instr(events.c.value, literal(ref.encode(), LargeBinary)) > 0
    query = select(events.c.seq, events.c.value).where(or_(named, events.c.topic == DeadLettered.TOPIC))
    return _erase(({"a_seq": row.seq}, row.value, ref) for row in await connection.execute(query))


def _erase(rows: Any) -> list[Erased]:
    stripped = [(key, *without_person(orjson.loads(body), ref)) for key, body, ref in rows]
    return [(key, content, len(copies)) for key, content, copies in stripped if copies]


def _dead_letter_subjects(found: Sequence[Erased]) -> list[str]:
    is_open = [row for key, row, _ in found if key["a_kind"] == PARKED.name and row["state"] == "open"]
    return [row["event"]["delivery"]["subject"] for row in is_open if row["event"]["delivery"]]


async def _write(connection: AsyncConnection, in_records: Sequence[Erased], in_events: Sequence[Erased]) -> None:
    bodies = [key | {"a_body": orjson.dumps(content).decode()} for key, content, _ in in_records]
    await execute_many(connection, _UPDATE_RECORD, bodies)
    values = [key | {"a_value": orjson.dumps(content)} for key, content, _ in in_events]
    await execute_many(connection, _UPDATE_EVENT, values)


def without_person(value: Any, ref: str) -> Stripped:
    """The JSON value without the data of this person. Nothing else is changed."""
    if isinstance(value, list):
        parts = [without_person(each, ref) for each in value]
        return [part for part, _ in parts], _all_copies(parts)
    if not isinstance(value, dict):
        return value, ()
    if value.keys() >= RECORD_FIELDS and isinstance(value["value"], str):
        return _strip_record(value, ref)
    removed = [name for name in PERSONAL_FIELDS if _is_about(value, ref) and value.get(name) is not None]
    fields: dict[str, Stripped] = {
        name: (None, ()) if name in removed else without_person(part, ref) for name, part in value.items()
    }
    return {name: part for name, (part, _) in fields.items()}, (*removed[:1], *_all_copies(list(fields.values())))


def _all_copies(parts: list[Stripped]) -> tuple[PersonalField, ...]:
    return tuple(copy for _, copies in parts for copy in copies)


def _is_about(value: dict[str, Any], ref: str) -> bool:
    person = value.get("person")
    return value.get("person_ref") == ref or (isinstance(person, dict) and person.get("person_ref") == ref)


def _strip_record(record: dict[str, Any], ref: str) -> Stripped:
    """A Kafka record; one that names the person but cannot be searched loses its value.

    It cannot be searched if it is not JSON or nested too deeply.
    """
    try:
        raw = b64decode(record["value"])
    except ValueError:
        return record, ()
    if ref.encode() not in raw:
        return record, ()
    try:
        content, copies = without_person(orjson.loads(raw), ref)
    except (orjson.JSONDecodeError, RecursionError):
        return record | {"value": None}, ("person",)
    return (record | {"value": b64encode(orjson.dumps(content)).decode()} if copies else record), copies
