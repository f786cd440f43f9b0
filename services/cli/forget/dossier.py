"""What the topics contain about one person: orders, copies of personal data, keys. The data itself is not read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from contracts.envelope import Envelope
from contracts.ledger import ClientRecorded, CreditNoteRecorded, SaleRecorded
from contracts.model import Event
from contracts.operations import DeadLettered
from contracts.order_statuses import is_void
from contracts.privacy import PersonForgotten, PersonKeyMade
from contracts.shop import OrderChanged, OrderRemoved, RefundIssued
from services.connectors.woocommerce.customers import former_order_ref, order_ref
from services.engine.privacy.stripping import PersonalField, without_person

ORDER_TOPICS = ("shop.orders", "shop.refunds")
TOPICS = (*ORDER_TOPICS, "ledger.documents", "commands", "operations", "dead-letters", "privacy.keys")


@dataclass(frozen=True, slots=True)
class PersonKey:
    """A key that is in use, and the version of its last event."""

    made: PersonKeyMade
    version: int


@dataclass(slots=True)
class Dossier:
    """A person, with all known references: the orders in their last state, documents, copies of personal data, keys."""

    refs: frozenset[str]
    orders: dict[str, OrderChanged] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)
    sold: set[str] = field(default_factory=set)
    documents: Counter[str] = field(default_factory=Counter)
    clients: dict[str, str | None] = field(default_factory=dict)
    copies: Counter[PersonalField] = field(default_factory=Counter)
    keys: dict[str, PersonKey] = field(default_factory=dict)

    @property
    def since(self) -> datetime | None:
        """The time of the first order."""
        return min((order.created_at for order in self.orders.values()), default=None)

    def unbooked(self, live: Collection[str]) -> list[str]:
        """Orders of these shops that will become Sales but have none yet."""
        left = [key for key in self.orders if key not in self.sold and key not in self.removed]
        return [key for key in left if self.orders[key].shop in live and not is_void(self.orders[key])]

    def unerased(self) -> list[str]:
        """Orders that still contained personal data in the shop when they were last read."""
        existing = {key: order for key, order in self.orders.items() if key not in self.removed}
        return [key for key, order in existing.items() if not _is_anonymous(order)]


def _is_anonymous(order: OrderChanged) -> bool:
    about = order.shop, order.order_id
    return order.person_ref in (order_ref(*about), former_order_ref(*about))


def find_person_refs(order: str, envelopes: Iterable[Envelope[Event]]) -> frozenset[str]:
    """All persons an order (`shop:id`) has belonged to; they change when an account is deleted or an address edited."""
    events = (envelope.data for envelope in envelopes)
    return frozenset(e.person_ref for e in events if isinstance(e, OrderChanged | RefundIssued) and e.key == order)


def build_dossier(refs: Collection[str], envelopes: Iterable[Envelope[Event]]) -> Dossier:
    """Collect what the events of `TOPICS` contain about the person with these references."""
    found, known = Dossier(frozenset(refs)), list(envelopes)
    own = {e.data.key for e in known if isinstance(e.data, OrderChanged) and e.data.person_ref in found.refs}
    for envelope in sorted(known, key=lambda envelope: (envelope.time, envelope.sequence)):
        _count_copies(found, envelope.data)
        _apply_key_event(found, envelope)
        if envelope.data.key in own:
            _apply_order_event(found, envelope.data)
    return found


def _apply_order_event(found: Dossier, event: Event) -> None:
    match event:
        case OrderChanged():
            found.orders[event.key] = event
            found.removed.discard(event.key)
        case OrderRemoved():
            found.removed.add(event.key)
        case SaleRecorded() | CreditNoteRecorded():
            found.sold.add(event.key)
            found.documents["Sale" if isinstance(event, SaleRecorded) else "credit note"] += 1
        case ClientRecorded() if not event.retail:
            found.clients[event.client] = event.code
        case _:
            return


def _count_copies(found: Dossier, event: Event) -> None:
    """Count sealed and unsealed copies. The bytes in a dead letter are always searched: they name no owner."""
    if getattr(event, "person_ref", None) in found.refs or (isinstance(event, DeadLettered) and event.record):
        for ref in found.refs:
            found.copies.update(without_person(event.content(), ref)[1])


def _apply_key_event(found: Dossier, envelope: Envelope[Event]) -> None:
    event = envelope.data
    if isinstance(event, PersonKeyMade) and event.person_ref in found.refs:
        found.keys[event.key] = PersonKey(event, envelope.sequence)
    elif isinstance(event, PersonForgotten):
        found.keys.pop(event.key, None)


def key_deletions(keys: Mapping[str, PersonKey], by: str, why: str, at: datetime) -> list[tuple[PersonForgotten, int]]:
    """The events that replace these keys in the compacted topic, each with its version."""
    return [
        (
            PersonForgotten(**key.made.model_dump(include={"person_ref", "service", "kid"}), at=at, by=by, why=why),
            key.version + 1,
        )
        for key in keys.values()
    ]
