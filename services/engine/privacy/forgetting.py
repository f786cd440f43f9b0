"""Forgetting a person, as a command asks for it: swept, decided again and answered in one transaction."""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson
from sqlalchemy import LargeBinary, bindparam, func, literal, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.operations import CommandSettled, DeadLettered
from services.engine.outbox.dead_letters import OTHER_SERVICES, PARKED, REPLAYED, UNHANDLED
from services.engine.outbox.engine import Engine
from services.engine.outbox.row import load_cause
from services.engine.privacy.forgetting_rules import FORGET, Forgetting
from services.engine.state.sql import execute_many
from services.engine.state.store import read_kind
from services.engine.state.tables import deliveries, events, records

# Sweeping a state database: every copy of one person's data in its records, and in events not published yet.

# JSON without the personal data of one person: all of it stands in `person`, beside the `person_ref` it belongs to.

Part = Literal["person", "sealed"]
PARTS: tuple[Part, ...] = ("person", "sealed")
"""What holds personal data; the second is the first as it stands on the wire."""
RECORD = frozenset({"partition", "offset", "value"})
"""The names by which a Kafka record is known that a dead letter holds, its bytes in base64."""
Stripped = tuple[Any, tuple[Part, ...]]
"""The value without the person, and for each copy that it held what it stood in: in clear, or sealed."""


def without_person(value: Any, ref: str) -> Stripped:
    """The value without what it says of this person. Nothing else is changed."""
    if isinstance(value, list):
        parts = [without_person(each, ref) for each in value]
        return [part for part, _ in parts], _together(parts)
    if not isinstance(value, dict):
        return value, ()
    if value.keys() >= RECORD and isinstance(value["value"], str):
        return _without_bytes(value, ref)
    gone = [name for name in PARTS if _is_about(value, ref) and value.get(name) is not None]
    inner: dict[str, Stripped] = {
        name: (None, ()) if name in gone else without_person(part, ref) for name, part in value.items()
    }
    return {name: part for name, (part, _) in inner.items()}, (*gone[:1], *_together(list(inner.values())))


def _together(parts: list[Stripped]) -> tuple[Part, ...]:
    return tuple(copy for _, copies in parts for copy in copies)


def _is_about(value: dict[str, Any], ref: str) -> bool:
    person = value.get("person")
    return value.get("person_ref") == ref or (isinstance(person, dict) and person.get("person_ref") == ref)


def _without_bytes(record: dict[str, Any], ref: str) -> Stripped:
    """A record byte for byte: one that is no JSON and names the person loses its value, since nobody can read it."""
    try:
        raw = b64decode(record["value"])
        if ref.encode() not in raw:
            return record, ()
        told, copies = without_person(orjson.loads(raw), ref)
    except binascii.Error:
        return record, ()
    except orjson.JSONDecodeError:
        return record | {"value": None}, ("person",)
    return (record | {"value": b64encode(orjson.dumps(told)).decode()} if copies else record), copies


LETTERS = tuple(kind.name for kind in (PARKED, UNHANDLED, OTHER_SERVICES, REPLAYED))
"""Kinds of records that may hold bytes in base64, in which nothing is found by a search."""
_RECORDS = (
    update(records)
    .where(records.c.kind == bindparam("a_kind"), records.c.key == bindparam("a_key"))
    .values(body=bindparam("a_body"))
)
_EVENTS = update(events).where(events.c.seq == bindparam("a_seq")).values(value=bindparam("a_value"))
Found = tuple[dict[str, Any], Any, int]
"""The key of a row, its content without the person, and how many copies it held."""


@dataclass(frozen=True, slots=True)
class Swept:
    """How many copies were found, and the subjects whose deliveries or open dead letters name the person."""

    remembered: int
    unpublished: int
    subjects: tuple[str, ...]


