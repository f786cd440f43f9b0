"""Whose personal data is no longer kept: all orders of the person are old, and their days are closed in the books."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from contracts.closing import DayClosed
from contracts.envelope import Envelope
from contracts.ledger import SaleRecorded
from contracts.model import Event
from contracts.order_statuses import is_void
from contracts.privacy import PersonForgotten, PersonKeyMade
from contracts.shop import OrderChanged, OrderRemoved, RefundIssued
from services.engine.clock import local_day
from services.settings.shop import ShopSettings

TOPICS = tuple(
    dict.fromkeys(event.TOPIC for event in (OrderChanged, RefundIssued, SaleRecorded, DayClosed, PersonKeyMade))
)


@dataclass(slots=True)
class _Known:
    """What the topics say: the last state of each order and its last day, whose orders they are, and closed days."""

    orders: dict[str, OrderChanged] = field(default_factory=dict)
    last_day: dict[str, date] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)
    sold: set[str] = field(default_factory=set)
    of_person: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    keys: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    closed: dict[str, date] = field(default_factory=dict)

    def apply(self, event: Event) -> None:
        match event:
            case OrderChanged():
                self.orders[event.key] = event
                self.removed.discard(event.key)
                self._add(event, local_day(event.modified_at))
            case RefundIssued():
                self._add(event, local_day(event.created_at))
            case OrderRemoved():
                self.removed.add(event.key)
            case SaleRecorded():
                self.sold.add(event.key)
            case DayClosed() if event.green:
                self._close(event.shop, date.fromisoformat(event.date))
            case PersonKeyMade():
                self.keys[event.person_ref].add(event.key)
            case PersonForgotten():
                self.keys[event.person_ref].discard(event.key)

    def _add(self, event: OrderChanged | RefundIssued, day: date) -> None:
        self.of_person[event.person_ref].add(event.key)
        self.last_day[event.key] = max(day, self.last_day.get(event.key, day))

    def _close(self, shop: str, day: date) -> None:
        self.closed[shop] = max(day, self.closed.get(shop, day))


@dataclass(frozen=True, slots=True)
class ExpiredPerson:
    """A person whose data is no longer kept, with the orders and the last day on which one of them changed."""

    ref: str
    orders: tuple[str, ...]
    last_day: date


def find_expired(
    envelopes: Iterable[Envelope[Event]], shops: Mapping[str, ShopSettings], keep_days: int, today: date
) -> list[ExpiredPerson]:
    """The people whose every order is done: given up or booked, unchanged for `keep_days`, and its day closed.

    A day is closed by a green close of the day, or by `locked-until`. Those without a key are forgotten already. The
    longest expired are first.
    """
    known = _Known()
    for envelope in sorted(envelopes, key=lambda envelope: (envelope.time, envelope.sequence)):
        known.apply(envelope.data)
    for name, shop in shops.items():
        if shop.orders.locked_until:
            known.closed[name] = max(shop.orders.locked_until, known.closed.get(name, date.min))
    newest = today - timedelta(days=keep_days)
    found = [
        ExpiredPerson(ref, tuple(sorted(orders)), max(known.last_day[key] for key in orders))
        for ref, orders in known.of_person.items()
        if known.keys[ref] and all(_is_done(key, known) and known.last_day[key] < newest for key in orders)
    ]
    return sorted(found, key=lambda one: (one.last_day, one.ref))


def _is_done(key: str, known: _Known) -> bool:
    order = known.orders.get(key)
    if order is None or known.last_day[key] > known.closed.get(order.shop, date.min):
        return False
    return key in known.sold or key in known.removed or is_void(order)
