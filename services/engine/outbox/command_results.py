"""Results of commands: events that a service states because a person has asked, and that count only if one has.

Whoever can write to Kafka could otherwise close a dead letter, map a category or accept a shop in a person's name. So a
result waits until the signed command that it names is known; if that does not come, it becomes a dead letter. In a
rebuilt database results are often read before their commands, which are in another topic: they are applied directly
after the command, as when they were first stated.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from contracts.catalog import GroupRule, MappingChanged
from contracts.envelope import Undecodable
from contracts.identity import AcceptShopRequested, ShopIdentified
from contracts.json_text import digest_of
from contracts.model import Event, Instant, Part
from contracts.operations import (
    Command,
    CommandSettled,
    DeadLettered,
    DeadLetterSettled,
    DiscardRequested,
    EditRequested,
    FailedRecord,
    MappingRequested,
    ReplayRequested,
)
from contracts.reasons import Reason
from services.engine.kafka.record import Record, restore_record, to_failed_record
from services.engine.outbox.dead_letters import PARKED, dead_letter_of_record
from services.engine.outbox.decision import NOTHING, Decision
from services.engine.outbox.handlers import PendingEvent, Remember
from services.engine.state.records import Kind, State

SUBJECT = "command-result:"
"""The prefix of subjects under which a waiting result is looked at again."""
PATIENCE = timedelta(minutes=10)
"""How long a result waits for its command, which was written before it, but to another partition."""
RESULTS: frozenset[type[Event]] = frozenset({CommandSettled, DeadLetterSettled, MappingChanged, ShopIdentified})
ANY = ""
"""Where a result may follow from any command."""


class KnownCommand(Part):
    """A command that was given; `asks` is what its results must fit."""

    asks: str


class WaitingResult(Part):
    """A result whose command is not known yet. `reported`: this service makes its dead letter."""

    record: FailedRecord
    command: str
    until: Instant
    reported: bool


KNOWN_COMMAND = Kind("command-given", KnownCommand)
WAITING_RESULT = Kind("command-result", WaitingResult)
"""By the place of the record; the reference is the command."""


def follow(
    rule: Remember, pending: PendingEvent, state: State, reports: Callable[[str], bool]
) -> Sequence[Record] | None:
    """Apply an event. Returns the results that waited for it, or None if it must wait for its command itself.

    Raises `Undecodable` if it names no command, or one that asks for something else.
    """
    event, record = pending.envelope.data, pending.record
    if record is not None and not record.earlier and not _is_known(event, state):
        _wait_for_command(event, record, state, reported=reports(record.topic))
        return None
    rule(pending.envelope, state)
    return _remember_command(event, state)


class KnownCommands:
    """The commands that a reader of whole topics has seen."""

    def __init__(self) -> None:
        self._asks: dict[str, str] = {}

    def add(self, event: Event) -> None:
        """Remember a command; nothing for any other event."""
        if isinstance(event, Command):
            self._asks[event.command_id] = _asks(event)

    def allow(self, event: Event) -> bool:
        """Whether an event needs no command, or follows from one that is known."""
        if (needed := _needed_command(event)) is None:
            return True
        command, asks = needed
        return command in self._asks and asks in (ANY, self._asks[command])


def _is_known(event: Event, state: State) -> bool:
    """Whether the command that this event follows from is known, or it needs none. Raises `Undecodable`."""
    if (needed := _needed_command(event)) is None:
        return True
    command, asks = needed
    if not command:
        raise _refused(f"{event.TYPE} of {event.subject} names no command of a person")
    known = state.get(KNOWN_COMMAND, command)
    if known is not None and asks not in (ANY, known.asks):
        raise _refused(f"{event.TYPE} of {event.subject} names the command {command}, which asks for something else")
    return known is not None


def _needed_command(event: Event) -> tuple[str, str] | None:
    """The command that an event needs, and what that must ask."""
    if type(event) not in RESULTS:
        return None
    match event:
        case CommandSettled():
            return event.command_id, ANY
        case DeadLetterSettled(how="replayed" | "edited" | "discarded"):
            return event.command or "", _about_dead_letter(event.how, event.dead_letter)
        case MappingChanged():
            return event.command_id, _about_group(event.shop, event.group, event.rule)
        case ShopIdentified(how="accepted"):
            return event.command, _about_shop(event.shop)
        case _:
            return None


def _asks(command: Event) -> str:
    match command:
        case ReplayRequested():
            return _about_dead_letter("replayed", command.dead_letter)
        case EditRequested():
            return _about_dead_letter("edited", command.dead_letter)
        case DiscardRequested():
            return _about_dead_letter("discarded", command.dead_letter)
        case MappingRequested():
            return _about_group(command.shop, command.group, command.rule)
        case AcceptShopRequested():
            return _about_shop(command.shop)
        case _:
            return "something that no other event states"


def _about_dead_letter(how: str, dead_letter: str) -> str:
    return f"{how} {dead_letter}"


def _about_group(shop: str, group: str, rule: GroupRule | None) -> str:
    return f"mapping {shop} {group} {digest_of(rule.model_dump(mode='json') if rule else {})}"


def _about_shop(shop: str) -> str:
    return f"accept {shop}"


def _refused(detail: str) -> Undecodable:
    return Undecodable(Reason.COMMAND_UNKNOWN, detail)


def _wait_for_command(event: Event, record: Record, state: State, *, reported: bool) -> None:
    """Keep a result until its command is known."""
    needed = _needed_command(event)
    assert needed is not None, "only called for results"
    place = f"{record.topic}/{record.partition}/{record.offset}"
    waiting = WaitingResult(
        record=to_failed_record(record), command=needed[0], until=state.now + PATIENCE, reported=reported
    )
    state.put(WAITING_RESULT, place, waiting, ref=needed[0])
    state.touch(SUBJECT + place)


def _remember_command(event: Event, state: State) -> Sequence[Record]:
    """Remember a command, and return the results that waited for it, oldest first; nothing for any other event."""
    if not isinstance(event, Command):
        return ()
    command = event.command_id
    state.put(KNOWN_COMMAND, command, KnownCommand(asks=_asks(event)))
    waiting = state.find(WAITING_RESULT, command)
    for place in waiting:
        state.drop(WAITING_RESULT, place)
    return sorted((restore_record(one.record) for one in waiting.values()), key=_age)


def _age(record: Record) -> tuple[int, str, int, int]:
    return record.timestamp, record.topic, record.partition, record.offset


def decide_waiting(service: str, subject: str, state: State) -> Decision:
    """Make a dead letter of a result that has waited too long."""
    place = subject.removeprefix(SUBJECT)
    waiting = state.get(WAITING_RESULT, place)
    if waiting is None:
        return NOTHING
    if state.now < waiting.until:
        return Decision(again_at=waiting.until)
    state.drop(WAITING_RESULT, place)
    opened = _dead_letter(service, waiting, state.now)
    known = state.get(PARKED, opened.dead_letter)
    return Decision(announce=(opened,)) if waiting.reported and not (known and known.state == "open") else NOTHING


def _dead_letter(service: str, waiting: WaitingResult, now: datetime) -> DeadLettered:
    detail = f"names the command {waiting.command}, which nobody has given"
    return dead_letter_of_record(service, restore_record(waiting.record), Reason.COMMAND_UNKNOWN, detail, now)