async def sweep(connection: AsyncConnection, ref: str, *, dry_run: bool = False) -> Swept:
    """Take this person out of the records and the unpublished events; in a dry run only count.

    Deliveries are left as they are: deciding their subjects again replaces them or takes them back.
    """
    remembered, unpublished = await _records(connection, ref), await _events(connection, ref)
    waiting = [row.subject for row in await holding(connection, ref)]
    subjects = tuple(dict.fromkeys([*waiting, *_of_letters(remembered)]))
    if not dry_run:
        await _write(connection, remembered, unpublished)
    return Swept(sum(count for _, _, count in remembered), sum(count for _, _, count in unpublished), subjects)


async def holding(connection: AsyncConnection, ref: str) -> Sequence[Any]:
    """The waiting deliveries that name this person and hold personal data."""
    query = select(deliveries).where(deliveries.c.payload.contains(ref, autoescape=True))
    rows = (await connection.execute(query)).all()
    return [row for row in rows if without_person(orjson.loads(row.payload), ref)[1]]


async def _records(connection: AsyncConnection, ref: str) -> list[Found]:
    body = records.c.body
    bytes_inside = records.c.kind.in_(LETTERS) & body.contains('"record":{')
    query = select(records).where(or_(body.contains(ref, autoescape=True), bytes_inside))
    rows = await connection.execute(query)
    return _found(({"a_kind": row.kind, "a_key": row.key}, row.body, ref) for row in rows)


async def _events(connection: AsyncConnection, ref: str) -> list[Found]:
    named = func.instr(events.c.value, literal(ref.encode(), LargeBinary)) > 0
    query = select(events.c.seq, events.c.value).where(or_(named, events.c.topic == DeadLettered.TOPIC))
    return _found(({"a_seq": row.seq}, row.value, ref) for row in await connection.execute(query))


def _found(rows: Any) -> list[Found]:
    read = [(key, *without_person(orjson.loads(body), ref)) for key, body, ref in rows]
    return [(key, told, len(copies)) for key, told, copies in read if copies]


def _of_letters(found: Sequence[Found]) -> list[str]:
    open_ = [told for key, told, _ in found if key["a_kind"] == PARKED.name and told["state"] == "open"]
    return [told["letter"]["delivery"]["subject"] for told in open_ if told["letter"]["delivery"]]


async def _write(connection: AsyncConnection, remembered: Sequence[Found], unpublished: Sequence[Found]) -> None:
    bodies = [key | {"a_body": orjson.dumps(told).decode()} for key, told, _ in remembered]
    await execute_many(connection, _RECORDS, bodies)
    await execute_many(connection, _EVENTS, [key | {"a_value": orjson.dumps(told)} for key, told, _ in unpublished])


async def forget_due(engine: Engine) -> int:
    """Forget whom commands name that were not answered yet; gives how many commands there were.

    Not before everything known at the start has been read: the answer may be among it.
    """
    asked = [(id_, Forgetting.model_validate_json(body)) async for id_, body in read_kind(engine.database, FORGET.name)]
    for command_id, wanted in asked:
        await _forget(engine, command_id, wanted)
    if asked:
        await engine.database.truncate_log()
    return len(asked)


async def _forget(engine: Engine, command_id: str, asked: Forgetting) -> None:
    async with engine.work() as work:
        found = await sweep(work.connection, asked.person_ref, dry_run=asked.dry_run)
        if not asked.dry_run:
            for subject in found.subjects:
                work.touch(subject)
            await work.decide()
        leaving = len(await holding(work.connection, asked.person_ref))
        answer = CommandSettled(
            command_id=command_id,
            service=engine.rules.service,
            outcome="done",
            detail=_told(found, leaving, dry_run=asked.dry_run),
            figures={"copies": found.remembered + found.unpublished, "waiting": leaving},
            settled_at=work.now,
        )
        await work.announce([(answer, load_cause(asked.cause))])


def _told(found: Swept, leaving: int, *, dry_run: bool) -> str:
    count = found.remembered + found.unpublished
    if not (count or leaving):
        return "holds nothing of this person"
    verb = "would forget" if dry_run else "forgot"
    waits = f"; {leaving} deliveries that name the person still wait, and hold nothing once they are made"
    return f"{verb} {count} {'copy' if count == 1 else 'copies'} of the personal data" + (waits if leaving else "")
