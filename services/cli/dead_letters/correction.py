"""Read a person's changes to a dead letter, validate them, and build the commands that carry them out."""

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
from services.cli.command import InvalidArgument
from services.cli.dead_letter_log import DeadLetter
from services.cli.dead_letters.edit_check import EditContext, EditVerdict, align_fields, check_delivery, check_record
from services.cli.dead_letters.pointers import find_differences, set_value
from services.cli.dead_letters.records import decode_record
from services.cli.requests import command_header
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
"""The services' payload models, by kind of delivery."""
EDIT_USAGE = "--set /pointer=value (may be repeated) or --file corrected.json"


@dataclass(frozen=True, slots=True)
class Correction:
    """The corrected `event` of a record, and one command for every service that failed on it; or one edited delivery.

    `changed`: JSON pointers. `doubts` must be confirmed by a person first. `payload`: the edited delivery.
    """

    changed: tuple[str, ...]
    commands: tuple[EditRequested, ...]
    event: Envelope[Event] | None = None
    doubts: tuple[str, ...] = ()
    payload: dict[str, Any] = field(default_factory=dict)


def validate_payload(kind: str, payload: dict[str, Any]) -> dict[str, Any]:
    """Validate a payload with the model of its kind, and return it as JSON data. Raises `InvalidArgument`."""
    model = PAYLOAD_MODELS.get(kind)
    if model is None:
        raise InvalidArgument(f"This version of the davtari command cannot edit deliveries of kind {kind!r}")
    try:
        return model.model_validate(payload).model_dump(mode="json")
    except ValidationError as error:
        raise InvalidArgument(f"Invalid payload: {'; '.join(describe_faults(error))}") from None


def describe_faults(error: ValidationError) -> list[str]:
    """Each fault with its JSON pointer, but without the value, which may be personal data."""
    return [f"/{'/'.join(map(str, one['loc']))} {problem(one)}" for one in error.errors()]


def editable_document(dead_letter: DeadLetter) -> dict[str, Any]:
    """The record or delivery payload that a person may change. Raises `InvalidArgument` if there is none."""
    event = dead_letter.event
    if not dead_letter.open:
        raise InvalidArgument(f"Dead letter {dead_letter.id} is closed; nothing was changed")
    if not is_editable(event):
        raise InvalidArgument(
            f"{event.about} was never sent, so there is nothing to edit. Fix its cause ({event.reason}), "
            f"then run davtari dead-letters replay {dead_letter.id}"
        )
    return decode_record(dead_letter.record) if dead_letter.record else full_payload(event)


def build_correction(
    dead_letter: DeadLetter, changed: Any, why: str, others: Sequence[DeadLetter], context: EditContext
) -> Correction:
    """The correction that replaces the editable document by `changed`. Raises `InvalidArgument` if it is invalid.

    `others`: dead letters of other services for the same record; the corrected event resolves them too.
    """
    before = editable_document(dead_letter)
    document = align_fields(before, changed)
    pointers = tuple(find_differences(before, document))
    if not pointers:
        raise InvalidArgument(f"Nothing was changed. To send it as it is: davtari dead-letters replay {dead_letter.id}")
    if not isinstance(document, dict):
        raise InvalidArgument("The document must be a JSON object")
    if dead_letter.event.record is None:
        return _correct_delivery(dead_letter, document, pointers, why, context)
    return _correct_record(dead_letter, document, pointers, why, others, context)


def _require_no_faults(verdict: EditVerdict) -> tuple[str, ...]:
    """The doubts of the verdict. Raises `InvalidArgument` with all faults, if there are any."""
    if verdict.faults:
        raise InvalidArgument(f"Nothing was sent: {'; '.join(verdict.faults)}")
    return tuple(verdict.doubts)


def _correct_delivery(
    dead_letter: DeadLetter, payload: dict[str, Any], pointers: tuple[str, ...], why: str, context: EditContext
) -> Correction:
    event, header = dead_letter.event, command_header()
    assert event.delivery is not None
    validated = validate_payload(event.delivery.kind, payload)
    doubts = _require_no_faults(check_delivery(event.delivery.kind, full_payload(event), payload, validated, context))
    command = EditRequested(
        dead_letter=event.dead_letter,
        replacement=f"{event.about.partition('~')[0]}~{header['command_id'][:8]}",
        changed=pointers,
        why=why,
        payload={name: part for name, part in payload.items() if name != PERSON},
        person_ref=event.person_ref,
        person=payload.get(PERSON),
        **header,
    )
    return Correction(pointers, (command,), doubts=doubts, payload=payload)


def _correct_record(
    dead_letter: DeadLetter,
    changed: dict[str, Any],
    pointers: tuple[str, ...],
    why: str,
    others: Sequence[DeadLetter],
    context: EditContext,
) -> Correction:
    event = _decode_event(dead_letter, changed)
    doubts = _require_no_faults(check_record(editable_document(dead_letter), changed, event.data.content(), context))
    common = {"replacement": event.id, "changed": pointers, "why": why}
    commands = [
        EditRequested(dead_letter=one.event.dead_letter, **common, **command_header()) for one in (dead_letter, *others)
    ]
    return Correction(pointers, tuple(commands), event, doubts)


def _decode_event(dead_letter: DeadLetter, changed: dict[str, Any]) -> Envelope[Event]:
    """The corrected event with a new id. Its subject and version remain, so that newer events still replace it."""
    headers, data = changed.get("headers"), changed.get("data")
    if changed.keys() != {"headers", "data"} or not isinstance(headers, dict):
        raise InvalidArgument('A record must have the form {"headers": {…}, "data": …}')
    pairs = [(name, None if text is None else str(text).encode()) for name, text in headers.items()]
    try:
        envelope = decode(pairs, None if data is None else orjson.dumps(data))
    except Undecodable as error:
        raise InvalidArgument(f"The record is still invalid: {error.detail}") from None
    _check_same_subject(dead_letter, envelope)
    origin = dead_letter.event.dead_letter
    new_id = correction_id(envelope.type, envelope.subject, envelope.sequence, origin)
    return replace(envelope, id=new_id, replayof=origin)


def _check_same_subject(dead_letter: DeadLetter, envelope: Envelope[Event]) -> None:
    record = dead_letter.event.record
    if record is not None and not record.topic.endswith(envelope.data.TOPIC):
        raise InvalidArgument(
            f"{envelope.type} belongs to topic {envelope.data.TOPIC}, but this record is from {record.topic}"
        )
    if envelope.subject != envelope.data.subject:
        raise InvalidArgument(f"ce_subject is {envelope.subject!r}, but the data require {envelope.data.subject!r}")


def read_changes(dead_letter: DeadLetter, assignments: Sequence[str], file: Path | None) -> Any:
    """The document after the changes from `--file`, `--set` or the editor. Raises `InvalidArgument`."""
    document: Any = editable_document(dead_letter)
    if file is not None:
        document = _parse_json(_read_text(file), str(file))
    for assignment in assignments:
        document = set_value(document, assignment)
    return document if assignments or file else _edit_in_editor(document)


def _read_text(file: Path) -> str:
    return sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")


def _parse_json(text: str, name: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidArgument(f"{name} is not valid JSON: {error}") from None


def _edit_in_editor(document: Any) -> Any:
    if not (sys.stdin.isatty() or os.environ.get("VISUAL") or os.environ.get("EDITOR")):
        raise InvalidArgument(f"No terminal for an editor: pass the changes with {EDIT_USAGE}")
    before = orjson.dumps(document, option=orjson.OPT_INDENT_2).decode() + "\n"
    return _parse_json(click.edit(before, extension=".json") or before, "The saved document")
