"""An edited delivery or record against what is known: faults that nobody may send, and doubts for a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from contracts.shop import OrderChanged, RefundIssued
from services.cli.command import InvalidArgument
from services.cli.dead_letters.checking.dates import Dates, day_of
from services.cli.dead_letters.checking.figures import odd_texts, other_figures
from services.cli.dead_letters.checking.names import documents_of, unknown_in_document, unknown_in_payload
from services.cli.dead_letters.pointers import differences, value_at
from services.engine.runtime.tbilisi import local_day

DATED = ("date", "Date")
TWICE = {"date": "Date", "client": "Client"}
"""What a payload says beside its documents: the event after the delivery is made of it."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known beside the letter: the order or refund as the shop says, and what the settings allow."""

    today: date
    order: OrderChanged | None = None
    refund: RefundIssued | None = None
    locked_until: date | None = None
    fields: frozenset[str] = frozenset()


@dataclass(slots=True)
class Verdict:
    """What cannot be sent, and what a person must confirm."""

    faults: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)


def aligned(before: Any, changed: Any) -> Any:
    """The change, where date and client of a payload and of its documents stay the same. Raises `WrongUse`.

    Whoever changes one of them means both; the documents of several warehouses have one date and one client.
    """
    if not isinstance(changed, dict) or not isinstance(before, dict) or not documents_of(before):
        return changed
    made = deepcopy(changed)
    for name, field_ in TWICE.items():
        if name in made:
            _align(before, made, name, field_)
    return made


def _align(before: Mapping[str, Any], made: dict[str, Any], name: str, field_: str) -> None:
    documents = documents_of(made)
    had = documents_of(before)
    new = {str(one[field_]) for at, one in documents.items() if one.get(field_) != had.get(at, {}).get(field_)}
    if made[name] != before[name]:
        new.add(_as_document(name, made[name]))
    if len(new) > 1:
        raise InvalidArgument(
            f"/{name} and {field_} of the document are changed to {' and '.join(sorted(new))}: which one?"
        )
    for value in new:
        made[name] = str(day_of(value) or value) if name == "date" else value
        for document in documents.values():
            document[field_] = value


def _as_document(name: str, value: Any) -> str:
    day = day_of(str(value)) if name == "date" else None
    return f"{day}T00:00:00" if day else str(value)


def of_delivery(kind: str, before: Mapping[str, Any], made: dict[str, Any], modelled: Any, known: Known) -> Verdict:
    """The verdict on an edited payload that fits its model; `modelled` is what the model made of it."""
    verdict = Verdict([f"{at} is not a known field" for at in _unknown(before, made, modelled, known)])
    verdict.faults += odd_texts(made, before)
    if not verdict.faults and documents_of(made):
        verdict.faults += other_figures(made, _totals(kind, before, known))
    _judge_dates(before, made, known, verdict)
    return verdict


def _unknown(before: Mapping[str, Any], made: dict[str, Any], modelled: Any, known: Known) -> Iterator[str]:
    yield from unknown_in_payload(made, modelled)
    had = documents_of(before)
    for at, document in documents_of(made).items():
        yield from unknown_in_document(document, had.get(at, {}), known.fields, at)
    person, knew = made.get("person"), before.get("person")
    if isinstance(person, dict) and isinstance(knew, dict):
        yield from (f"/person/{name}" for name in person if name not in knew and name not in PERSON)


PERSON = frozenset(
    {"uid", "Name", "FullName", "ID", "LegalForm", "Phone", "Email", "LegalAddress", "PhysicalAddress", "ExtCode"}
)
"""The fields of a client of ours."""


def _totals(kind: str, before: Mapping[str, Any], known: Known) -> list[Decimal]:
    """What the document may come to: what was refused, or what the shop says now."""
    own = [Decimal(before["total"])] if "total" in before else []
    if kind == "credit-note":
        return [*own, *([known.refund.amount] if known.refund else ())]
    return [*own, *([known.order.total] if known.order else ())]


def of_record(before: Mapping[str, Any], made: Mapping[str, Any], modelled: Any, known: Known) -> Verdict:
    """The verdict on an edited record whose event can be read; what it did not know before may stay."""
    old = set(unknown_in_payload(before["data"], modelled))
    unknown = [at for at in unknown_in_payload(made["data"], modelled) if at not in old]
    verdict = Verdict([f"/data{at} is not a known field" for at in unknown])
    _judge_dates(before, made, known, verdict)
    return verdict


def _judge_dates(before: Any, made: Any, known: Known, verdict: Verdict) -> None:
    placed = local_day(known.order.created_at) if known.order else None
    dates = Dates(known.today, placed, known.locked_until)
    for pointer in differences(before, made):
        text, was = value_at(made, pointer), value_at(before, pointer)
        if isinstance(text, str) and (pointer.rpartition("/")[2] in DATED or day_of(text)):
            dates.judge(pointer, text, was if isinstance(was, str) else "")
    verdict.faults += dates.faults
    verdict.doubts += dates.doubts
