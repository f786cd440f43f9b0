"""A dead letter put right: what is tried instead, checked against the contract before anything is sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from contracts.envelope import Envelope, Undecodable, correction_id, decode
from contracts.model import Event
from contracts.operations import EditRequested
from services.cli import requests
from services.cli.command import InvalidArgument
from services.cli.dead_letter_log import DeadLetter
from services.cli.dead_letters.checking.edit import Known, Verdict, aligned, of_delivery, of_record
from services.cli.dead_letters.decoded import readable
from services.cli.dead_letters.payloads import validated
from services.cli.dead_letters.pointers import differences
from services.engine.outbox.dead_letters import PERSON
from services.engine.outbox.edits import editable, whole_payload


@dataclass(frozen=True, slots=True)
class Correction:
    """What is sent: for a record the corrected `event`; for every service that failed on it one of `commands`.

    `doubts` are for a person to confirm first; `payload` is the edited delivery.
    """

    changed: tuple[str, ...]
    commands: tuple[EditRequested, ...]
    event: Envelope[Event] | None = None
    doubts: tuple[str, ...] = ()
    payload: dict[str, Any] = field(default_factory=dict)


def document(letter: DeadLetter) -> dict[str, Any]:
    """What a person may change. Raises `WrongUse` for a letter in which there is nothing to change."""
    told = letter.letter
    if not letter.open:
        raise InvalidArgument(f"dead letter {letter.id} is not open any more: nothing was changed")
    if not editable(told):
        raise InvalidArgument(
            f"{told.about} was never sent, so there is nothing to edit: fix its cause ({told.reason}), "
            f"then davtari dead-letters replay {letter.id}"
        )
    return readable(letter.record) if letter.record else whole_payload(told)


def corrected(letter: DeadLetter, changed: Any, why: str, others: Sequence[DeadLetter], known: Known) -> Correction:
    """The correction that makes the letter's document this one. Raises `WrongUse` for what no service would send.

    `others` are letters of other services about the same record: the corrected event ends their trouble too. `known`
    is what an edit is checked against.
    """
    before = document(letter)
    made = aligned(before, changed)
    places = tuple(differences(before, made))
    if not places:
        raise InvalidArgument(f"nothing was changed; to try it as it is: davtari dead-letters replay {letter.id}")
    if not isinstance(made, dict):
        raise InvalidArgument("the document must be a JSON object")
    if letter.letter.record is None:
        return _delivery(letter, made, places, why, known)
    return _record(letter, made, places, why, others, known)


def _sound(verdict: Verdict) -> tuple[str, ...]:
    """The doubts that are left. Raises `WrongUse` with every fault."""
    if verdict.faults:
        raise InvalidArgument(f"nothing was sent: {'; '.join(verdict.faults)}")
    return tuple(verdict.doubts)


def _delivery(
    letter: DeadLetter, payload: dict[str, Any], places: tuple[str, ...], why: str, known: Known
) -> Correction:
    told, asked = letter.letter, requests.command_header()
    assert told.delivery is not None
    modelled = validated(told.delivery.kind, payload)
    doubts = _sound(of_delivery(told.delivery.kind, whole_payload(told), payload, modelled, known))
    command = EditRequested(
        dead_letter=told.dead_letter,
        replacement=f"{told.about.partition('~')[0]}~{asked['command_id'][:8]}",
        changed=places,
        why=why,
        payload={name: part for name, part in payload.items() if name != PERSON},
        person_ref=told.person_ref,
        person=payload.get(PERSON),
        **asked,
    )
    return Correction(places, (command,), doubts=doubts, payload=payload)


def _record(
    letter: DeadLetter,
    changed: dict[str, Any],
    places: tuple[str, ...],
    why: str,
    others: Sequence[DeadLetter],
    known: Known,
) -> Correction:
    event = _event(letter, changed)
    doubts = _sound(of_record(document(letter), changed, event.data.content(), known))
    told = {"replacement": event.id, "changed": places, "why": why}
    commands = [
        EditRequested(dead_letter=one.letter.dead_letter, **told, **requests.command_header())
        for one in (letter, *others)
    ]
    return Correction(places, tuple(commands), event, doubts)


def _event(letter: DeadLetter, changed: dict[str, Any]) -> Envelope[Event]:
    """The corrected event, under a new id; its subject and version stay, so that what is newer stays newer."""
    headers, data = changed.get("headers"), changed.get("data")
    if changed.keys() != {"headers", "data"} or not isinstance(headers, dict):
        raise InvalidArgument('a record is edited as {"headers": {…}, "data": …}')
    pairs = [(name, None if text is None else str(text).encode()) for name, text in headers.items()]
    try:
        read = decode(pairs, None if data is None else orjson.dumps(data))
    except Undecodable as error:
        raise InvalidArgument(f"the record still cannot be read: {error.detail}") from None
    _must_belong(letter, read)
    origin = letter.letter.dead_letter
    return replace(read, id=correction_id(read.type, read.subject, read.sequence, origin), replayof=origin)


def _must_belong(letter: DeadLetter, read: Envelope[Event]) -> None:
    record = letter.letter.record
    if record is not None and not record.topic.endswith(read.data.TOPIC):
        raise InvalidArgument(
            f"{read.type} belongs to the topic {read.data.TOPIC}, this record came from {record.topic}"
        )
    if read.subject != read.data.subject:
        raise InvalidArgument(f"ce_subject is {read.subject!r}, by the data it must be {read.data.subject!r}")
