"""Records that contradict what is known: their version is not newer, but they were published later or differ.

The writer of such a record had lost its own state: it ran twice, or on another database. All readers drop the record,
because its version is not newer; so its writer publishes it again under the next version and leaves a dead letter about
it. A repetition is no contradiction: its time is the known one.
"""

from __future__ import annotations

from typing import Any

from contracts.envelope import Envelope
from contracts.model import Event, Part
from contracts.operations import FailedRecord
from contracts.reasons import Reason
from contracts.registry import BY_TYPE
from services.engine.kafka.record import Record, restore_record, to_failed_record
from services.engine.outbox.dead_letters import dead_letter_id, dead_letter_of_record, make_settlement
from services.engine.outbox.decision import NOTHING, Decision
from services.engine.state.records import Kind, State
from services.engine.state.session import Slot
from services.engine.state.store import SubjectVersion

SUBJECT = "contradiction:"
"""The prefix of subjects under which a writer states a contradicting record again."""


class Contradiction(Part):
    """A record of this service that contradicts the version that was known (`held`) when it was read."""

    type: str
    data: dict[str, Any]
    version: int
    held: int
    record: FailedRecord


CONTRADICTION = Kind("contradiction", Contradiction)


def contradicts(envelope: Envelope[Event], held: SubjectVersion) -> bool:
    """Whether a record whose version is not newer is more than a repetition. A person's correction is never one."""
    if envelope.replayof is not None:
        return False
    stated_at = envelope.time.timestamp()
    return stated_at != held.stated_at if envelope.sequence == held.version else stated_at > held.stated_at


def make_contradiction(envelope: Envelope[Event], record: Record, held: SubjectVersion) -> tuple[str, Contradiction]:
    """The contradiction to store until the catch-up is done, with its key."""
    found = Contradiction(
        type=envelope.type,
        data=envelope.data.content(),
        version=envelope.sequence,
        held=held.version,
        record=to_failed_record(record),
    )
    return _key((envelope.data.TOPIC, envelope.subject)), found


def _key(slot: Slot) -> str:
    return "|".join(slot)


def parse_slot(subject: str) -> Slot | None:
    """The topic and subject that a subject of this module is about; None for any other subject."""
    if not subject.startswith(SUBJECT):
        return None
    topic, _, about = subject.removeprefix(SUBJECT).partition("|")
    return topic, about


def decide(service: str, slot: Slot, held: SubjectVersion, state: State) -> Decision:
    """Publish the record again, unless a newer version exists. Each subject has one dead letter, with a count."""
    found = state.get(CONTRADICTION, _key(slot))
    if found is None:
        return NOTHING
    state.drop(CONTRADICTION, _key(slot))
    if held.version > found.held:
        return NOTHING
    event = BY_TYPE[found.type].model_validate(found.data)
    detail = f"{found.type} of {slot[1]} in version {found.version}, and version {found.held} was known already"
    record = restore_record(found.record)
    opened = dead_letter_of_record(service, record, Reason.RECORD_CONTRADICTION, detail, state.now).model_copy(
        update={"dead_letter": dead_letter_id(service, SUBJECT + _key(slot))}
    )
    closed = make_settlement(opened, "overtaken", service, "it was published again under a newer version", state.now)
    return Decision(announce=(event, opened, closed))
