"""Which documents wait for an approval, by shape, and which approvals were given by whom."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from contracts.approvals import ApprovalAsked, ApprovalGiven
from contracts.envelope import Envelope
from contracts.ledger import CreditNoteRecorded, SaleRecorded
from contracts.model import Event
from contracts.shop import OrderChanged, OrderRemoved, RefundRemoved
from services.accounting.documents.approval import is_approved
from services.accounting.documents.digest import digest_of
from services.order_exporter.content import is_void
from services.settings.shop import ShopSettings

TOPICS = ("operations", "ledger.documents", "shop.orders", "shop.refunds")


class NoSuchApproval(Exception):
    """What was named waits for no approval; the message says what to look at."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A shape in a shop, with its documents that wait and the approvals that were given to it."""

    id: str
    shop: str
    shape: str
    waiting: tuple[ApprovalAsked, ...]
    given: tuple[ApprovalGiven, ...]


@dataclass(slots=True)
class Told:
    """What the topics say: questions by document, approvals by shape, and documents that need none any more."""

    asked: dict[str, ApprovalAsked] = field(default_factory=dict)
    given: defaultdict[tuple[str, str], list[ApprovalGiven]] = field(default_factory=lambda: defaultdict(list))
    closed: set[str] = field(default_factory=set)


def shapes(envelopes: Iterable[Envelope[Event]], shops: Mapping[str, ShopSettings]) -> list[Shape]:
    """Every shape that was ever asked about or approved, those with waiting documents first."""
    told = Told()
    for envelope in envelopes:
        _take(told, envelope.data)
    slots = {*told.given, *((one.shop, one.shape) for one in told.asked.values())}
    found = [_shape(slot, told, shops) for slot in slots]
    return sorted(found, key=lambda one: (not one.waiting, one.shop, one.shape))


def _take(told: Told, event: Event) -> None:
    match event:
        case ApprovalAsked():
            told.asked[event.document] = event
        case ApprovalGiven():
            told.given[event.shop, event.shape].append(event)
        case SaleRecorded() | OrderRemoved():
            told.closed.add(f"sale:{event.key}")
        case CreditNoteRecorded() | RefundRemoved():
            told.closed.add(f"credit-note:{event.key}:{event.refund_id}")
        case OrderChanged():
            _take_order(told, event)
        case _:
            return


def _take_order(told: Told, order: OrderChanged) -> None:
    """An order that was given up, or came back."""
    if is_void(order):
        told.closed.add(f"sale:{order.key}")


def _shape(slot: tuple[str, str], told: Told, shops: Mapping[str, ShopSettings]) -> Shape:
    shop, given = shops.get(slot[0]), told.given.get(slot, [])
    first = shop.orders.approve_first if shop else 0
    waiting = [
        one
        for one in told.asked.values()
        if (one.shop, one.shape) == slot and first and one.document not in told.closed
        and not is_approved(one.document, first, given)
    ]  # fmt: skip
    return Shape(digest_of(slot)[:8], *slot, tuple(waiting), tuple(given))


def of_document(found: Sequence[Shape], document: str) -> Shape:
    """The shape of a document that waits. Raises `NoSuchApproval`."""
    for shape in found:
        if any(one.document == document for one in shape.waiting):
            return shape
    raise NoSuchApproval(f"{document} waits for no approval; davtari approvals list shows what does")


def of_id(found: Sequence[Shape], id_: str) -> Shape:
    """The shape with this id, or with these first signs of it. Raises `NoSuchApproval`."""
    matching = [shape for shape in found if shape.id.startswith(id_)]
    if len(matching) != 1:
        raise NoSuchApproval(f"{len(matching)} shapes are called {id_}; davtari approvals list shows them")
    return matching[0]
