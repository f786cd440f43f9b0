"""Check an edited delivery or record: faults prevent sending it, doubts must be confirmed by a person."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from contracts.shop import OrderChanged, RefundIssued
from services.cli.command import InvalidArgument
from services.cli.dead_letter_log import DeadLetter
from services.cli.dead_letters.document_check import (
    DateCheck,
    find_documents,
    inconsistent_figures,
    invalid_fields,
    parse_day,
    unknown_document_fields,
    unknown_payload_fields,
)
from services.cli.dead_letters.pointers import find_differences, get_value
from services.cli.screen import confirm
from services.connectors.balance.client import Balance
from services.engine.client.reader import read_events
from services.engine.clock import local_day
from services.engine.outbox.upstream_errors import UpstreamError
from services.settings import Settings
from services.settings.balance import BalanceSettings

DATE_FIELDS = ("date", "Date")
REPEATED_FIELDS = {"date": "Date", "client": "Client"}
"""Fields that a payload repeats from its documents; the event after the delivery is built from them."""
CLIENT_FIELDS = frozenset(
    {"uid", "Name", "FullName", "ID", "LegalForm", "Phone", "Email", "LegalAddress", "PhysicalAddress", "ExtCode"}
)
"""The fields of a client that Davtari writes."""
REFERENCES = ("Warehouse", "Client", "Currency", "Item", "BaseDocument")
"""Fields of documents that refer to a record in Balance."""


@dataclass(frozen=True, slots=True)
class EditContext:
    """The order or refund as the shop has it, and the values of the settings that an edit is checked against."""

    today: date
    order: OrderChanged | None = None
    refund: RefundIssued | None = None
    locked_until: date | None = None
    fields: frozenset[str] = frozenset()


@dataclass(slots=True)
class EditVerdict:
    """The result of a check: `faults` prevent sending, `doubts` must be confirmed."""

    faults: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)


def align_fields(before: Any, changed: Any) -> Any:
    """Apply a changed date or client to the payload and to all of its documents. Raises `InvalidArgument`.

    The documents of several warehouses have the same date and client, so a change of one applies to all.
    """
    if not isinstance(changed, dict) or not isinstance(before, dict) or not find_documents(before):
        return changed
    aligned = deepcopy(changed)
    for name, field_ in REPEATED_FIELDS.items():
        if name in aligned:
            _align(before, aligned, name, field_)
    return aligned


def _align(before: Mapping[str, Any], changed: dict[str, Any], name: str, field_: str) -> None:
    documents, old = find_documents(changed), find_documents(before)
    new = {str(one[field_]) for at, one in documents.items() if one.get(field_) != old.get(at, {}).get(field_)}
    if changed[name] != before[name]:
        new.add(_to_document_value(name, changed[name]))
    if len(new) > 1:
        raise InvalidArgument(
            f"/{name} and {field_} of the document were changed to different values: {', '.join(sorted(new))}"
        )
    for value in new:
        changed[name] = str(parse_day(value) or value) if name == "date" else value
        for document in documents.values():
            document[field_] = value


def _to_document_value(name: str, value: Any) -> str:
    day = parse_day(str(value)) if name == "date" else None
    return f"{day}T00:00:00" if day else str(value)


def check_delivery(
    kind: str, before: Mapping[str, Any], changed: dict[str, Any], validated: Any, context: EditContext
) -> EditVerdict:
    """Check an edited payload; `validated` is its content after validation by its model."""
    unknown = _unknown_fields(before, changed, validated, context)
    verdict = EditVerdict([f"{at} is not a known field" for at in unknown])
    verdict.faults += invalid_fields(changed, before)
    if not verdict.faults and find_documents(changed):
        verdict.faults += inconsistent_figures(changed, _allowed_totals(kind, before, context))
    _check_dates(before, changed, context, verdict)
    return verdict


def _unknown_fields(
    before: Mapping[str, Any], changed: dict[str, Any], validated: Any, context: EditContext
) -> Iterator[str]:
    yield from unknown_payload_fields(changed, validated)
    old = find_documents(before)
    for at, document in find_documents(changed).items():
        yield from unknown_document_fields(document, old.get(at, {}), context.fields, at)
    person, old_person = changed.get("person"), before.get("person")
    if isinstance(person, dict) and isinstance(old_person, dict):
        yield from (f"/person/{name}" for name in person if name not in old_person and name not in CLIENT_FIELDS)


def _allowed_totals(kind: str, before: Mapping[str, Any], context: EditContext) -> list[Decimal]:
    """The totals that the document may have: the one before the edit, and the one in the shop now."""
    own = [Decimal(before["total"])] if "total" in before else []
    if kind == "credit-note":
        return [*own, *([context.refund.amount] if context.refund else ())]
    return [*own, *([context.order.total] if context.order else ())]


def check_record(
    before: Mapping[str, Any], changed: Mapping[str, Any], validated: Any, context: EditContext
) -> EditVerdict:
    """Check an edited record whose event can be decoded. Unknown fields that it had before are accepted."""
    old = set(unknown_payload_fields(before["data"], validated))
    unknown = [at for at in unknown_payload_fields(changed["data"], validated) if at not in old]
    verdict = EditVerdict([f"/data{at} is not a known field" for at in unknown])
    _check_dates(before, changed, context, verdict)
    return verdict


def _check_dates(before: Any, changed: Any, context: EditContext, verdict: EditVerdict) -> None:
    placed = local_day(context.order.created_at) if context.order else None
    dates = DateCheck(context.today, placed, context.locked_until)
    for pointer in find_differences(before, changed):
        text, old = get_value(changed, pointer), get_value(before, pointer)
        if isinstance(text, str) and (pointer.rpartition("/")[2] in DATE_FIELDS or parse_day(text)):
            dates.check(pointer, text, old if isinstance(old, str) else "")
    verdict.faults += dates.faults
    verdict.doubts += dates.doubts


async def read_edit_context(settings: Settings, dead_letter: DeadLetter, now: datetime) -> EditContext:
    """Read the order or refund of a dead letter from the topics."""
    order, refund = await _read_order_and_refund(settings, dead_letter)
    shop = settings.shops.get(dead_letter.shop or "")
    dialect, template = settings.balance.dialect, settings.balance.template
    names = {dialect.posted_field, dialect.waybill_field, *template.extra}
    if shop:
        names.add(shop.orders.clients.delivery_address_field)
    return EditContext(
        today=local_day(now),
        order=order,
        refund=refund,
        locked_until=shop.orders.locked_until if shop else None,
        fields=frozenset(name for name in names if name),
    )


async def _read_order_and_refund(
    settings: Settings, dead_letter: DeadLetter
) -> tuple[OrderChanged | None, RefundIssued | None]:
    if dead_letter.order is None:
        return None, None
    payload = dead_letter.event.delivery.payload if dead_letter.event.delivery else {}
    order: OrderChanged | None = None
    refund: RefundIssued | None = None
    async for envelope in read_events(settings, ["shop.orders", "shop.refunds"]):
        match event := envelope.data:
            case OrderChanged() if (event.shop, event.order_id) == (dead_letter.shop, dead_letter.order):
                order = event
            case RefundIssued() if (event.shop, event.order_id) == (dead_letter.shop, dead_letter.order):
                refund = event if event.refund_id == payload.get("refund_id") else refund
    return order, refund


async def check_references(settings: Settings, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Look changed references up in Balance. Returns a doubt for each one if Balance does not answer.

    Raises `InvalidArgument` for references that do not exist.
    """
    changed = list(_changed_references(before, after))
    faults = [f"{at}: {uid} is not one of balance.currencies" for at, name, uid in changed
              if name == "Currency" and uid not in settings.balance.currencies.values()]  # fmt: skip
    others = [one for one in changed if one[1] != "Currency"]
    doubts: list[str] = []
    try:
        faults += await _missing_references(settings.balance, others) if others else []
    except UpstreamError as error:
        doubts = [f"{at}: {uid} could not be looked up in Balance: {error.message}" for at, _, uid in others]
    if faults:
        raise InvalidArgument(f"Nothing was sent: {'; '.join(faults)}")
    return doubts


