"""Everything that the topics hold about one person. The state databases hold copies of the same, and nothing else."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from contracts.clients import ClientAssigned, ContactSettled, ContactsMerged
from contracts.customers import CustomerRemoved
from contracts.envelope import Envelope
from contracts.ledger import SaleRecorded
from contracts.model import Event
from contracts.operations import DeadLettered
from contracts.privacy import PersonKeyMade
from contracts.shop import OrderChanged, RefundIssued
from services.cli.forget.dossier import Dossier, build_dossier
from services.engine.outbox.dead_letters import order_key_of
from services.engine.privacy.stripping import without_person

_SOURCES = (
    OrderChanged, RefundIssued, CustomerRemoved, SaleRecorded, ContactsMerged, ClientAssigned, DeadLettered,
    PersonKeyMade,
)  # fmt: skip
TOPICS = tuple(dict.fromkeys(event.TOPIC for event in _SOURCES))
ELSEWHERE = (
    "Balance: the client and the documents, which the law requires to be kept",
    "the shop: the account, the orders, and what its plugins store",
    "exported files and backups that people have made",
)
"""Where else data of a buyer is; Davtari cannot read all of it."""
Facts = dict[str, list[str]]


@dataclass(slots=True)
class HeldData:
    """A person: `facts` by name, the summary of the log, and every event that names the person or one of the orders."""

    dossier: Dossier
    facts: Facts = field(default_factory=dict)
    events: list[Envelope[Event]] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Everything, for `--json`."""
        found = self.dossier
        return {
            "person_refs": sorted(found.refs),
            "orders": sorted(found.orders),
            "facts": self.facts,
            "clients": [{"uid": uid, "code": code} for uid, code in sorted(found.clients.items())],
            "documents": dict(found.documents),
            "keys": sorted(found.keys),
            "events": [_event_to_dict(envelope) for envelope in self.events],
            "elsewhere": list(ELSEWHERE),
        }


def collect_held(refs: Collection[str], envelopes: Iterable[Envelope[Event]]) -> HeldData:
    """Collect from opened events of `TOPICS`, in any order. The keys themselves are left out: they are secrets."""
    known = sorted(envelopes, key=lambda envelope: (envelope.time, envelope.sequence))
    held = HeldData(build_dossier(refs, known))
    for envelope in known:
        if not isinstance(envelope.data, PersonKeyMade) and _is_about(envelope.data, held.dossier):
            held.events.append(envelope)
            for name, value in _facts_in(envelope.data.content(), held.dossier.refs):
                values = held.facts.setdefault(name, [])
                values += [value] if value not in values else []
    return held


def _is_about(event: Event, found: Dossier) -> bool:
    if getattr(event, "person_ref", None) in found.refs or event.key in found.orders:
        return True
    if isinstance(event, DeadLettered):
        return order_key_of(event) in found.orders or _names_one_of(event, found.refs)
    return isinstance(event, ContactSettled) and event.client in found.clients


def _names_one_of(event: DeadLettered, refs: Collection[str]) -> bool:
    return any(without_person(event.content(), ref)[1] for ref in refs)


def _facts_in(value: Any, refs: Collection[str], field_: str = "") -> Iterator[tuple[str, str]]:
    """Each text inside a `person` of these references, with the name of its field."""
    if isinstance(value, dict):
        about = value.get("person_ref") in refs
        for name, part in value.items():
            if name == "person" and part and (about or part.get("person_ref") in refs):
                yield from _texts(part)
            elif isinstance(part, dict | list):
                yield from _facts_in(part, refs, name)
    elif isinstance(value, list):
        for part in value:
            yield from _facts_in(part, refs, field_)


def _texts(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for part_name, part in value.items():
            if part_name != "person_ref":
                yield from _texts(part, f"{name}.{part_name}".lstrip("."))
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part, name)
    elif value not in (None, ""):
        yield name, str(value)


def _event_to_dict(envelope: Envelope[Event]) -> dict[str, Any]:
    return {
        "topic": envelope.data.TOPIC,
        "type": envelope.type,
        "id": envelope.id,
        "time": envelope.time.isoformat(),
        "subject": envelope.subject,
        "data": envelope.data.content(),
    }
