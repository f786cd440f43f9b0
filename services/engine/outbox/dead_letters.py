"""Dead letters at the service that failed: how they are made, parked and closed.

What is remembered of them stands in `letter_rules.py`, what follows from a person's command in `letter_commands.py`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import uuid5

from contracts.envelope import NAMESPACE
from contracts.model import Part
from contracts.operations import DeadLettered, DeadLetterSettled, FailedDelivery
from contracts.reasons import Reason
from services.engine.kafka.record import Record, to_failed_record
from services.engine.outbox.decision import Delivery
from services.engine.outbox.row import Row
from services.engine.state.records import Kind

How = Literal["replayed", "edited", "discarded", "overtaken"]
PERSON = "person"
"""The part of a payload that holds personal data; in a dead letter too it stands apart."""


class Parked(Part):
    """A dead letter of this service; one that is closed is kept too, so that a late command about it is answered.

    `replacement` is the id of what is tried instead of an edited one.
    """

    letter: DeadLettered
    state: Literal["open"] | How = "open"
    replacement: str = ""


class Awaited(Part):
    """The subject of an open letter whose delivery waited in vain for a named thing: it goes when the thing appears."""

    subject: str


PARKED = Kind("parked", Parked)
AWAITED = Kind("awaited", Awaited)
"""By letter; the reference is the name of the thing."""
UNHANDLED = Kind("unhandled", DeadLettered)
"""Letters about records that are not opened yet: after a rebuild they may turn out to be known."""
OTHERS = Kind("others-letter", DeadLettered)
"""Another service's letters about records that no service can read: a replay concerns all that read the topic."""
REPLAYED = Kind("others-replayed", DeadLettered)
"""The same once a person has had the record replayed."""


def letter_id(service: str, what: str) -> str:
    """The id of a dead letter: the same failure of the same thing is the same letter."""
    return str(uuid5(NAMESPACE, f"dead-letter|{service}|{what}"))


def record_letter(service: str, record: Record, reason: str, detail: str, now: datetime) -> DeadLettered:
    """The dead letter of a record that cannot be handled, with its bytes."""
    where = f"{record.topic}/{record.partition}/{record.offset}"
    key = (record.key or b"").decode(errors="replace")
    return DeadLettered(
        dead_letter=letter_id(service, where),
        service=service,
        original_key=key,
        reason=reason,
        detail=detail,
        about=f"record {where}" + (f" of {key}" if key else ""),
        record=to_failed_record(record),
        digest=reason,
        at=now,
    )


def delivery_letter(
    service: str, subject: str, delivery: Delivery | Row, reason: Reason | str, detail: str, digest: str, now: datetime
) -> DeadLettered:
    """The dead letter of a delivery that was refused, with its payload and attempts.

    A person stands apart. A payload that says nothing of one keeps that: by its digest it is known to have been sent.
    """
    return DeadLettered(
        dead_letter=letter_id(service, delivery.id),
        service=service,
        original_key=delivery.key,
        reason=str(reason),
        detail=detail,
        about=delivery.id,
        delivery=FailedDelivery(
            delivery_id=delivery.id,
            subject=subject,
            kind=delivery.kind,
            lane=delivery.lane,
            payload={name: part for name, part in delivery.payload.items() if name != PERSON or part is None},
            attempts=delivery.attempts if isinstance(delivery, Row) else (),
            blocked_on=delivery.blocked_on if isinstance(delivery, Row) else None,
        ),
        person_ref=delivery.payload.get("person_ref"),
        person=delivery.payload.get(PERSON),
        digest=digest,
        at=now,
    )


def settlement(
    letter: DeadLettered, how: How, by: str, why: str, now: datetime, replacement: str | None = None
) -> DeadLetterSettled:
    """The event that closes a dead letter."""
    return DeadLetterSettled(
        dead_letter=letter.dead_letter,
        service=letter.service,
        original_key=letter.original_key,
        how=how,
        by=by,
        why=why,
        replacement=replacement,
        at=now,
    )
