"""Sweeping a state database: every copy of one person's data in its records, and in events not published yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import LargeBinary, bindparam, func, literal, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.operations import DeadLettered
from services.engine.outbox.dead_letters import OTHERS, PARKED, REPLAYED, UNHANDLED
from services.engine.privacy.strip import without_person
from services.engine.state.bulk import execute_many
from services.engine.state.tables import deliveries, events, records

LETTERS = tuple(kind.name for kind in (PARKED, UNHANDLED, OTHERS, REPLAYED))
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
