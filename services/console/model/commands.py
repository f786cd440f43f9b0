"""Commands of people and their results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from sqlalchemy import Column, Float, Index, String

from contracts.approvals import ApprovalGiven
from contracts.closing import DifferenceAccepted
from contracts.envelope import Envelope
from contracts.model import Event, Instant, Part
from contracts.operations import Command, CommandSettled
from contracts.registry import EVENTS
from services.console.model.command_text import describe_command
from services.console.model.message import StoredMessage
from services.console.model.rows import metadata
from services.engine.outbox.handlers import Remember
from services.engine.state.records import Kind, State
from services.engine.state.tables import record_table

CommandState = Literal["sent", "done", "refused"]
WITHOUT_ANSWER: tuple[type[Event], ...] = (ApprovalGiven, DifferenceAccepted)
"""Words of a person that no service answers: they hold as soon as they are given."""


class CommandRow(Part):
    """A command with the answers of the services; its content is in `message`, without personal data."""

    command_id: str
    type: str
    asked_by: str = ""
    asked_at: Instant
    message: StoredMessage = StoredMessage()
    answers: tuple[CommandSettled, ...] = ()
    is_word: bool = False

    @property
    def state(self) -> CommandState:
        """Refused if a service refused it, done if one has carried it out."""
        if any(answer.outcome == "refused" for answer in self.answers):
            return "refused"
        return "done" if self.answers or self.is_word else "sent"


commands = record_table(
    "commands",
    metadata,
    Column("type", String, nullable=False),
    Column("asked_by", String, nullable=False),
    Column("asked_at", Float, nullable=False),
    Column("state", String, nullable=False),
    Index("commands_by_time", "asked_at", "key"),
    Index("commands_by_person", "asked_by", "asked_at", "key"),
)
COMMANDS = Kind("command-row", CommandRow, commands)
"""By command."""


def _on_command(envelope: Envelope[Any], state: State) -> None:
    command = envelope.data
    known = state.get(COMMANDS, command.command_id)
    row = CommandRow(
        command_id=command.command_id,
        type=command.TYPE,
        asked_by=command.asked_by,
        asked_at=command.asked_at,
        message=describe_command(command),
        answers=known.answers if known else (),
        is_word=isinstance(command, WITHOUT_ANSWER),
    )
    state.put(COMMANDS, command.command_id, row)


def _on_settled(envelope: Envelope[CommandSettled], state: State) -> None:
    """An answer may be read before its command."""
    answer = envelope.data
    known = state.get(COMMANDS, answer.command_id)
    row = known or CommandRow(command_id=answer.command_id, type="", asked_at=answer.settled_at)
    others = tuple(one for one in row.answers if one.service != answer.service)
    state.put(COMMANDS, answer.command_id, row.model_copy(update={"answers": (*others, answer)}))


COMMAND_TYPES = (*[event for event in EVENTS if issubclass(event, Command)], *WITHOUT_ANSWER)
COMMAND_RULES: Mapping[type[Event], Remember] = {
    **dict.fromkeys(COMMAND_TYPES, _on_command),
    CommandSettled: _on_settled,
}
