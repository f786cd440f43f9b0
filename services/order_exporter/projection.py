"""What order-exporter remembers: orders, links, accounts of items, clients, Sales and their plans."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from contracts.catalog import ProductLinked, ProductPlanned, ProductUnlinked
from contracts.clients import ClientAssigned
from contracts.envelope import Envelope
from contracts.ledger import ClientRecorded, CreditNoteRecorded, SaleDiverged, SalePlanned, SaleRecorded, is_reversal
from contracts.model import Event, Instant, Part, Uid
from contracts.shop import OrderChanged, OrderLine, OrderRemoved
from services.accounting.documents.identity import identity_of
from services.accounting.documents.lines import remove_skus, sku_ref, store_skus
from services.accounting.documents.push import push_rules
from services.accounting.documents.trigger import parent_key
from services.engine.outbox.handlers import Remember
from services.engine.state.records import Kind, State

SERVICE = "order-exporter"
NOBODY = "-"
"""A reference that no record has."""


class KnownOrder(Part):
    """An order as it was last read, and its version; `removed` if it was removed from the shop.

    `status_since`: its date of change when it was first seen with its present status.
    """

    order: OrderChanged
    version: int
    removed: bool = False
    status_since: Instant | None = None


class WantedLink(Part):
    """An order that waits for a product's link."""

    order: str


class SubOrder(Part):
    """An order that has a parent."""

    order: str


class GivenNumber(Part):
    """An order with a valid number of its buyer; found by its person and by its identity."""

    order: str
    identity: str


class PlannedLink(Part):
    """The item that a product would be linked to if the catalogue flow were live; used only in plans."""

    item: Uid


ORDER = Kind("order", KnownOrder)
LINK = Kind("link", ProductLinked)
WANTED = Kind("wanted-link", WantedLink)
"""By order and product, or order and SKU; the reference is the product (`shop:product`), or the SKU (`sku_ref`)."""
SUB_ORDER = Kind("sub-order", SubOrder)
"""By order; the reference is its parent."""
PLANNED_LINK = Kind("planned-link", PlannedLink)
CLIENT = Kind("client", ClientRecorded)
ASSIGNED = Kind("client-assigned", ClientAssigned)
"""The client that a person assigned to an identity, or to a person."""
GIVEN_BY = Kind("number-given-by", GivenNumber)
"""By order; the reference is the person."""
GIVEN_AS = Kind("number-given-as", GivenNumber)
"""By order; the reference is the identity."""
SALE = Kind("sale", SaleRecorded)
PLAN = Kind("sale-plan", SalePlanned)
REVERSED = Kind("sale-reversed", CreditNoteRecorded)
"""Reversals, by the uid of the Sale; the reference is the order."""
DIVERGED = Kind("sale-diverged", SaleDiverged)


def product_key(shop: str, line: OrderLine) -> str:
    """The key of a line's link: its variation, or else its product (claim K11)."""
    return f"{shop}:{line.variation_id or line.product_id}"


def link_name(product: str) -> str:
    """What a Sale is blocked on while a product has no link."""
    return f"link:{product}"


def order_name(order: str) -> str:
    """What a part of another order is blocked on until that order is read."""
    return f"order:{order}"


def client_name(identity: str) -> str:
    """What a Sale is blocked on while its client is not known."""
    return f"client:{identity}"


def assigned_key(shop: str, ref: str) -> str:
    """The key of an assignment to an identity or a person in one shop."""
    return f"{shop}|{ref}"


def assigned_client(shop: str, refs: Iterable[str], state: State) -> str | None:
    """The client that was assigned last under one of these references of a buyer; None also if that was undone."""
    found = state.get_many(ASSIGNED, [assigned_key(shop, ref) for ref in refs])
    newest = max(found.values(), key=lambda assignment: assignment.asked_at, default=None)
    return newest.client if newest else None


def order_client_key(order: str) -> str:
    """The key of a client that is used for one order only."""
    return f"order:{order}"


def order_changed(envelope: Envelope[OrderChanged], state: State) -> None:
    order = envelope.data
    since = _status_since(order, state.get(ORDER, order.key))
    known = KnownOrder(order=order, version=envelope.sequence, status_since=since)
    state.put(ORDER, order.key, known, ref=order.person_ref)
    _remember_number(order, state)
    _remember_missing_links(order, state)
    _remember_relations(order, state)
    state.touch(order.key)


def _status_since(order: OrderChanged, before: KnownOrder | None) -> datetime:
    same = before is not None and before.order.status == order.status and before.status_since is not None
    return before.status_since if same and before and before.status_since else order.modified_at


def _remember_missing_links(order: OrderChanged, state: State) -> None:
    """An order with an unlinked line is decided again when its product is linked, or when its SKU gets another item."""
    wanted = WantedLink(order=order.key)
    lines = [(line, product_key(order.shop, line)) for line in order.lines if line.kind == "product"]
    linked = state.get_many(LINK, (product for _, product in lines))
    for line, product in lines:
        if product in linked:
            continue
        state.put(WANTED, f"{order.key}|{product}", wanted, ref=product)
        if line.sku:
            ref = sku_ref(order.shop, line.sku)
            state.put(WANTED, f"{order.key}|sku|{ref}", wanted, ref=ref)


def _remember_relations(order: OrderChanged, state: State) -> None:
    """A part of another order is decided again whenever that order changes."""
    if order.parent_id:
        state.put(SUB_ORDER, order.key, SubOrder(order=order.key), ref=parent_key(order))
    _decide_parts(order.key, state)


