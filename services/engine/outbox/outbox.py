"""The outbox: deliveries waiting to be made, and events waiting to be published."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import bindparam, delete, exists, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.connect_headers import connect_headers
from contracts.envelope import Envelope, headers, value
from contracts.json_text import to_json
from contracts.ledger import Attempt
from contracts.model import Event
from contracts.operations import DeadLettered
from contracts.reasons import Reason
from services.engine.outbox.decision import Delivery
from services.engine.outbox.lane import Row
from services.engine.person_ids import personal_digest
from services.engine.state.sql import execute_many, in_names, not_in_names
from services.engine.state.tables import deliveries, events


def make_event_row(envelope: Envelope[Event]) -> dict[str, Any]:
    """The values of its row; a dead letter carries Kafka Connect's headers beside ours."""
    pairs = [(name, raw.decode()) for name, raw in headers(envelope)]
    if isinstance(envelope.data, DeadLettered):
        pairs += connect_headers(envelope.data)
    return {
        "topic": envelope.data.TOPIC,
        "key": envelope.data.key,
        "headers": orjson.dumps(pairs),
        "value": value(envelope),
    }


def make_event_rows(envelopes: Sequence[Envelope[Event]]) -> list[dict[str, Any]]:
    """The values of the rows of several events."""
    return [make_event_row(envelope) for envelope in envelopes]


PENDING, BLOCKED, HELD = "pending", "blocked", "held"
"""Held: blocked as well, but its effect has found that out, not the decision."""
D = deliveries.c


@dataclass(frozen=True, slots=True)
class WaitingRow:
    """A waiting row as it is compared with a new decision."""

    id: str
    subject: str
    digest: str
    state: str
    version: int
    unknowns: int


_WAITING = select(D.id, D.subject, D.digest, D.state, D.version, D.unknowns).where(in_names(D.subject, "subjects"))
_CAUSES = select(D.id, D.cause).where(in_names(D.id, "ids"))
_BLOCKED_ON = select(D.subject).where(in_names(D.blocked_on, "names")).distinct()


async def read_waiting(connection: AsyncConnection, subjects: Iterable[str]) -> dict[str, dict[str, WaitingRow]]:
    """The waiting rows of each subject, by id."""
    found: dict[str, dict[str, WaitingRow]] = defaultdict(dict)
    for row in await connection.execute(_WAITING, {"subjects": list(subjects)}):
        found[row.subject][row.id] = WaitingRow(*row)
    return found


async def blocked_subjects(connection: AsyncConnection, names: Collection[str]) -> list[str]:
    """The subjects with rows that are blocked on any of these names."""
    return list(await connection.scalars(_BLOCKED_ON, {"names": list(names)})) if names else []


def make_row(delivery: Delivery, subject: str, now: float, deadline: float, cause: str | None) -> dict[str, Any]:
    """A delivery as a new row."""
    blocked = delivery.blocked
    return {
        "id": delivery.id,
        "subject": subject,
        "kind": delivery.kind,
        "lane": delivery.lane,
        "key": delivery.key,
        "payload": to_json(delivery.payload).decode(),
        "digest": personal_digest(delivery.payload),
        "version": 1,
        "state": BLOCKED if blocked else PENDING,
        "due": delivery.not_before.timestamp() if delivery.not_before else now,
        "created": now,
        "blocked_on": blocked.on if blocked else None,
        "blocked_reason": blocked.reason if blocked else None,
        "blocked_detail": blocked.detail if blocked else None,
        "deadline": now + deadline if blocked else None,
        "unknowns": 0,
        "attempts": "[]",
        "cause": cause,
    }


_REPLACED = ("payload", "digest", "state", "due", "blocked_on", "blocked_reason", "blocked_detail", "cause")
_REPLACE = (
    update(deliveries)
    .where(D.id == bindparam("a_id"))
    .values(
        version=D.version + 1,
        deadline=func.coalesce(D.deadline, bindparam("a_deadline")),
        **{name: bindparam(f"a_{name}") for name in _REPLACED},
    )
)


_ADD = insert(deliveries).inline()
_TAKE_BACK = delete(deliveries).where(D.id == bindparam("a_id"))
_SETTLE = _TAKE_BACK.where(D.version == bindparam("a_version"))
_POSTPONE = (
    update(deliveries)
    .where(D.id == bindparam("a_id"))
    .values(due=bindparam("a_due"), attempts=bindparam("a_attempts"), unknowns=D.unknowns + 1)
)
_BLOCKED = ("blocked_on", "blocked_reason", "blocked_detail", "attempts")
_BLOCK = (
    update(deliveries)
    .where(D.id == bindparam("a_id"), D.version == bindparam("a_version"))
    .values(
        state=HELD,
        deadline=func.coalesce(D.deadline, bindparam("a_deadline")),
        **{name: bindparam(f"a_{name}") for name in _BLOCKED},
    )
)
_PUBLISH_LATER = insert(events).inline()
_UNPUBLISHED = select(events.c.seq, events.c.topic, events.c.headers)
_DROP_EVENT = delete(events).where(events.c.seq == bindparam("a_seq"))


async def add_rows(connection: AsyncConnection, rows: Sequence[dict[str, Any]]) -> None:
    """Put new rows at the end of their lanes."""
    await execute_many(connection, _ADD, rows)


async def replace_rows(connection: AsyncConnection, rows: Sequence[dict[str, Any]]) -> None:
    """Give waiting rows a newer payload or state; they keep their place, and count one version up."""
    await execute_many(connection, _REPLACE, [{f"a_{name}": value for name, value in row.items()} for row in rows])


