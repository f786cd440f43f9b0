"""Records that cannot be read, must not count, or on which a rule fails: each becomes a dead letter with its bytes."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from contracts.envelope import Undecodable
from contracts.reasons import Reason
from contracts.validation import plain
from services.engine.kafka.record import Record
from services.engine.outbox.dead_letter_rules import DEAD_LETTER_SUBJECT
from services.engine.outbox.dead_letters import PARKED, PERSON, UNHANDLED, dead_letter_of_record
from services.engine.outbox.handlers import PendingEvent
from services.engine.outbox.masking import redact_person

if TYPE_CHECKING:
    from services.engine.outbox.work import Work

log = logging.getLogger(__name__)


async def report(work: Work, record: Record, error: Undecodable, *, replayed: bool) -> None:
    """One service makes the dead letter of a record that no service can read; a replay concerns all of them."""
    if work.rules.reports(record.topic):
        await _open_dead_letter(work, record, error.code, error.detail, replayed=replayed)
    else:
        where = f"{record.topic}/{record.partition}/{record.offset}"
        log.warning("record skipped", extra={"about": f"record {where}", "reason": error.code})


async def report_failure(work: Work, pending: PendingEvent, error: Exception, *, replayed: bool) -> None:
    """A rule has failed on an event, or refuses it (`Undecodable`). Raises the error for an event of this service."""
    envelope, record = pending.envelope, pending.record
    if record is None:
        raise error
    if isinstance(error, Undecodable):
        await report(work, record, error, replayed=replayed)
        return
    log.error("rule failed", exc_info=error, extra={"event": envelope.id, "subject": envelope.subject})
    detail = f"{envelope.type} of {envelope.subject}: {plain(error)}"
    detail = redact_person(detail, envelope.data.content().get(PERSON))
    await _open_dead_letter(work, record, Reason.RECORD_RULE_FAILED, detail, replayed=replayed)


async def _open_dead_letter(work: Work, record: Record, reason: str, detail: str, *, replayed: bool) -> None:
    """Open a dead letter unless it is known, which is only certain after the catch-up."""
    dead_letter = dead_letter_of_record(work.rules.service, record, reason, detail, work.now)
    id_ = dead_letter.dead_letter
    if replayed:
        await work.announce([(dead_letter, None)])
    elif id_ not in await work.get_many(PARKED, [id_]):
        work.put(UNHANDLED, id_, dead_letter)
        work.touch(DEAD_LETTER_SUBJECT + id_)