def _decide_parts(order: str, state: State) -> None:
    if parts := state.find(SUB_ORDER, order):
        state.release(order_name(order))
        for part in parts:
            state.touch(part)


def _remember_number(order: OrderChanged, state: State) -> None:
    """Remember the buyer's number as it is now: a corrected one replaces it, a removed one is forgotten."""
    identity = identity_of(order.person)
    if identity is None:
        if state.get(GIVEN_BY, order.key):
            state.drop(GIVEN_BY, order.key)
            state.drop(GIVEN_AS, order.key)
        return
    given = GivenNumber(order=order.key, identity=identity.ref)
    state.put(GIVEN_BY, order.key, given, ref=order.person_ref)
    state.put(GIVEN_AS, order.key, given, ref=identity.ref)


def order_removed(envelope: Envelope[OrderRemoved], state: State) -> None:
    key = envelope.data.key
    if known := state.get(ORDER, key):
        removed = known.model_copy(update={"version": envelope.sequence, "removed": True})
        state.put(ORDER, key, removed, ref=known.order.person_ref)
        _decide_parts(key, state)
        state.touch(key)


def product_linked(envelope: Envelope[ProductLinked], state: State) -> None:
    link = envelope.data
    products = {f"{link.shop}:{product_id}" for product_id in link.product_ids}
    for other in state.find(LINK, link.key):
        if other not in products:
            state.drop(LINK, other)
    for product, waiting in state.find_many(WANTED, sorted(products)).items():
        state.put(LINK, product, link, ref=link.key)
        state.release(link_name(product))
        for key, wanted in waiting.items():
            state.drop(WANTED, key)
            state.touch(wanted.order)
    _skus_changed(store_skus(link, state), state)


def _skus_changed(refs: Iterable[str], state: State) -> None:
    """Orders without a Sale that have one of these SKUs are decided again."""
    found = {key: wanted for some in state.find_many(WANTED, refs).values() for key, wanted in some.items()}
    sold = state.get_many(SALE, {wanted.order for wanted in found.values()})
    for key, wanted in found.items():
        if wanted.order in sold:
            state.drop(WANTED, key)
        else:
            state.touch(wanted.order)


def product_planned(envelope: Envelope[ProductPlanned], state: State) -> None:
    """The importer would link a product, or no longer would: Sales can be planned with it (claim S0.34)."""
    plan = envelope.data
    item = f"{plan.shop}:{plan.item}"
    for other in state.find(PLANNED_LINK, item):
        state.drop(PLANNED_LINK, other)
    if plan.product_id is None or plan.action == "skip":
        return
    product = f"{plan.shop}:{plan.product_id}"
    state.put(PLANNED_LINK, product, PlannedLink(item=plan.item), ref=item)
    for wanted in state.find(WANTED, product).values():
        state.touch(wanted.order)


def product_unlinked(envelope: Envelope[ProductUnlinked], state: State) -> None:
    for product in state.find(LINK, envelope.data.key):
        state.drop(LINK, product)
    _skus_changed(remove_skus(envelope.data, state), state)


def client_recorded(envelope: Envelope[ClientRecorded], state: State) -> None:
    client = envelope.data
    own = client.identity is None or client.retail
    state.put(CLIENT, order_client_key(client.key) if own else str(client.identity), client)
    state.touch(client.key)
    if client.identity and not client.retail:
        state.release(client_name(client.identity))


def client_assigned(envelope: Envelope[ClientAssigned], state: State) -> None:
    """Orders without a Sale are decided again with the assigned client; existing Sales are not changed."""
    assigned = envelope.data
    for ref in (assigned.identity, assigned.person_ref):
        if ref:
            state.put(ASSIGNED, assigned_key(assigned.shop, ref), assigned)
            state.release(client_name(ref))
    orders = {*state.find(ORDER, assigned.person_ref or NOBODY), *state.find(GIVEN_AS, assigned.identity or NOBODY)}
    own = [order for order in sorted(orders) if order.partition(":")[0] == assigned.shop]
    sold = state.get_many(SALE, own)
    for order in own:
        if order not in sold:
            state.touch(order)


def sale_recorded(envelope: Envelope[SaleRecorded], state: State) -> None:
    state.put(SALE, envelope.data.key, envelope.data)
    state.touch(envelope.data.key)


def note_recorded(envelope: Envelope[CreditNoteRecorded], state: State) -> None:
    """After a reversal the order may need a new Sale."""
    note = envelope.data
    if is_reversal(note.refund_id):
        state.put(REVERSED, note.sale, note, ref=note.key)
        state.touch(note.key)


def sale_planned(envelope: Envelope[SalePlanned], state: State) -> None:
    state.put(PLAN, envelope.data.key, envelope.data)


def sale_diverged(envelope: Envelope[SaleDiverged], state: State) -> None:
    state.put(DIVERGED, envelope.data.key, envelope.data)


REMEMBER: Mapping[type[Event], Remember] = {
    OrderChanged: order_changed,
    OrderRemoved: order_removed,
    ProductLinked: product_linked,
    ProductUnlinked: product_unlinked,
    ProductPlanned: product_planned,
    ClientRecorded: client_recorded,
    ClientAssigned: client_assigned,
    SaleRecorded: sale_recorded,
    CreditNoteRecorded: note_recorded,
    SalePlanned: sale_planned,
    SaleDiverged: sale_diverged,
    **push_rules(SERVICE, "order"),
}
