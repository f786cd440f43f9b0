"""What order-exporter remembers: orders, links, postings of items, clients, Sales and their plans."""

from __future__ import annotations

from collections.abc import Mapping

from contracts.balance import Accounts, ItemChanged
from contracts.catalog import ProductLinked, ProductPlanned, ProductUnlinked
from contracts.clients import ClientAssigned
from contracts.envelope import Envelope
from contracts.ledger import ClientRecorded, CreditNoteRecorded, SaleDiverged, SalePlanned, SaleRecorded
from contracts.model import Event, Part, Uid
from contracts.shop import OrderChanged, OrderLine, OrderRemoved
from services.order_exporter.clients.client import identity_of
from services.shared.delivery.handlers import Remember
from services.shared.documents.push import push_rules
from services.shared.state.records import Kind, State

SERVICE = "order-exporter"
NOBODY = "-"
"""The reference of no record."""


class KnownOrder(Part):
    """An order as it was last read, and its version; `removed` when the shop holds it no more."""

    order: OrderChanged
    version: int
    removed: bool = False


class WantedLink(Part):
    """An order that waits for a product's link."""

    order: str


class GivenNumber(Part):
    """An order that gave a valid number; found by its person and by its identity."""

    order: str
    identity: str


class PlannedLink(Part):
    """The item that a product would be linked to if the catalogue flow were live: good for plans of Sales only."""

    item: Uid


ORDER = Kind("order", KnownOrder)
LINK = Kind("link", ProductLinked)
WANTED = Kind("wanted-link", WantedLink)
PLANNED_LINK = Kind("planned-link", PlannedLink)
ACCOUNTS = Kind("accounts", Accounts)
CLIENT = Kind("client", ClientRecorded)
ASSIGNED = Kind("client-assigned", ClientAssigned)
"""A person's word on where the orders of an identity, or of a person, go."""
GIVEN_BY = Kind("number-given-by", GivenNumber)
"""By order; the reference is the person."""
GIVEN_AS = Kind("number-given-as", GivenNumber)
"""By order; the reference is the identity."""
SALE = Kind("sale", SaleRecorded)
PLAN = Kind("sale-plan", SalePlanned)
REVERSED = Kind("sale-reversed", CreditNoteRecorded)
"""Credit notes that took a whole Sale back, by its uid; the reference is the order."""
DIVERGED = Kind("sale-diverged", SaleDiverged)


def product_key(shop: str, line: OrderLine) -> str:
    """The key of the link of a product line: that of its variation, if it has one (claim K11)."""
    return f"{shop}:{line.variation_id or line.product_id}"


def link_name(product: str) -> str:
    """What a Sale waits for while a product has no link."""
    return f"link:{product}"


def client_name(identity: str) -> str:
    """What a Sale waits for while its client is not known."""
    return f"client:{identity}"


def assigned_key(shop: str, ref: str) -> str:
    """The key of a person's word about an identity or a person: it holds in its shop."""
    return f"{shop}|{ref}"


def order_client_key(order: str) -> str:
    """The key of a client that holds for one order only."""
    return f"order:{order}"


def order_changed(envelope: Envelope[OrderChanged], state: State) -> None:
    order = envelope.data
    state.put(ORDER, order.key, KnownOrder(order=order, version=envelope.sequence), ref=order.person_ref)
    _number_given(order, state)
    for product in {product_key(order.shop, line) for line in order.lines if line.kind == "product"}:
        if state.get(LINK, product) is None:
            state.put(WANTED, f"{order.key}|{product}", WantedLink(order=order.key), ref=product)
    state.touch(order.key)


def _number_given(order: OrderChanged, state: State) -> None:
    """A number that was put right counts from now on; one that was taken back counts no more."""
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
        gone = KnownOrder(order=known.order, version=envelope.sequence, removed=True)
        state.put(ORDER, key, gone, ref=known.order.person_ref)
        state.touch(key)


def product_linked(envelope: Envelope[ProductLinked], state: State) -> None:
    link = envelope.data
    product = f"{link.shop}:{link.product_id}"
    for other in state.find(LINK, link.key):
        if other != product:
            state.drop(LINK, other)
    state.put(LINK, product, link, ref=link.key)
    state.release(link_name(product))
    for key, wanted in state.find(WANTED, product).items():
        state.drop(WANTED, key)
        state.touch(wanted.order)


def product_planned(envelope: Envelope[ProductPlanned], state: State) -> None:
    """The importer would adopt a product (or not any more): Sales can be planned with it (claim S0.34)."""
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


def item_changed(envelope: Envelope[ItemChanged], state: State) -> None:
    state.put(ACCOUNTS, envelope.data.item, envelope.data.accounts)


def client_recorded(envelope: Envelope[ClientRecorded], state: State) -> None:
    client = envelope.data
    own = client.identity is None or client.retail
    state.put(CLIENT, order_client_key(client.key) if own else str(client.identity), client)
    state.touch(client.key)
    if client.identity and not client.retail:
        state.release(client_name(client.identity))


def client_assigned(envelope: Envelope[ClientAssigned], state: State) -> None:
    """Orders that have no Sale yet go where they are told to; Sales that stand are left as they are."""
    word = envelope.data
    for ref in (word.identity, word.person_ref):
        if ref:
            state.put(ASSIGNED, assigned_key(word.shop, ref), word)
            state.release(client_name(ref))
    orders = {*state.find(ORDER, word.person_ref or NOBODY), *state.find(GIVEN_AS, word.identity or NOBODY)}
    for order in sorted(orders):
        if order.partition(":")[0] == word.shop and state.get(SALE, order) is None:
            state.touch(order)


def sale_recorded(envelope: Envelope[SaleRecorded], state: State) -> None:
    state.put(SALE, envelope.data.key, envelope.data)
    state.touch(envelope.data.key)


def note_recorded(envelope: Envelope[CreditNoteRecorded], state: State) -> None:
    """A note that belongs to no refund takes a whole Sale back: the order may need a new one."""
    note = envelope.data
    if note.refund_id <= 0:
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
    ItemChanged: item_changed,
    ClientRecorded: client_recorded,
    ClientAssigned: client_assigned,
    SaleRecorded: sale_recorded,
    CreditNoteRecorded: note_recorded,
    SalePlanned: sale_planned,
    SaleDiverged: sale_diverged,
    **push_rules(SERVICE, "order"),
}