async def delete_rows(connection: AsyncConnection, ids: Sequence[str]) -> None:
    """Remove rows that are not wanted any more."""
    await execute_many(connection, _TAKE_BACK, [{"a_id": id_} for id_ in ids])


async def delete_settled(connection: AsyncConnection, rows: Sequence[Row]) -> None:
    """Remove rows whose delivery is settled, unless they were replaced meanwhile: then the newer version waits."""
    await execute_many(connection, _SETTLE, [{"a_id": row.id, "a_version": row.version} for row in rows])


async def postpone_rows(connection: AsyncConnection, changes: Sequence[dict[str, Any]]) -> None:
    """After an unknown outcome: note the attempt and when the next one, which reads first, is due."""
    await execute_many(connection, _POSTPONE, changes)


async def block_rows(connection: AsyncConnection, changes: Sequence[dict[str, Any]]) -> None:
    """Have rows wait for a named thing, unless they were replaced meanwhile: the newer version may go."""
    await execute_many(connection, _BLOCK, changes)


_earlier = deliveries.alias("earlier")
_HEADS = select(deliveries).where(
    D.lane == bindparam("lane"),
    D.state == PENDING,
    ~exists().where(_earlier.c.lane == D.lane, _earlier.c.key == D.key, _earlier.c.seq < D.seq),
    not_in_names(D.id, "skip"),
)
_DUE = _HEADS.where(D.due <= bindparam("now")).order_by(D.seq).limit(bindparam("limit"))
_DECIDED_AT = select(func.max(D.due)).where(in_names(D.id, "ids"))
_CURRENT = select(deliveries).where(in_names(D.id, "ids"), D.state == PENDING)
_NEXT_DUE = _HEADS.with_only_columns(func.min(D.due))


async def select_due(
    connection: AsyncConnection, lane: str, now: float, limit: int, skip: Collection[str]
) -> list[Row]:
    """The next rows of a lane that may leave: only the first of each key, and it is neither blocked nor early."""
    wanted = {"lane": lane, "now": now, "limit": limit, "skip": list(skip)}
    return [_row(found) for found in await connection.execute(_DUE, wanted)]


async def last_due_at(connection: AsyncConnection, ids: Iterable[str]) -> float | None:
    """The due time of the last of these rows, as a timestamp; None if none of them waits."""
    found: float | None = await connection.scalar(_DECIDED_AT, {"ids": list(ids)})
    return found


async def select_current(connection: AsyncConnection, ids: Iterable[str]) -> dict[str, Row]:
    """Those of these rows that wait and are not blocked, in their current version."""
    found = await connection.execute(_CURRENT, {"ids": list(ids)})
    return {row.id: _row(row) for row in found}


async def next_due_at(connection: AsyncConnection, lane: str, skip: Collection[str]) -> float | None:
    """When the next row of a lane may leave at the earliest, as a timestamp; what waits behind another cannot."""
    found: float | None = await connection.scalar(_NEXT_DUE, {"lane": lane, "skip": list(skip)})
    return found


async def first_deadline(connection: AsyncConnection) -> float | None:
    """When the first blocked row passes its deadline, as a timestamp."""
    query = select(func.min(D.deadline)).where(D.state.in_((BLOCKED, HELD)))
    found: float | None = await connection.scalar(query)
    return found


async def select_overdue(connection: AsyncConnection, now: float) -> list[tuple[Row, Reason, str]]:
    """Blocked rows past their deadline, each with its reason code and detail."""
    query = select(deliveries).where(D.state.in_((BLOCKED, HELD)), D.deadline < now).limit(500)
    return [
        (_row(found), Reason(found.blocked_reason), found.blocked_detail) for found in await connection.execute(query)
    ]


async def read_causes(connection: AsyncConnection, ids: Iterable[str]) -> dict[str, str | None]:
    """The kept cause of each row."""
    wanted = list(ids)
    found = await connection.execute(_CAUSES, {"ids": wanted}) if wanted else ()
    return {row.id: row.cause for row in found}


def _row(found: Any) -> Row:
    return Row(
        id=found.id,
        kind=found.kind,
        lane=found.lane,
        key=found.key,
        subject=found.subject,
        payload=orjson.loads(found.payload),
        attempts=tuple(Attempt.model_validate(attempt) for attempt in orjson.loads(found.attempts)),
        version=found.version,
        blocked_on=found.blocked_on if found.state == BLOCKED else None,
    )


async def add_events(connection: AsyncConnection, rows: Sequence[dict[str, Any]]) -> None:
    """Put events into the outbox, in order."""
    await execute_many(connection, _PUBLISH_LATER, rows)


async def delete_published(connection: AsyncConnection, stated: Iterable[Envelope[Event]]) -> None:
    """Remove events that the log holds already, or something newer of their subject.

    An older copy of a state database may still hold them. Sent again, behind newer ones, they would be what compaction
    leaves of their key.
    """
    waiting = (await connection.execute(_UNPUBLISHED)).all()
    if not waiting:
        return
    newest: dict[tuple[str, str], int] = {}
    for envelope in stated:
        slot = envelope.data.TOPIC, envelope.subject
        newest[slot] = max(envelope.sequence, newest.get(slot, 0))
    old = [{"a_seq": row.seq} for row in waiting if _version_of(row) <= newest.get(_slot_of(row), 0)]
    await execute_many(connection, _DROP_EVENT, old)


def _slot_of(row: Any) -> tuple[str, str]:
    return row.topic, dict(orjson.loads(row.headers))["ce_subject"]


def _version_of(row: Any) -> int:
    return int(dict(orjson.loads(row.headers))["ce_sequence"])
