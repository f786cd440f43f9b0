"""Whose data has expired: every order is booked or given up, old enough, and its day is closed in the books."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from contracts.closing import DayClosed
from contracts.envelope import wrap
from contracts.model import Event
from contracts.privacy import PersonForgotten, PersonKeyMade
from contracts.shop import OrderRemoved
from services.cli.person.retention import ExpiredPerson, find_expired
from services.engine.clock import local_day
from tests.forgetting.requests import buyer_with_id
from tests.support.exporting import KEY, PAID, SHOP, given_back, line, order, recorded_sale, refund, settings
from tests.support.memory_state import NOON

pytestmark = pytest.mark.claim("I19")
BOUGHT = order(line(1, "60.00"), person=buyer_with_id())
DAY = local_day(BOUGHT.modified_at)
SOLD = recorded_sale(BOUGHT, settings())
MADE = PersonKeyMade(person_ref="p-1", service="store-feed", kid="k-1", key_base64url="A" * 43, made_at=NOON)
GONE = PersonForgotten(person_ref="p-1", service="store-feed", kid="k-1", at=NOON, by="nino", why="asked")
LATER = BOUGHT.model_copy(
    update={"order_id": 1043, "number": "1043", "modified_at": BOUGHT.modified_at + timedelta(days=400)}
)


def closed(day: date, *, green: bool = True) -> DayClosed:
    return DayClosed(
        shop=SHOP, date=day.isoformat(), green=green, totals=(), vat=(), digest="x", closed_by="nino", closed_at=NOON
    )


def find(*events: Event, days: int = 365, after: int = 366, **orders: object) -> list[ExpiredPerson]:
    """The expired people so many days after the order."""
    envelopes = [
        wrap(event, version=number, source="/tests", time=NOON + timedelta(seconds=number))
        for number, event in enumerate(events, start=1)
    ]
    return find_expired(envelopes, settings(**orders).shops, days, DAY + timedelta(days=after))


def test_a_buyer_expires_when_the_order_is_booked_old_and_its_day_closed() -> None:
    assert find(MADE, BOUGHT, SOLD, closed(DAY)) == [ExpiredPerson("p-1", (KEY,), DAY)]


KEPT: dict[str, tuple[Event, ...]] = {
    "the order is not booked": (MADE, BOUGHT, closed(DAY)),
    "its day is not closed": (MADE, BOUGHT, SOLD, closed(DAY - timedelta(days=1))),
    "its day was closed with differences": (MADE, BOUGHT, SOLD, closed(DAY, green=False)),
    "no day is closed": (MADE, BOUGHT, SOLD),
    "another shop's day is closed": (MADE, BOUGHT, SOLD, closed(DAY).model_copy(update={"shop": "other"})),
    "a later order is not done": (MADE, BOUGHT, SOLD, LATER, closed(DAY + timedelta(days=500))),
    "the buyer is forgotten already": (MADE, BOUGHT, SOLD, closed(DAY), GONE),
    "it was refunded later": (
        MADE, BOUGHT, SOLD, closed(DAY + timedelta(days=40)),
        refund("15.00", given_back(1, "15.00", quantity="1"), person=buyer_with_id()).model_copy(
            update={"created_at": PAID + timedelta(days=30)}
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("events", KEPT.values(), ids=KEPT.keys())
def test_a_buyer_is_kept_while(events: tuple[Event, ...]) -> None:
    assert find(*events) == []


@pytest.mark.parametrize(("after", "people"), [(365, 0), (366, 1)])
def test_the_days_are_counted_from_the_last_change(after: int, people: int) -> None:
    assert len(find(MADE, BOUGHT, SOLD, closed(DAY), after=after)) == people


def test_an_order_that_was_given_up_or_removed_needs_no_document() -> None:
    cancelled = BOUGHT.model_copy(update={"status": "cancelled"})
    removed = OrderRemoved(shop=SHOP, order_id=BOUGHT.order_id, observed_at=NOON)
    assert len(find(MADE, cancelled, closed(DAY))) == len(find(MADE, BOUGHT, removed, closed(DAY))) == 1


def test_locked_until_closes_days_too() -> None:
    assert len(find(MADE, BOUGHT, SOLD, locked_until=DAY)) == 1
    assert find(MADE, BOUGHT, SOLD, locked_until=DAY - timedelta(days=1)) == []


def test_a_later_day_closes_the_earlier_ones_and_a_new_order_starts_again() -> None:
    later_sale = SOLD.model_copy(update={"order_id": LATER.order_id})
    done = (MADE, BOUGHT, SOLD, LATER, later_sale, closed(DAY + timedelta(days=500)))
    assert find(*done, after=700) == []
    assert [one.orders for one in find(*done, after=400 + 366)] == [(KEY, f"{SHOP}:1043")]
