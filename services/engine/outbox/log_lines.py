"""Log lines about the way of a message: what was recorded, what waits, what needs a person.

They contain ids and reason codes. Details are only in dead letters and in `davtari order`: they may name a person.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Sequence

from contracts.envelope import Envelope
from contracts.model import Event
from contracts.operations import DeadLettered
from services.engine.outbox.lane import Row
from services.engine.outbox.outcome import Blocked, Outcome, Refused, Unknown

log = logging.getLogger(__name__)
DOCUMENTS_TOPIC = "ledger.documents"


def outcome_name(outcome: type[Outcome]) -> str:
    """The type of an outcome in one word: done, retry, blocked, refused or unknown."""
    return outcome.__name__.lower()


def log_announced(envelopes: Iterable[Envelope[Event]]) -> None:
    """Log the events that a person looks for later: documents in the books, and dead letters."""
    for envelope in envelopes:
        match envelope.data:
            case DeadLettered() as dead_letter:
                log.warning("dead letter opened", extra=_event_fields(envelope) | _dead_letter_fields(dead_letter))
            case data if data.TOPIC == DOCUMENTS_TOPIC:
                log.info("document announced", extra=_event_fields(envelope) | {"order": data.key})


def _event_fields(envelope: Envelope[Event]) -> dict[str, object]:
    kind = envelope.type.split(".")[1]
    return {"event": envelope.id, "type": kind, "subject": envelope.subject, "cause": envelope.causationid}


def _dead_letter_fields(dead_letter: DeadLettered) -> dict[str, object]:
    return {"dead_letter": dead_letter.dead_letter, "about": dead_letter.about, "reason": dead_letter.reason}


def log_attempts(lane: str, rows: Sequence[Row], outcomes: Sequence[Outcome], types: Collection[type[Outcome]]) -> None:
    """Log the deliveries of a batch that did not succeed; at debug level, all of them.

    `types` are the types among the outcomes: a batch that is completely done is not searched.
    """
    if log.isEnabledFor(logging.DEBUG):
        pairs = {row.id: outcome_name(type(outcome)) for row, outcome in zip(rows, outcomes, strict=False)}
        log.debug("attempted", extra={"lane": lane, "deliveries": pairs})
    if any(type_ in (Blocked, Refused, Unknown) for type_ in types):
        for row, outcome in zip(rows, outcomes, strict=False):
            if isinstance(outcome, Blocked | Refused | Unknown):
                _log_failure(lane, row, outcome)


def _log_failure(lane: str, row: Row, outcome: Blocked | Refused | Unknown) -> None:
    extra = {"lane": lane, "delivery": row.id, "subject": row.subject, "outcome": outcome_name(type(outcome))}
    if not isinstance(outcome, Unknown):
        extra["reason"] = outcome.reason
    log.log(logging.INFO if isinstance(outcome, Blocked) else logging.WARNING, "not delivered", extra=extra)