def _changed_references(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for pointer in find_differences(before, after) if after else ():
        name, value = pointer.rpartition("/")[2], get_value(after, pointer)
        if name in REFERENCES and isinstance(value, str):
            yield pointer, name, value


async def _missing_references(settings: BalanceSettings, changed: Sequence[tuple[str, str, str]]) -> list[str]:
    async with Balance(settings, settings.password()) as balance:
        return [
            f"{at}: Balance has no {name} {uid}"
            for at, name, uid in changed
            if not await _exists_in_balance(balance, name, uid)
        ]


async def _exists_in_balance(balance: Balance, name: str, uid: str) -> bool:
    match name:
        case "Client":
            return await balance.client(uid) is not None
        case "Item":
            return await balance.item(uid) is not None
        case "Warehouse":
            return any(uid in (one.uid, one.name) for one in (await balance.warehouses()).records)
        case _:
            return await balance.sale(uid) is not None


def confirm_doubts(doubts: Sequence[str], *, yes: bool) -> None:
    """Ask the person at the terminal to confirm doubts. Raises `InvalidArgument` unless they are confirmed."""
    if not doubts or yes:
        return
    question = f"{'; '.join(doubts)}. Continue?"
    if not (sys.stdin.isatty() and confirm(question)):
        raise InvalidArgument(f"Nothing was sent: {'; '.join(doubts)}. To confirm, add --yes")
