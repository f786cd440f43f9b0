"""What follows from a person's command about a dead letter, and from a record that cannot be handled."""

from __future__ import annotations

from contracts.operations import CommandSettled
from services.engine.outbox.dead_letters import PARKED, REPLAYED, UNHANDLED, Parked, settlement
from services.engine.outbox.decision import NOTHING, Decision
from services.engine.outbox.edits import editable
from services.engine.outbox.letter_rules import COMMAND, COMMAND_SUBJECT, LETTER_SUBJECT, PendingCommand
from services.engine.state.records import State


def decide_own(service: str, subject: str, state: State) -> Decision | None:
    """What follows for a command or an unhandled record; None for a subject of the service's own."""
    if subject.startswith(COMMAND_SUBJECT):
        return decide_command(service, subject.removeprefix(COMMAND_SUBJECT), state)
    if subject.startswith(LETTER_SUBJECT):
        return _decide_letter(subject.removeprefix(LETTER_SUBJECT), state)
    return None


def _decide_letter(id_: str, state: State) -> Decision:
    letter, replayed = state.get(UNHANDLED, id_), state.get(REPLAYED, id_)
    if replayed and replayed.record:
        return Decision(retry=(replayed.record,))
    return NOTHING if letter is None or state.get(PARKED, id_) else Decision(announce=(letter,))


def decide_command(service: str, command_id: str, state: State) -> Decision:
    """Carry a command out, if the letter is this service's; else leave it to the one it belongs to."""
    command = state.get(COMMAND, command_id)
    parked = state.get(PARKED, command.dead_letter) if command else None
    if command is None or parked is None:
        return NOTHING
    answer = CommandSettled(
        command_id=command_id,
        service=service,
        outcome="done",
        detail=f"{command.action}: {parked.letter.about}",
        settled_at=state.now,
    )
    if objection := _objection(command, parked):
        return Decision(announce=(answer.model_copy(update={"outcome": "refused", "detail": objection}),))
    return _carried_out(command, parked, answer)


def _objection(command: PendingCommand, parked: Parked) -> str:
    letter = parked.letter
    if parked.state != "open":
        return f"dead letter {command.dead_letter} was already {parked.state}"
    if command.action == "edited" and not editable(letter):
        return f"{letter.about}: nothing was sent that could be edited; mend what {letter.reason} names, then replay"
    return ""


def _carried_out(command: PendingCommand, parked: Parked, answer: CommandSettled) -> Decision:
    letter, replacement = parked.letter, command.replacement or None
    closed = settlement(letter, command.action, command.by, command.why, answer.settled_at, replacement)
    retry = (letter.record,) if letter.record and command.action == "replayed" else ()
    return Decision(announce=(closed, answer), retry=retry)
