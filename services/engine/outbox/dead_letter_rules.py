"""What dead letters and the commands about them mean at the service that failed.

These rules are part of every service's handlers: dead letters and commands are read from the topics like everything
else, so they survive the loss of the state database, and a command is carried out once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Literal

from contracts.envelope import Envelope
from contracts.model import Event, Part
from contracts.operations import (
    CommandSettled,
    DeadLettered,
    DeadLetterSettled,
    DiscardRequested,
    EditRequested,
    ReplayRequested,
)
from contracts.reasons import Reason
from services.engine.outbox import command_results
from services.engine.outbox.dead_letters import (
    AWAITED_THINGS,
    OTHER_SERVICES,
    PARKED,
    REPLAYED,
    UNHANDLED,
    AwaitedThing,
    Parked,
    make_settlement,
)
from services.engine.outbox.decision import NOTHING, Decision
from services.engine.outbox.edits import EDIT, is_editable, make_edit
from services.engine.outbox.handlers import Remember
from services.engine.state.records import Kind, State

COMMAND_SUBJECT = "command:"
DEAD_LETTER_SUBJECT = "dead-letter:"
"""Subjects with one of these prefixes are decided here and never by a service."""
KEPT_QUIET = ("discarded", "edited")
"""A delivery whose dead letter was closed in one of these ways is not made again while it stays the same."""
Asked = ReplayRequested | DiscardRequested | EditRequested


class PendingCommand(Part):
    """A replay, edit or discard that was requested and is not settled here yet."""

    dead_letter: str
    action: Literal["replayed", "edited", "discarded"]
    by: str
    why: str = ""
    replacement: str = ""


COMMAND = Kind("command", PendingCommand)


def dead_letter_rules(service: str) -> Mapping[type[Event], Remember]:
    """The rules of this service."""
    return {
        DeadLettered: partial(_on_dead_lettered, service),
        DeadLetterSettled: partial(_on_settled, service),
        ReplayRequested: _on_command,
        DiscardRequested: _on_command,
        EditRequested: _on_command,
        CommandSettled: partial(_on_command_settled, service),
    }


def _on_dead_lettered(service: str, envelope: Envelope[DeadLettered], state: State) -> None:
    dead_letter = envelope.data
    if dead_letter.service != service:
        if dead_letter.record and dead_letter.reason != Reason.RECORD_RULE_FAILED:
            state.put(OTHER_SERVICES, dead_letter.dead_letter, dead_letter)
        return
    state.put(PARKED, dead_letter.dead_letter, Parked(event=dead_letter), ref=_subject(dead_letter))
    state.drop(UNHANDLED, dead_letter.dead_letter)
    if dead_letter.delivery and dead_letter.delivery.blocked_on:
        awaited = AwaitedThing(subject=dead_letter.delivery.subject)
        state.put(AWAITED_THINGS, dead_letter.dead_letter, awaited, ref=dead_letter.delivery.blocked_on)


def _subject(dead_letter: DeadLettered) -> str:
    return dead_letter.delivery.subject if dead_letter.delivery else ""


def _on_settled(service: str, envelope: Envelope[DeadLetterSettled], state: State) -> None:
    event = envelope.data
    if event.service != service:
        _on_settled_elsewhere(event, state)
        return
    parked = state.get(PARKED, event.dead_letter)
    if parked is None:
        return
    subject, replacement = _subject(parked.event), event.replacement or ""
    closed = Parked(event=parked.event, state=event.how, replacement=replacement)
    state.put(PARKED, event.dead_letter, closed, ref=subject if event.how in KEPT_QUIET else "")
    state.drop(AWAITED_THINGS, event.dead_letter)
    if subject and event.how in ("replayed", "edited"):
        state.touch(subject)


def _on_settled_elsewhere(event: DeadLetterSettled, state: State) -> None:
    """A replayed record is read again here too: this release may be able to read it."""
    dead_letter = state.get(OTHER_SERVICES, event.dead_letter)
    if dead_letter is None:
        return
    state.drop(OTHER_SERVICES, event.dead_letter)
    if event.how == "replayed":
        state.put(REPLAYED, event.dead_letter, dead_letter)
        state.touch(DEAD_LETTER_SUBJECT + event.dead_letter)


def _on_command(envelope: Envelope[Asked], state: State) -> None:
    command = envelope.data
    if isinstance(command, EditRequested) and command.payload:
        state.put(EDIT, command.replacement, make_edit(command))
    state.put(COMMAND, command.command_id, _pending(command))
    state.touch(COMMAND_SUBJECT + command.command_id)


def _pending(command: Asked) -> PendingCommand:
    asked = {"dead_letter": command.dead_letter, "by": command.asked_by}
    match command:
        case DiscardRequested():
            return PendingCommand(**asked, action="discarded", why=command.why)
        case EditRequested():
            return PendingCommand(**asked, action="edited", why=command.why, replacement=command.replacement)
        case _:
            return PendingCommand(**asked, action="replayed")


def _on_command_settled(service: str, envelope: Envelope[CommandSettled], state: State) -> None:
    if envelope.data.service == service:
        state.drop(COMMAND, envelope.data.command_id)


def with_replay_count(dead_letter: DeadLettered, state: State) -> Sequence[Event]:
    """The dead letter as it is published, with its history: one whose cause comes and goes stays one, with a count."""
    known = state.get(PARKED, dead_letter.dead_letter)
    if known is not None and known.event.reason != dead_letter.reason:
        known = None
    edit = state.get(EDIT, dead_letter.delivery.delivery_id) if dead_letter.delivery else None
    changes = {
        "replays": known.event.replays + 1 if known and known.state == "replayed" else 0,
        "returns": known.event.returns + (known.state == "overtaken") if known else 0,
        "replayof": edit.dead_letter if edit else None,
    }
    return (dead_letter.model_copy(update=changes),)


def decide_engine_subject(service: str, subject: str, state: State) -> Decision | None:
    """The decision about a command or an unhandled record; None for a subject of the service itself."""
    if subject.startswith(COMMAND_SUBJECT):
        return decide_command(service, subject.removeprefix(COMMAND_SUBJECT), state)
    if subject.startswith(DEAD_LETTER_SUBJECT):
        return _decide_dead_letter(subject.removeprefix(DEAD_LETTER_SUBJECT), state)
    if subject.startswith(command_results.SUBJECT):
        return command_results.decide_waiting(service, subject, state)
    return None


def _decide_dead_letter(id_: str, state: State) -> Decision:
    dead_letter, replayed = state.get(UNHANDLED, id_), state.get(REPLAYED, id_)
    if replayed and replayed.record:
        return Decision(retry=(replayed.record,))
    return NOTHING if dead_letter is None or state.get(PARKED, id_) else Decision(announce=(dead_letter,))


def decide_command(service: str, command_id: str, state: State) -> Decision:
    """Carry out a command about a dead letter of this service; ignore one about another service's."""
    command = state.get(COMMAND, command_id)
    parked = state.get(PARKED, command.dead_letter) if command else None
    if command is None or parked is None:
        return NOTHING
    answer = CommandSettled(
        command_id=command_id,
        service=service,
        outcome="done",
        detail=f"{command.action}: {parked.event.about}",
        settled_at=state.now,
    )
    if objection := _objection(command, parked):
        return Decision(
            announce=(
                answer.model_copy(
                    update={"outcome": "refused", "detail": objection, "already_closed": parked.state != "open"}
                ),
            )
        )
    return _execute(command, parked, answer)


def _objection(command: PendingCommand, parked: Parked) -> str:
    dead_letter = parked.event
    if parked.state != "open":
        return f"dead letter {command.dead_letter} was already {parked.state}"
    if command.action == "edited" and not is_editable(dead_letter):
        fix = f"fix what {dead_letter.reason} names, then replay"
        return f"{dead_letter.about}: nothing was sent that could be edited; {fix}"
    return ""


def _execute(command: PendingCommand, parked: Parked, answer: CommandSettled) -> Decision:
    dead_letter, replacement = parked.event, command.replacement or None
    closed = make_settlement(dead_letter, command.action, command.by, command.why, answer.settled_at, replacement)
    closed = closed.model_copy(update={"command": answer.command_id})
    retry = (dead_letter.record,) if dead_letter.record and command.action == "replayed" else ()
    return Decision(announce=(closed, answer), retry=retry)
