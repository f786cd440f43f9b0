"""Consistency checks: every sale and refund of the shop is in the books once, and the shop shows the current stock.

Each check yields a description of every problem, with the order or product concerned.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from contracts.catalog import AvailabilityChanged, ProductLinked
from contracts.envelope import Envelope
from contracts.ledger import CreditNoteRecorded, SaleRecorded
from contracts.model import Event
from contracts.shop import OrderChanged, RefundIssued

Document = Mapping[str, Any]


def check_sales(orders: Iterable[Document], sales: Sequence[Document], pushed: Collection[int]) -> Iterator[str]:
    """Every order that is paid or was pushed has exactly one Sale over its total, and no Sale is without an order."""
    by_order: defaultdict[str, list[Document]] = defaultdict(list)
    for sale in sales:
        by_order[sale["PrimaryDocument"]].append(sale)
    for order in orders:
        found = by_order.pop(str(order["id"]), [])
        due = 1 if order["date_paid"] or order["id"] in pushed else 0
        if len(found) != due:
            yield f"order {order['id']} ({order['status']}) has {len(found)} Sales instead of {due}"
        yield from (
            f"the Sale of order {order['id']} is {sale['total']} instead of {order['total']}"
            for sale in found
            if Decimal(sale["total"]) != Decimal(order["total"])
        )
    yield from (f"a Sale for order {order_id}, which the shop does not have" for order_id in by_order)


def check_credit_notes(
    orders: Iterable[Document], sales: Sequence[Document], notes: Sequence[Document]
) -> Iterator[str]:
    """Every refund has exactly one credit note over its amount, bound to the Sale of its order."""
    sale_of = {sale["PrimaryDocument"]: sale["uid"] for sale in sales}
    left = Counter((note["BaseDocument"], Decimal(note["total"])) for note in notes)
    for order in orders:
        for refund in order["refunds"]:
            slot = (sale_of.get(str(order["id"]), ""), abs(Decimal(refund["amount"])))
            if not left[slot]:
                yield f"refund {refund['id']} of order {order['id']} over {refund['amount']} has no credit note"
            left[slot] -= 1
    yield from (f"{count} credit notes too many over {slot[1]}" for slot, count in left.items() if count > 0)


def check_written_once(documents: Iterable[Document]) -> Iterator[str]:
    """No document was written a second time (claim K2)."""
    for document in documents:
        if document["revisions"] != 1:
            yield f"{document['uid']} ({document.get('PrimaryDocument')}) was written {document['revisions']} times"


def check_clients(clients: Iterable[Document]) -> Iterator[str]:
    """No personal or company number has two clients, and none was written twice."""
    known = [client for client in clients if client["ID"]]
    duplicates = [number for number, count in Counter(client["ID"] for client in known).items() if count > 1]
    yield from (f"{len(duplicates)} numbers have more than one client" for _ in duplicates[:1])
    yield from (f"client {client['uid']} was written {client['revisions']} times" for client in known
                if client["revisions"] > 1)  # fmt: skip


def count_duplicate_skus(storefront: Document) -> int:
    """How many products or variations have a SKU that another one has too."""
    counts = storefront["counts"]
    return int(counts["products"] + counts["variations"] - len(storefront["products"]))


def check_products(storefront: Document, links: Mapping[str, ProductLinked], expected: frozenset[str]) -> Iterator[str]:
    """Exactly the expected SKUs are linked, each to its product, and what Davtari created is a draft."""
    products = storefront["products"]
    linked = Counter(link.sku for link in links.values())
    yield from (f"SKU {sku} is linked {count} times" for sku, count in linked.items() if count > 1)
    yield from (f"SKU {sku} is not linked" for sku in sorted(expected - linked.keys()))
    yield from (f"SKU {sku} should be invisible" for sku in sorted(linked.keys() - expected))
    for link in links.values():
        product = products.get(link.sku)
        if product is None or product["id"] != link.product_id:
            yield f"SKU {link.sku} is not product {link.product_id} in the shop"
        elif link.how == "created" and product["status"] != "draft":
            yield f"SKU {link.sku} was created as {product['status']}"


def check_stock(storefront: Document, announced: Mapping[str, AvailabilityChanged]) -> Iterator[str]:
    """The shop shows what was last announced, and each figure is the sum of its lines (claim I1)."""
    for figure in announced.values():
        if figure.quantity != sum(line.quantity for line in figure.explanation):
            yield f"the figure of {figure.sku} is not the sum of its lines"
        shown = storefront["products"].get(figure.sku, {}).get("stock_quantity")
        if figure.mode == "live" and shown != figure.quantity:
            yield f"the shop shows {shown} of {figure.sku} instead of {figure.quantity}"


def check_versions(story: Iterable[Envelope[Event]]) -> Iterator[str]:
    """Versions of a subject grow by one, without gap and without two events under one version."""
    events: defaultdict[tuple[str, str], dict[int, Envelope[Event]]] = defaultdict(dict)
    for envelope in story:
        slot = (envelope.data.TOPIC, envelope.subject)
        first = events[slot].setdefault(envelope.sequence, envelope)
        if (first.id, first.data) != (envelope.id, envelope.data):
            yield f"two events are version {envelope.sequence} of {slot}"
    for slot, by_version in events.items():
        if sorted(by_version) != list(range(1, len(by_version) + 1)):
            yield f"versions of {slot} are {sorted(by_version)}"


def check_complete(
    story: Iterable[Envelope[Event]], dead_letters: Iterable[str], rows: Iterable[str], given_up: Collection[int]
) -> Iterator[str]:
    """Facts = documents ∪ open dead letters ∪ still waiting, each order and refund in exactly one of them.

    `dead_letters` and `rows` name deliveries (`sale:main:17`).
    """
    facts, documents = set(), set()
    for event in (envelope.data for envelope in story):
        match event:
            case OrderChanged() if event.paid_at and event.order_id not in given_up:
                facts.add(f"sale:{event.key}")
            case RefundIssued():
                facts.add(f"credit-note:{event.subject}")
            case SaleRecorded():
                documents.add(f"sale:{event.key}")
            case CreditNoteRecorded():
                documents.add(f"credit-note:{event.key}:{event.refund_id}")
    parts = [documents, facts & set(dead_letters), facts & set(rows)]
    counted = Counter(id_ for part in parts for id_ in part)
    yield from (f"{id_} is neither recorded, nor a dead letter, nor waiting" for id_ in sorted(facts - counted.keys()))
    yield from (f"{id_} is in {count} places at once" for id_, count in counted.items() if count > 1)
