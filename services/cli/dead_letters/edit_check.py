"""An edited delivery or record against what is known: faults that nobody may send, and doubts for a person."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import typer

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
from services.connectors.balance.client import Balance
from services.engine.client.reader import read_events
from services.engine.clock import local_day
from services.engine.outbox.upstream_errors import UpstreamError
from services.settings import Settings
from services.settings.balance import BalanceSettings

DATE_FIELDS = ("date", "Date")
REPEATED_FIELDS = {"date": "Date", "client": "Client"}
"""What a payload says beside its documents: the event after the delivery is made of it."""


@dataclass(frozen=True, slots=True)
class EditContext:
    """What is known beside the letter: the order or refund as the shop says, and what the settings allow."""

    today: date
    order: OrderChanged | None = None
    refund: RefundIssued | None = None
    locked_until: date | None = None
    fields: frozenset[str] = frozenset()


@dataclass(slots=True)
class EditVerdict:
    """What cannot be sent, and what a person must confirm."""

    faults: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)


def align_fields(before: Any, changed: Any) -> Any:
    """The change, where date and client of a payload and of its documents stay the same. Raises `WrongUse`.

    Whoever changes one of them means both; the documents of several warehouses have one date and one client.
    """
    if not isinstance(changed, dict) or not isinstance(before, dict) or not find_documents(before):
        return changed
    made = deepcopy(changed)
    for name, field_ in REPEATED_FIELDS.items():
        if name in made:
            _align(before, made, name, field_)
    return made


def _align(before: Mapping[str, Any], made: dict[str, Any], name: str, field_: str) -> None:
    documents = find_documents(made)
    had = find_documents(before)
    new = {str(one[field_]) for at, one in documents.items() if one.get(field_) != had.get(at, {}).get(field_)}
    if made[name] != before[name]:
        new.add(_as_document(name, made[name]))
    if len(new) > 1:
        raise InvalidArgument(
            f"/{name} and {field_} of the document are changed to {' and '.join(sorted(new))}: which one?"
        )
    for value in new:
        made[name] = str(parse_day(value) or value) if name == "date" else value
        for document in documents.values():
            document[field_] = value


def _as_document(name: str, value: Any) -> str:
    day = parse_day(str(value)) if name == "date" else None
    return f"{day}T00:00:00" if day else str(value)


def check_delivery(
    kind: str, before: Mapping[str, Any], made: dict[str, Any], modelled: Any, known: EditContext
) -> EditVerdict:
    """The verdict on an edited payload that fits its model; `modelled` is what the model made of it."""
    verdict = EditVerdict([f"{at} is not a known field" for at in _unknown_fields(before, made, modelled, known)])
    verdict.faults += invalid_fields(made, before)
    if not verdict.faults and find_documents(made):
        verdict.faults += inconsistent_figures(made, _allowed_totals(kind, before, known))
    _check_dates(before, made, known, verdict)
    return verdict


def _unknown_fields(
    before: Mapping[str, Any], made: dict[str, Any], modelled: Any, known: EditContext
) -> Iterator[str]:
    yield from unknown_payload_fields(made, modelled)
    had = find_documents(before)
    for at, document in find_documents(made).items():
        yield from unknown_document_fields(document, had.get(at, {}), known.fields, at)
    person, knew = made.get("person"), before.get("person")
    if isinstance(person, dict) and isinstance(knew, dict):
        yield from (f"/person/{name}" for name in person if name not in knew and name not in CLIENT_FIELDS)


CLIENT_FIELDS = frozenset(
    {"uid", "Name", "FullName", "ID", "LegalForm", "Phone", "Email", "LegalAddress", "PhysicalAddress", "ExtCode"}
)
"""The fields of a client of ours."""


def _allowed_totals(kind: str, before: Mapping[str, Any], known: EditContext) -> list[Decimal]:
    """What the document may come to: what was refused, or what the shop says now."""
    own = [Decimal(before["total"])] if "total" in before else []
    if kind == "credit-note":
        return [*own, *([known.refund.amount] if known.refund else ())]
    return [*own, *([known.order.total] if known.order else ())]


def check_record(before: Mapping[str, Any], made: Mapping[str, Any], modelled: Any, known: EditContext) -> EditVerdict:
    """The verdict on an edited record whose event can be read; what it did not know before may stay."""
    old = set(unknown_payload_fields(before["data"], modelled))
    unknown = [at for at in unknown_payload_fields(made["data"], modelled) if at not in old]
    verdict = EditVerdict([f"/data{at} is not a known field" for at in unknown])
    _check_dates(before, made, known, verdict)
    return verdict


def _check_dates(before: Any, made: Any, known: EditContext, verdict: EditVerdict) -> None:
    placed = local_day(known.order.created_at) if known.order else None
    dates = DateCheck(known.today, placed, known.locked_until)
    for pointer in find_differences(before, made):
        text, was = get_value(made, pointer), get_value(before, pointer)
        if isinstance(text, str) and (pointer.rpartition("/")[2] in DATE_FIELDS or parse_day(text)):
            dates.judge(pointer, text, was if isinstance(was, str) else "")
    verdict.faults += dates.faults
    verdict.doubts += dates.doubts


# What an edit is checked against: the topics, the settings, and Balance for the references that it changes.

REFERENCES = ("Warehouse", "Client", "Currency", "Item", "BaseDocument")
"""Fields of documents that name something in Balance."""


async def read_edit_context(settings: Settings, letter: DeadLetter, now: datetime) -> EditContext:
    """What is known of the order, or refund, that a letter is about."""
    order, refund = await _read_order_and_refund(settings, letter)
    shop = settings.shops.get(letter.shop or "")
    dialect, template = settings.balance.dialect, settings.balance.template
    more = {dialect.posted_field, dialect.waybill_field, *template.extra}
    if shop:
        more.add(shop.orders.clients.delivery_address_field)
    return EditContext(
        today=local_day(now),
        order=order,
        refund=refund,
        locked_until=shop.orders.locked_until if shop else None,
        fields=frozenset(name for name in more if name),
    )


async def _read_order_and_refund(
    settings: Settings, letter: DeadLetter
) -> tuple[OrderChanged | None, RefundIssued | None]:
    if letter.order is None:
        return None, None
    payload = letter.letter.delivery.payload if letter.letter.delivery else {}
    order: OrderChanged | None = None
    refund: RefundIssued | None = None
    async for envelope in read_events(settings.kafka, ["shop.orders", "shop.refunds"]):
        match event := envelope.data:
            case OrderChanged() if (event.shop, event.order_id) == (letter.shop, letter.order):
                order = event
            case RefundIssued() if (event.shop, event.order_id) == (letter.shop, letter.order):
                refund = event if event.refund_id == payload.get("refund_id") else refund
    return order, refund


async def check_references(settings: Settings, before: Mapping[str, Any], made: Mapping[str, Any]) -> list[str]:
    """References that an edit changes and that nobody could look up. Raises `WrongUse` for those that Balance lacks."""
    changed = list(_changed_references(before, made))
    faults = [f"{at}: {uid} is no currency of balance.currencies" for at, name, uid in changed
              if name == "Currency" and uid not in settings.balance.currencies.values()]  # fmt: skip
    asked = [one for one in changed if one[1] != "Currency"]
    doubts: list[str] = []
    try:
        faults += await _missing_references(settings.balance, asked) if asked else []
    except UpstreamError as error:
        doubts = [f"{at}: {uid} could not be looked up in Balance: {error.message}" for at, _, uid in asked]
    if faults:
        raise InvalidArgument(f"nothing was sent: {'; '.join(faults)}")
    return doubts


def _changed_references(before: Mapping[str, Any], made: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for pointer in find_differences(before, made) if made else ():
        name, value = pointer.rpartition("/")[2], get_value(made, pointer)
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
            return any(uid in (one.uid, one.name) for one in await balance.warehouses())
        case _:
            return await balance.sale(uid) is not None


def confirm_doubts(doubts: Sequence[str], *, yes: bool) -> None:
    """Ask a person about what is unusual. Raises `WrongUse` where nobody confirms it."""
    if not doubts or yes:
        return
    question = f"{'; '.join(doubts)}. Is that meant?"
    if not (sys.stdin.isatty() and typer.confirm(question)):
        raise InvalidArgument(f"nothing was sent: {'; '.join(doubts)}. If that is meant, confirm it with --yes")
