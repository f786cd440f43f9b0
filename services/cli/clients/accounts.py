"""Accounts that have ended in the shop: a flag at the clients that their orders were booked on (claim S2.16)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from contracts.customers import CustomerRemoved, CustomerReturned
from contracts.model import Event
from contracts.shop import OrderChanged
from services.engine.runtime.tbilisi import TBILISI

STAYS = "the client and its documents stay in Balance"


@dataclass(slots=True)
class Accounts:
    """The accounts that orders have ever named (the shop makes them a guest's in the end), and those that are gone."""

    of_order: dict[int, set[int]] = field(default_factory=dict)
    removed: dict[int, CustomerRemoved] = field(default_factory=dict)

    def take(self, event: Event) -> None:
        """What an event says of accounts."""
        match event:
            case OrderChanged():
                self.of_order.setdefault(event.order_id, set()).add(event.customer_id)
            case CustomerRemoved():
                self.removed[event.customer_id] = event
            case CustomerReturned():
                self.removed.pop(event.customer_id, None)

    def ended(self, orders: Iterable[int]) -> list[CustomerRemoved]:
        """The accounts of these orders that the shop does not hold any more, by number."""
        named = {account for order in orders for account in self.of_order.get(order, ())}
        return [self.removed[account] for account in sorted(named & self.removed.keys())]


def sentence(event: CustomerRemoved) -> str:
    """That an account is gone, and that nothing follows from it for the books."""
    return f"account {event.customer_id} deleted in the shop, seen on {_day(event)}; {STAYS}"


def data(event: CustomerRemoved) -> dict[str, object]:
    """The same as data."""
    return {"customer": event.customer_id, "seen_on": _day(event)}


def _day(event: CustomerRemoved) -> str:
    return f"{event.observed_at.astimezone(TBILISI):%Y-%m-%d}"
