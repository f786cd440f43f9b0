"""A dead letter put right: what is tried instead, checked against the contract before anything is sent."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import click
import orjson
from pydantic import BaseModel, ValidationError

from contracts.envelope import Envelope, Undecodable, correction_id, decode
from contracts.model import Event
from contracts.operations import EditRequested
from contracts.validation import problem
from services.catalog_importer.product import PLAN, WRITE, ProductPayload
from services.cli import requests
from services.cli.command import InvalidArgument
from services.cli.dead_letter_log import DeadLetter
from services.cli.dead_letters.edit_check import EditContext, EditVerdict, align_fields, check_delivery, check_record
from services.cli.dead_letters.pointers import find_differences, set_value
from services.cli.dead_letters.records import decode_record
from services.engine.outbox.dead_letters import PERSON
from services.engine.outbox.edits import full_payload, is_editable
from services.order_exporter.sales_orders import SALES_ORDER
from services.order_exporter.tasks import ClientTask, ContactTask, ReceiptTask, SalesOrderTask, SaleTask
from services.order_notifier.tasks import NoteTask, StatusTask
from services.refund_exporter.tasks import CreditNoteTask
from services.stock_publisher.decide import KIND as STOCK_WRITE
from services.stock_publisher.records import StockWrite
from services.store_feed.handlers import READ
from services.store_feed.order_reader import OrderReadPayload

# The models of the services' payloads: what an edited delivery must fit before it is sent.

PAYLOAD_MODELS: Mapping[str, type[BaseModel]] = {
    "sale": SaleTask,
    "client": ClientTask,
    "contacts": ContactTask,
    "credit-note": CreditNoteTask,
    "receipt": ReceiptTask,
    SALES_ORDER: SalesOrderTask,
    "note": NoteTask,
    "status": StatusTask,
    WRITE: ProductPayload,
    PLAN: ProductPayload,
    STOCK_WRITE: StockWrite,
    READ: OrderReadPayload,
}
"""By the kind of the delivery."""


def validate_payload(kind: str, payload: dict[str, Any]) -> dict[str, Any]:
    """The payload as its model understands it. Raises `WrongUse` with every fault."""
    model = PAYLOAD_MODELS.get(kind)
    if model is None:
        raise InvalidArgument(f"deliveries of the kind {kind!r} cannot be edited with this version")
    try:
        return model.model_validate(payload).model_dump(mode="json")
    except ValidationError as error:
        raise InvalidArgument(f"the payload does not fit: {'; '.join(describe_faults(error))}") from None


def describe_faults(error: ValidationError) -> list[str]:
    """Each fault with the place where it stands, without the value: it may name somebody."""
    return [f"/{'/'.join(map(str, one['loc']))} {problem(one)}" for one in error.errors()]


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


def editable_document(letter: DeadLetter) -> dict[str, Any]:
    """What a person may change. Raises `WrongUse` for a letter in which there is nothing to change."""
    told = letter.letter
    if not letter.open:
        raise InvalidArgument(f"dead letter {letter.id} is not open any more: nothing was changed")
    if not is_editable(told):
        raise InvalidArgument(
            f"{told.about} was never sent, so there is nothing to edit: fix its cause ({told.reason}), "
            f"then davtari dead-letters replay {letter.id}"
        )
    return decode_record(letter.record) if letter.record else full_payload(told)


def build_correction(
    letter: DeadLetter, changed: Any, why: str, others: Sequence[DeadLetter], known: EditContext
) -> Correction:
    """The correction that makes the letter's document this one. Raises `WrongUse` for what no service would send.

    `others` are letters of other services about the same record: the corrected event ends their trouble too. `known`
    is what an edit is checked against.
    """
    before = editable_document(letter)
    made = align_fields(before, changed)
    places = tuple(find_differences(before, made))
    if not places:
        raise InvalidArgument(f"nothing was changed; to try it as it is: davtari dead-letters replay {letter.id}")
    if not isinstance(made, dict):
        raise InvalidArgument("the document must be a JSON object")
    if letter.letter.record is None:
        return _correct_delivery(letter, made, places, why, known)
    return _correct_record(letter, made, places, why, others, known)


def _require_no_faults(verdict: EditVerdict) -> tuple[str, ...]:
    """The doubts that are left. Raises `WrongUse` with every fault."""
    if verdict.faults:
        raise InvalidArgument(f"nothing was sent: {'; '.join(verdict.faults)}")
    return tuple(verdict.doubts)


def _correct_delivery(
    letter: DeadLetter, payload: dict[str, Any], places: tuple[str, ...], why: str, known: EditContext
) -> Correction:
    told, asked = letter.letter, requests.command_header()
    assert told.delivery is not None
    modelled = validate_payload(told.delivery.kind, payload)
    doubts = _require_no_faults(check_delivery(told.delivery.kind, full_payload(told), payload, modelled, known))
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


def _correct_record(
    letter: DeadLetter,
    changed: dict[str, Any],
    places: tuple[str, ...],
    why: str,
    others: Sequence[DeadLetter],
    known: EditContext,
) -> Correction:
    event = _decode_event(letter, changed)
    doubts = _require_no_faults(check_record(editable_document(letter), changed, event.data.content(), known))
    told = {"replacement": event.id, "changed": places, "why": why}
    commands = [
        EditRequested(dead_letter=one.letter.dead_letter, **told, **requests.command_header())
        for one in (letter, *others)
    ]
    return Correction(places, tuple(commands), event, doubts)


def _decode_event(letter: DeadLetter, changed: dict[str, Any]) -> Envelope[Event]:
    """The corrected event, under a new id; its subject and version stay, so that what is newer stays newer."""
    headers, data = changed.get("headers"), changed.get("data")
    if changed.keys() != {"headers", "data"} or not isinstance(headers, dict):
        raise InvalidArgument('a record is edited as {"headers": {…}, "data": …}')
    pairs = [(name, None if text is None else str(text).encode()) for name, text in headers.items()]
    try:
        read = decode(pairs, None if data is None else orjson.dumps(data))
    except Undecodable as error:
        raise InvalidArgument(f"the record still cannot be read: {error.detail}") from None
    _check_same_subject(letter, read)
    origin = letter.letter.dead_letter
    return replace(read, id=correction_id(read.type, read.subject, read.sequence, origin), replayof=origin)


def _check_same_subject(letter: DeadLetter, read: Envelope[Event]) -> None:
    record = letter.letter.record
    if record is not None and not record.topic.endswith(read.data.TOPIC):
        raise InvalidArgument(
            f"{read.type} belongs to the topic {read.data.TOPIC}, this record came from {record.topic}"
        )
    if read.subject != read.data.subject:
        raise InvalidArgument(f"ce_subject is {read.subject!r}, by the data it must be {read.data.subject!r}")


# Where a person's changes come from: `--set`, a file, or the editor.

EDIT_USAGE = "--set /pointer=value (may be repeated) or --file corrected.json"


def read_changes(letter: DeadLetter, assignments: Sequence[str], file: Path | None) -> Any:
    """The letter's document as the person wants it. Raises `WrongUse`."""
    found: Any = editable_document(letter)
    if file is not None:
        found = _parse_json(_read_text(file), str(file))
    for assignment in assignments:
        found = set_value(found, assignment)
    return found if assignments or file else _edit_in_editor(found)


def _read_text(file: Path) -> str:
    return sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")


def _parse_json(text: str, name: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidArgument(f"{name} is no JSON: {error}") from None


def _edit_in_editor(found: Any) -> Any:
    if not (sys.stdin.isatty() or os.environ.get("VISUAL") or os.environ.get("EDITOR")):
        raise InvalidArgument(f"there is no terminal to edit on; give the changes with {EDIT_USAGE}")
    before = orjson.dumps(found, option=orjson.OPT_INDENT_2).decode() + "\n"
    return _parse_json(click.edit(before, extension=".json") or before, "what was saved")
