"""When the contacts of a buyer are merged with those of the client: with each new order, and after a person decides.

Off unless `shops.*.orders.clients.contacts` is set; only for clients found by number, never for the retail client.
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
from services.accounting.documents.identity import identity_of
from services.engine.outbox.decision import Delivery
from services.engine.outbox.handlers import Remember
from services.engine.state.records import Kind, State
from services.order_exporter.client import delivery_address
from services.order_exporter.projection import CLIENT, assigned_client
from services.order_exporter.tasks import ContactTask
from services.settings.clients import ContactPolicies
from services.settings.model import Settings


class LatestOrder(Part):
    """The newest order of an identity in a shop; only its contacts are used."""

    order: str
    at: Instant


LATEST = Kind("latest-order", LatestOrder)
MERGED = Kind("contacts-merged", ContactsMerged)
CONFLICT = Kind("contacts-conflicted", ContactsConflicted)
SETTLED = Kind("contact-settled", ContactSettled)
"""By client and field; the reference is the client. Decisions of people that are not applied yet."""
UNCOMMITTED_STATUSES = UNPLACED_STATUSES | {PENDING}
"""The buyer of an order in these statuses has not committed to it yet."""


def contact_lane(shop: str) -> str:
    """The lane of a shop's contacts; separate, so that an unavailable shop does not delay Sales."""
    return f"contacts:{shop}"


def merged_key(shop: str, client: str) -> str:
    """The key of the records about a client's contacts."""
    return f"{shop}|{client}"


@dataclass(frozen=True, slots=True)
class IdentifiedBuyer:
    """A buyer's newest order, and the buyer's client."""

    order: OrderChanged
    client: str
    identity: str


def plan_merges(order: OrderChanged, policies: ContactPolicies, state: State) -> tuple[Delivery, ...]:
    """The merge that a due order needs; none if it is done, or if another order of the buyer is newer."""
    buyer = _buyer(order, state) if policies.by_field() else None
    if buyer is None:
        return ()
    last, decisions = state.get(MERGED, merged_key(order.shop, buyer.client)), _decisions(buyer, state)
    if last and last.order_at >= order.created_at and not decisions:
        return ()
    task = _task(buyer, policies, last, decisions)
    suffix = "".join(f":{decision.command_id[:8]}" for decision in decisions)
    id_ = f"contacts:{order.key}{suffix}"
    return (Delivery(id_, "contacts", contact_lane(order.shop), buyer.client, task.model_dump(mode="json")),)


def _buyer(order: OrderChanged, state: State) -> IdentifiedBuyer | None:
    identity = identity_of(order.person)
    if identity is None or is_void(order):
        return None
    latest = state.get(LATEST, merged_key(order.shop, identity.ref))
    known = state.get(CLIENT, identity.ref)
    client = assigned_client(order.shop, identity.refs, state) or (known.client if known else None)
    return IdentifiedBuyer(order, client, identity.ref) if client and latest and latest.order == order.key else None


def _decisions(buyer: IdentifiedBuyer, state: State) -> Sequence[ContactSettled]:
    found = state.find(SETTLED, merged_key(buyer.order.shop, buyer.client)).values()
    return sorted(found, key=lambda decision: decision.command_id)


def _task(
    buyer: IdentifiedBuyer, policies: ContactPolicies, last: ContactsMerged | None, decisions: Sequence[ContactSettled]
) -> ContactTask:
    order, person = buyer.order, buyer.order.person
    ordered = {"phone": person.phone, "email": person.email} if person else {}
    return ContactTask(
        shop=order.shop,
        order_id=order.order_id,
        order_at=order.created_at,
        client=buyer.client,
        customer_id=order.customer_id,
        policies=policies.by_field(),
        changed_field=policies.changed_field,
        settled={decision.field: decision.take for decision in decisions},
        commands=tuple(decision.command_id for decision in decisions),
        person_ref=order.person_ref,
        person={
            "order": {**ordered, "address": delivery_address(person)},
            "base": last.person.model_dump(mode="json") if last and last.person else None,
        },
    )


def contact_rules(settings: Settings) -> Mapping[type[Event], Remember]:
    """What to remember about contacts; nothing if no shop has a policy."""
    if not any(shop.orders.clients.contacts.by_field() for shop in settings.shops.values()):
        return {}
    return {
        OrderChanged: _on_order_changed,
        ContactsMerged: _on_merged,
        ContactsConflicted: _on_conflicted,
        ContactSettled: _on_settled,
    }


def _on_order_changed(envelope: Envelope[OrderChanged], state: State) -> None:
    order, identity = envelope.data, identity_of(envelope.data.person)
    if identity is None or is_void(order) or order.status in UNCOMMITTED_STATUSES:
        return
    key = merged_key(order.shop, identity.ref)
    known = state.get(LATEST, key)
    if known is None or (known.at, known.order) < (order.created_at, order.key):
        state.put(LATEST, key, LatestOrder(order=order.key, at=order.created_at))
        if known:
            state.touch(known.order)


def _on_merged(envelope: Envelope[ContactsMerged], state: State) -> None:
    merged = envelope.data
    key = merged_key(merged.shop, merged.client)
    state.put(MERGED, key, merged)
    for decision_key, decision in state.find(SETTLED, key).items():
        if _is_applied(decision, merged):
            state.drop(SETTLED, decision_key)
    state.touch(order_key(merged.shop, merged.order_id))


def _on_conflicted(envelope: Envelope[ContactsConflicted], state: State) -> None:
    state.put(CONFLICT, merged_key(envelope.data.shop, envelope.data.client), envelope.data)


def _on_settled(envelope: Envelope[ContactSettled], state: State) -> None:
    decision = envelope.data
    key = merged_key(decision.shop, decision.client)
    merged = state.get(MERGED, key)
    if merged is None or not _is_applied(decision, merged):
        state.put(SETTLED, f"{key}|{decision.field}", decision, ref=key)
        if merged:
            state.touch(order_key(merged.shop, merged.order_id))


def _is_applied(decision: ContactSettled, merged: ContactsMerged) -> bool:
    """Whether a merge has applied a decision, or came later and found the field settled."""
    later = merged.merged_at > decision.asked_at and decision.field not in merged.unsettled
    return decision.command_id in merged.settled or later


def conflict_news(event: ContactsConflicted, state: State) -> Sequence[Event]:
    """A conflict between the same values is announced once."""
    known = state.get(CONFLICT, merged_key(event.shop, event.client))
    same = known is not None and (known.conflicts, known.person) == (event.conflicts, event.person)
    return () if same else (event,)
