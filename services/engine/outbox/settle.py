"""Writes outcomes to the database: what each kind of outcome changes, in one transaction for many rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import orjson

from contracts.ledger import Attempt
from contracts.model import Event
from services.engine.backoff import unknown_wait
from services.engine.outbox import outbox
from services.engine.outbox.dead_letters import PERSON, dead_letter_digest, dead_letter_of_delivery
from services.engine.outbox.lane import Row, load_cause
from services.engine.outbox.masking import redact_person
from services.engine.outbox.outcome import Blocked, Done, Outcome, Refused, Retry, Unknown
from services.engine.outbox.subjects import mark_again, read_scheduled
from services.engine.outbox.work import Work

Pair = tuple[Row, Outcome]
RECHECK = timedelta(seconds=60)
"""A row that its effect found blocked is checked again after this time: its thing may have appeared meanwhile."""
KEPT_ATTEMPTS = 20


async def settle(work: Work, pairs: Sequence[Pair]) -> None:
    """Write the outcomes of deliveries. `Retry` changes nothing: the lane waits, no attempt is counted."""
    work.mark_returned(row.id for row, _ in pairs)
    pairs = [(row, _without_person(row, outcome)) for row, outcome in pairs]
    done = [(row, outcome) for row, outcome in pairs if isinstance(outcome, Done)]
    refused = [(row, outcome) for row, outcome in pairs if isinstance(outcome, Refused)]
    causes = await outbox.read_causes(work.connection, [row.id for row, _ in (*done, *refused)])
    await outbox.delete_settled(work.connection, [row for row, _ in (*done, *refused)])
    events = [(event, row) for row, outcome in done for event in outcome.events]
    dead_letters = [(_dead_letter_of(work, row, outcome), row) for row, outcome in refused]
    await work.announce((event, load_cause(causes.get(row.id))) for event, row in (*events, *dead_letters))
    await _unknown(work, [(row, outcome) for row, outcome in pairs if isinstance(outcome, Unknown)])
    await _blocked(work, [(row, outcome) for row, outcome in pairs if isinstance(outcome, Blocked)])
    for _, outcome in done:
        for kind, key, record in outcome.keep:
            work.put(kind, key, record)
    for row, _ in (*done, *refused):
        work.touch(row.subject, load_cause(causes.get(row.id)))
    await _unavailable(work, [row for row, outcome in pairs if isinstance(outcome, Retry)])


def _without_person(row: Row, outcome: Outcome) -> Outcome:
    """The text of an upstream is published outside of `person`: it must not repeat personal data that was sent."""
    person = row.payload.get(PERSON)
    if not person or isinstance(outcome, Done | Retry):
        return outcome
    return replace(outcome, detail=redact_person(outcome.detail, person))


def _dead_letter_of(work: Work, row: Row, outcome: Refused) -> Event:
    service, digest = work.rules.service, dead_letter_digest(row.payload, row.blocked_on)
    return dead_letter_of_delivery(service, row.subject, row, outcome.reason, outcome.detail, digest, work.now)


async def _unavailable(work: Work, rows: Sequence[Row]) -> None:
    """Decide subjects now that were scheduled because a row became unwanted while it was in flight."""
    for subject, cause in (await read_scheduled(work.connection, [row.subject for row in rows])).items():
        work.touch(subject, load_cause(cause))


async def _unknown(work: Work, pairs: Sequence[tuple[Row, Unknown]]) -> None:
    changes = [
        {
            "a_id": row.id,
            "a_due": work.now.timestamp() + unknown_wait(len(row.attempts) + 1),
            "a_attempts": _attempts(row, outcome, work.now),
        }
        for row, outcome in pairs
    ]
    await outbox.postpone_rows(work.connection, changes)


async def _blocked(work: Work, pairs: Sequence[tuple[Row, Blocked]]) -> None:
    changes = [
        {
            "a_id": row.id,
            "a_version": row.version,
            "a_deadline": work.now.timestamp() + work.rules.blocked_deadline,
            "a_blocked_on": outcome.on,
            "a_blocked_reason": outcome.reason,
            "a_blocked_detail": outcome.detail,
            "a_attempts": _attempts(row, outcome, work.now),
        }
        for row, outcome in pairs
    ]
    await outbox.block_rows(work.connection, changes)
    await mark_again(work.connection, [row.subject for row, _ in pairs], work.now + RECHECK)


def _attempts(row: Row, outcome: Unknown | Blocked, now: datetime) -> str:
    attempt = Attempt(at=now, outcome="unknown" if isinstance(outcome, Unknown) else "blocked", detail=outcome.detail)
    attempts = (*row.attempts, attempt)[-KEPT_ATTEMPTS:]
    return orjson.dumps([attempt.model_dump(mode="json") for attempt in attempts]).decode()
