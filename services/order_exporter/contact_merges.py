"""When the contacts of a buyer are merged with those of the client: with each new order, and after a person's word.

Off unless `shops.*.orders.clients.contacts` says else; only for clients found by number, never for the retail client.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from contracts.clients import ContactsConflicted, ContactSettled, ContactsMerged
from contracts.delivery_ids import order_key
from contracts.envelope import Envelope
from contracts.model import Event, Instant, Part
from contracts.order_statuses import PENDING, UNPLACED_STATUSES, is_void
from contracts.shop import OrderChanged
from services.engine.outbox.decision import Delivery
from services.engine.outbox.handlers import Remember
from services.engine.state.records import Kind, State
from services.order_exporter.client import delivery_address, identity_of
from services.order_exporter.projection import ASSIGNED, CLIENT, assigned_key
from services.order_exporter.tasks import ContactTask
from services.settings.clients import ContactPolicies
from services.settings.model import Settings


class LatestOrder(Part):
    """The newest order of an identity in a shop: it alone speaks for the buyer."""

    order: str
    at: Instant


LATEST = Kind("latest-order", LatestOrder)
MERGED = Kind("contacts-merged", ContactsMerged)
CONFLICT = Kind("contacts-conflicted", ContactsConflicted)
SETTLED = Kind("contact-settled", ContactSettled)
"""By client and field; the reference is the client. Words that were not carried out yet."""
UNCOMMITTED_STATUSES = UNPLACED_STATUSES | {PENDING}
"""The buyer of an order in these statuses has not committed to it yet."""


def contact_lane(shop: str) -> str:
    """The lane of a shop's contacts: its own, so that a shop that is away holds up no Sale."""
    return f"contacts:{shop}"


def merged_key(shop: str, client: str) -> str:
    """The key of what is remembered of a client's contacts."""
    return f"{shop}|{client}"


@dataclass(frozen=True, slots=True)
class IdentifiedBuyer:
    """An order that speaks for its buyer, and the client that he is."""

    order: OrderChanged
    client: str
    identity: str


def plan_merges(order: OrderChanged, policies: ContactPolicies, state: State) -> tuple[Delivery, ...]:
    """The merge that an order that is due gives rise to: none when it was done, or is not its business."""
    buyer = _buyer(order, state) if policies.by_field() else None
    if buyer is None:
        return ()
    last, words = state.get(MERGED, merged_key(order.shop, buyer.client)), _words(buyer, state)
    if last and last.order_at >= order.created_at and not words:
        return ()
    task = _task(buyer, policies, last, words)
    suffix = "".join(f":{word.command_id[:8]}" for word in words)
    id_ = f"contacts:{order.key}{suffix}"
    return (Delivery(id_, "contacts", contact_lane(order.shop), buyer.client, task.model_dump(mode="json")),)


def _buyer(order: OrderChanged, state: State) -> IdentifiedBuyer | None:
    identity = identity_of(order.person)
    if identity is None or is_void(order):
        return None
    latest = state.get(LATEST, merged_key(order.shop, identity.ref))
    word, known = state.get(ASSIGNED, assigned_key(order.shop, identity.ref)), state.get(CLIENT, identity.ref)
    client = (word.client if word else None) or (known.client if known else None)
    return IdentifiedBuyer(order, client, identity.ref) if client and latest and latest.order == order.key else None


def _words(buyer: IdentifiedBuyer, state: State) -> Sequence[ContactSettled]:
    found = state.find(SETTLED, merged_key(buyer.order.shop, buyer.client)).values()
    return sorted(found, key=lambda word: word.command_id)


def _task(
    buyer: IdentifiedBuyer, policies: ContactPolicies, last: ContactsMerged | None, words: Sequence[ContactSettled]
) -> ContactTask:
    order, person = buyer.order, buyer.order.person
    told = {"phone": person.phone, "email": person.email} if person else {}
    return ContactTask(
        shop=order.shop,
        order_id=order.order_id,
        order_at=order.created_at,
        client=buyer.client,
        customer_id=order.customer_id,
        policies=policies.by_field(),
        changed_field=policies.changed_field,
        settled={word.field: word.take for word in words},
        commands=tuple(word.command_id for word in words),
        person_ref=order.person_ref,
        person={
            "order": {**told, "address": delivery_address(person)},
            "base": last.person.model_dump(mode="json") if last and last.person else None,
        },
    )


def contact_rules(settings: Settings) -> Mapping[type[Event], Remember]:
    """What events mean for the contacts of buyers; nothing where no shop has a policy."""
    if not any(shop.orders.clients.contacts.by_field() for shop in settings.shops.values()):
        return {}
    return {
        OrderChanged: _order,
        ContactsMerged: _merged,
        ContactsConflicted: _conflicted,
        ContactSettled: _settled,
    }


def _order(envelope: Envelope[OrderChanged], state: State) -> None:
    order, identity = envelope.data, identity_of(envelope.data.person)
    if identity is None or is_void(order) or order.status in UNCOMMITTED_STATUSES:
        return
    key = merged_key(order.shop, identity.ref)
    known = state.get(LATEST, key)
    if known is None or (known.at, known.order) < (order.created_at, order.key):
        state.put(LATEST, key, LatestOrder(order=order.key, at=order.created_at))
        if known:
            state.touch(known.order)


def _merged(envelope: Envelope[ContactsMerged], state: State) -> None:
    merged = envelope.data
    key = merged_key(merged.shop, merged.client)
    state.put(MERGED, key, merged)
    for place, word in state.find(SETTLED, key).items():
        if _carried_out(word, merged):
            state.drop(SETTLED, place)
    state.touch(order_key(merged.shop, merged.order_id))


def _conflicted(envelope: Envelope[ContactsConflicted], state: State) -> None:
    state.put(CONFLICT, merged_key(envelope.data.shop, envelope.data.client), envelope.data)


def _settled(envelope: Envelope[ContactSettled], state: State) -> None:
    word = envelope.data
    key = merged_key(word.shop, word.client)
    merged = state.get(MERGED, key)
    if merged is None or not _carried_out(word, merged):
        state.put(SETTLED, f"{key}|{word.field}", word, ref=key)
        if merged:
            state.touch(order_key(merged.shop, merged.order_id))


def _carried_out(word: ContactSettled, merged: ContactsMerged) -> bool:
    """Whether a merge has done what was said; one that came later and found nothing open has, too."""
    later = merged.merged_at > word.asked_at and word.field not in merged.unsettled
    return word.command_id in merged.settled or later


def conflict_news(event: ContactsConflicted, state: State) -> Sequence[Event]:
    """The same conflict between the same values is told once."""
    known = state.get(CONFLICT, merged_key(event.shop, event.client))
    same = known is not None and (known.conflicts, known.person) == (event.conflicts, event.person)
    return () if same else (event,)
