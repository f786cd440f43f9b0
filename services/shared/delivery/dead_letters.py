"""Dead letters at the service that failed: they are parked until a person replays or discards them.

The rules here are part of every service's handlers: parked letters and commands are remembered from the topics like
everything else, so they survive the loss of the state database, and a command is carried out once.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal
from uuid import uuid5

from contracts.envelope import NAMESPACE, Envelope
from contracts.model import Event, Part
from contracts.operations import (
    CommandSettled,
    DeadLettered,
    DeadLetterSettled,
    DiscardRequested,
    FailedDelivery,
    ReplayRequested,
)
from contracts.reasons import Reason
from services.shared.delivery.decision import NOTHING, Decision, Delivery
from services.shared.delivery.handlers import Remember
from services.shared.delivery.record import Record, failed
from services.shared.delivery.row import Row
from services.shared.state.records import Kind, State

COMMAND_SUBJECT = "command:"
LETTER_SUBJECT = "letter:"
"""Subjects with these starts are commands and unhandled records, decided in this module and never by a service."""


PERSON = "person"
"""The part of a payload that holds personal data; in a dead letter too it stands apart."""


class Parked(Part):
    """A dead letter of this service; one that is closed is kept too, so that a late command about it is answered."""

    letter: DeadLettered
    state: Literal["open", "discarded", "replayed", "overtaken"] = "open"


class PendingCommand(Part):
    """A replay or a discard that was asked for and not settled here yet."""

    dead_letter: str
    action: Literal["replayed", "discarded"]
    by: str
    why: str = ""


PARKED = Kind("parked", Parked)
COMMAND = Kind("command", PendingCommand)
UNHANDLED = Kind("unhandled", DeadLettered)
"""Letters about records that are not opened yet: after a rebuild they may turn out to be known."""


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
        record=failed(record),
        digest=reason,
        at=now,
    )


def delivery_letter(
    service: str, subject: str, delivery: Delivery | Row, reason: Reason | str, detail: str, digest: str, now: datetime
) -> DeadLettered:
    """The dead letter of a delivery that was refused, with its payload and attempts."""
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
            payload={name: part for name, part in delivery.payload.items() if name != PERSON},
            attempts=delivery.attempts if isinstance(delivery, Row) else (),
        ),
        person_ref=delivery.payload.get("person_ref"),
        person=delivery.payload.get(PERSON),
        digest=digest,
        at=now,
    )


def rules(service: str) -> Mapping[type[Event], Remember]:
    """What dead letters and the commands about them mean at this service."""

    def lettered(envelope: Envelope[DeadLettered], state: State) -> None:
        letter = envelope.data
        if letter.service == service:
            ref = letter.delivery.subject if letter.delivery else ""
            state.put(PARKED, letter.dead_letter, Parked(letter=letter), ref=ref)
            state.drop(UNHANDLED, letter.dead_letter)

    def settled(envelope: Envelope[DeadLetterSettled], state: State) -> None:
        event = envelope.data
        if event.service == service and (parked := state.get(PARKED, event.dead_letter)):
            _settle(event, parked, state)

    def asked(envelope: Envelope[ReplayRequested] | Envelope[DiscardRequested], state: State) -> None:
        state.put(COMMAND, envelope.data.command_id, _pending(envelope.data))
        state.touch(COMMAND_SUBJECT + envelope.data.command_id)

    def answered(envelope: Envelope[CommandSettled], state: State) -> None:
        if envelope.data.service == service:
            state.drop(COMMAND, envelope.data.command_id)

    return {
        DeadLettered: lettered,
        DeadLetterSettled: settled,
        ReplayRequested: asked,
        DiscardRequested: asked,
        CommandSettled: answered,
    }


def _settle(event: DeadLetterSettled, parked: Parked, state: State) -> None:
    subject = parked.letter.delivery.subject if parked.letter.delivery else ""
    ref = subject if event.how == "discarded" else ""
    state.put(PARKED, event.dead_letter, Parked(letter=parked.letter, state=event.how), ref=ref)
    if subject and event.how == "replayed":
        state.touch(subject)


def _pending(command: ReplayRequested | DiscardRequested) -> PendingCommand:
    if isinstance(command, DiscardRequested):
        return PendingCommand(dead_letter=command.dead_letter, action="discarded", by=command.asked_by, why=command.why)
    return PendingCommand(dead_letter=command.dead_letter, action="replayed", by=command.asked_by)


def decide_own(service: str, subject: str, state: State) -> Decision | None:
    """What follows for a command or an unhandled record; None for a subject of the service's own."""
    if subject.startswith(COMMAND_SUBJECT):
        return decide_command(service, subject.removeprefix(COMMAND_SUBJECT), state)
    if subject.startswith(LETTER_SUBJECT):
        return _decide_letter(subject.removeprefix(LETTER_SUBJECT), state)
    return None


def _decide_letter(id_: str, state: State) -> Decision:
    letter = state.get(UNHANDLED, id_)
    return NOTHING if letter is None or state.get(PARKED, id_) else Decision(announce=(letter,))


def decide_command(service: str, command_id: str, state: State) -> Decision:
    """Carry a replay or discard out, if the letter is this service's; else leave it to the one it belongs to."""
    command = state.get(COMMAND, command_id)
    parked = state.get(PARKED, command.dead_letter) if command else None
    if command is None or parked is None:
        return NOTHING
    answer: dict[str, Any] = {"command_id": command_id, "service": service, "settled_at": state.now}
    if parked.state != "open":
        detail = f"dead letter {command.dead_letter} was already {parked.state}"
        return Decision(announce=(CommandSettled(outcome="refused", detail=detail, **answer),))
    return Decision(
        announce=(
            settlement(parked.letter, command.action, command.by, command.why, state.now),
            CommandSettled(outcome="done", detail=f"{command.action}: {parked.letter.about}", **answer),
        ),
        retry=(parked.letter.record,) if parked.letter.record and command.action == "replayed" else (),
    )


def settlement(
    letter: DeadLettered, how: Literal["replayed", "discarded", "overtaken"], by: str, why: str, now: datetime
) -> DeadLetterSettled:
    """The event that closes a dead letter."""
    return DeadLetterSettled(
        dead_letter=letter.dead_letter,
        service=letter.service,
        original_key=letter.original_key,
        how=how,
        by=by,
        why=why,
        at=now,
    )
