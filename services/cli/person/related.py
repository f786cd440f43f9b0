"""Finds other references of the same person: guest orders, an account, other shops. A person of ours decides."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from contracts.envelope import Envelope
from contracts.model import Event
from contracts.shop import OrderChanged, RefundIssued
from services.accounting import contacts
from services.accounting.documents.order_rules import valid_number

Mark = tuple[str, str]
"""What two references may share: its name for people, and its value."""


@dataclass(slots=True)
class RelatedPerson:
    """Another reference, probably of the same person: its orders, and what it shares with the known ones."""

    ref: str
    orders: set[str] = field(default_factory=set)
    shared: set[str] = field(default_factory=set)


def find_related(refs: Collection[str], envelopes: Iterable[Envelope[Event]]) -> list[RelatedPerson]:
    """The references that share an account, number, e-mail or phone with these, by the events that can be read."""
    marks: defaultdict[str, set[Mark]] = defaultdict(set)
    found: dict[str, RelatedPerson] = {}
    for envelope in envelopes:
        event = envelope.data
        if isinstance(event, OrderChanged | RefundIssued):
            marks[event.person_ref].update(_marks_of(event))
            found.setdefault(event.person_ref, RelatedPerson(event.person_ref)).orders.add(event.key)
    known = {mark for ref in refs for mark in marks[ref]}
    for ref, one in found.items():
        one.shared = {name for name, _ in marks[ref] & known}
    return sorted((one for ref, one in found.items() if one.shared and ref not in refs), key=lambda one: one.ref)


def _marks_of(event: OrderChanged | RefundIssued) -> Iterator[Mark]:
    if isinstance(event, OrderChanged) and event.customer_id:
        yield "account", f"{event.shop}:{event.customer_id}"
    if (person := event.person) is None:
        return
    given = {
        "e-mail": contacts.email(person.email),
        "phone": contacts.phone(person.phone),
        "personal number": valid_number(person.personal_id, "person"),
    }
    yield from ((name, value) for name, value in given.items() if value and value != ERASED)


ERASED = "deleted@site.invalid"
"""The e-mail of every order that was erased in the shop (WooCommerce fact 48): it connects nobody."""


def describe_related(related: Iterable[RelatedPerson]) -> list[str]:
    """One line for each, for a person to decide."""
    return [
        f"probably the same person, by {' and '.join(sorted(one.shared))}: {', '.join(sorted(one.orders))}"
        for one in related
    ]
