"""The lines of the log that tell a message's way: what was recorded, what waits, what needs a person.

They hold ids and reason codes. Details stay in dead letters and in `davtari order`: they may name a person.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Sequence

from contracts.envelope import Envelope
from contracts.model import Event
from contracts.operations import DeadLettered
from services.engine.outbox.outcome import Blocked, Outcome, Refused, Unknown
from services.engine.outbox.row import Row

log = logging.getLogger(__name__)
BOOKS = "ledger.documents"


def name_of(outcome: type[Outcome]) -> str:
    """The type of an outcome in one word: done, retry, blocked, refused or unknown."""
    return outcome.__name__.lower()


def announced(envelopes: Iterable[Envelope[Event]]) -> None:
    """Tell of events that a person looks for later: documents in the books, and dead letters."""
    for envelope in envelopes:
        match envelope.data:
            case DeadLettered() as letter:
                log.warning("dead letter opened", extra=_event(envelope) | _letter(letter))
            case data if data.TOPIC == BOOKS:
                log.info("document announced", extra=_event(envelope) | {"order": data.key})


def _event(envelope: Envelope[Event]) -> dict[str, object]:
    kind = envelope.type.split(".")[1]
    return {"event": envelope.id, "type": kind, "subject": envelope.subject, "cause": envelope.causationid}


def _letter(letter: DeadLettered) -> dict[str, object]:
    return {"dead_letter": letter.dead_letter, "about": letter.about, "reason": letter.reason}


def attempted(lane: str, rows: Sequence[Row], outcomes: Sequence[Outcome], types: Collection[type[Outcome]]) -> None:
    """Tell which deliveries of a batch did not come through; those that did only when debugging.

    `types` are the types among the outcomes: a batch that is wholly done is not looked through.
    """
    if log.isEnabledFor(logging.DEBUG):
        pairs = {row.id: name_of(type(outcome)) for row, outcome in zip(rows, outcomes, strict=False)}
        log.debug("attempted", extra={"lane": lane, "deliveries": pairs})
    if any(type_ in (Blocked, Refused, Unknown) for type_ in types):
        for row, outcome in zip(rows, outcomes, strict=False):
            if isinstance(outcome, Blocked | Refused | Unknown):
                _missed(lane, row, outcome)


def _missed(lane: str, row: Row, outcome: Blocked | Refused | Unknown) -> None:
    told = {"lane": lane, "delivery": row.id, "subject": row.subject, "outcome": name_of(type(outcome))}
    if not isinstance(outcome, Unknown):
        told["reason"] = outcome.reason
    log.log(logging.INFO if isinstance(outcome, Blocked) else logging.WARNING, "not delivered", extra=told)
