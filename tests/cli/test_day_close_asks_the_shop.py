"""The close of a day reads the shop again, and is not signed if the shop does not answer (claim K32)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from contracts.closing import DayClosed
from contracts.model import Event
from contracts.operations import DeadLettered
from contracts.shop import OrderRemoved, OrderUnreadable, RefundUnreadable
from services.cli.day_close.app import print_close
from services.cli.day_close.shop_now import ShopQuery, single_day
from services.cli.day_close.sources import entries_from_shop
from services.console.model.days.close import close_day
from services.settings.model import Settings
from tests.cli.day_events import (
    DAY,
    NOW,
    REFUND_DAY,
    USING,
    close_of,
    collect,
    recorded_credit_note,
    settled_dead_letter,
)
from tests.cli.sample_shop import Json, ShopDouble, answered
from tests.outbox.dead_letter_samples import dead_letter_of_delivery
from tests.support.exporting import (
    KEY,
    ORDER,
    PAID,
    PLACED,
    SHOP,
    given_back,
    line,
    order,
    recorded_sale,
    refund,
    settings,
)

pytestmark = [pytest.mark.claim("K32", "I2")]
BOUGHT = order(line(1, "118.00", quantity="2"))
SALE = recorded_sale(BOUGHT, USING)
BACK = refund("59.00", given_back(1, "59.00", quantity="1"))
NOTE = recorded_credit_note(BACK, BOUGHT)
GONE = OrderRemoved(shop=SHOP, order_id=ORDER, observed_at=PAID)


async def close(shop: ShopDouble, *events: Event, date: str = DAY, using: Settings = USING) -> DayClosed:
    """The close of the day after the shop was asked; its changes younger than two minutes may be unread."""
    known, day, rules = collect(*events), (SHOP, date), using.shops[SHOP]
    answer = await ShopQuery(SHOP, shop, known.of_shop(SHOP), single_day(date), rules.orders).run()
    found, asked = entries_from_shop(answer, known, day, rules, NOW - timedelta(minutes=2))
    return close_day(day, found, rules, "nino", NOW, asked=asked)


def named(day: DayClosed) -> list[tuple[str, str]]:
    """The differences by name, each with its amount."""
    return [(one.name, f"{one.amount:.2f}") for one in day.differences]


def unread_dead_letter() -> DeadLettered:
    """store-feed could not read the order."""
    return dead_letter_of_delivery("store-feed", KEY).model_copy(
        update={"reason": "shop.order-invalid", "detail": "total: 'much'"}
    )


async def test_a_shop_equal_to_the_topics_is_green_after_one_list() -> None:
    shop = ShopDouble(answered(BOUGHT))
    day = await close(shop, BOUGHT, SALE)
    assert (day.green, day.shop_asked, day.differences, shop.calls) == (True, True, (), ["list"])


async def test_a_thousand_orders_cost_one_list_and_those_that_differ_one_read_each() -> None:
    orders = [order(line(1, "10.00"), order_id=n, number=str(n)) for n in range(1, 1001)]
    shop = ShopDouble(*map(answered, orders))
    await close(shop, *orders[:-2])
    assert sorted(shop.calls) == ["list", "order 1000", "order 999"]


@dataclass(frozen=True)
class Case:
    """The content of shop and topics, and the expected differences: name, amount, and a part of the cause."""

    shop: Sequence[Json]
    topics: Sequence[Event]
    differences: Sequence[tuple[str, str]]
    cause: str
    date: str = DAY


def cases() -> dict[str, Case]:
    backfill = f"davtari backfill orders --shop main --from {DAY} --to {DAY}"
    later = f"davtari backfill orders --shop main --from {REFUND_DAY} --to {REFUND_DAY}"
    dearer = order(line(1, "128.00", quantity="2"))
    pending = order(line(1, "118.00"), status="pending", paid_at=None, created_at=PAID)
    unread = answered(BOUGHT) | {"line_items": [{"id": 1, "quantity": "a lot"}]}
    no_total = answered(BOUGHT) | {"total": "1,118.00"}
    odd_refund = answered(BOUGHT, BACK)
    odd_refund["refunds"][0]["whole"] = odd_refund["refunds"][0]["whole"] | {"amount": "some"}
    order_, refund_ = f"order:{ORDER}", f"refund:{ORDER}:1051"
    return {
        "a missing order": Case([answered(BOUGHT)], [], [(order_, "118.00")], backfill),
        "a missing order that is not due": Case([answered(pending)], [], [(order_, "0.00")], backfill),
        "it is removed in the topics": Case(
            [answered(BOUGHT)], [BOUGHT, SALE, GONE], [(order_, "0.00")], "it is not in the topics"
        ),
        "an order was deleted after its Sale": Case(
            [], [BOUGHT, SALE], [(order_, "-118.00")], "is deleted in the shop"
        ),
        "an order is in the trash": Case(
            [answered(BOUGHT, status="trash")], [BOUGHT, SALE], [(order_, "-118.00")], "in the trash of the shop"
        ),
        "an order was deleted before its Sale": Case([], [BOUGHT], [(order_, "0.00")], "still contain it: " + backfill),
        "another total": Case(
            [answered(dearer)], [BOUGHT, SALE], [(order_, "10.00")], "total: 128.00 in the shop, 118.00 in the topics"
        ),
        "given up in the shop": Case(
            [answered(BOUGHT, status="cancelled")], [BOUGHT, SALE], [(order_, "-118.00")],
            "status: cancelled in the shop",
        ),
        "another status that changes no figure": Case(
            [answered(BOUGHT, status="completed")], [BOUGHT, SALE], [(order_, "0.00")], "processing in the topics"
        ),
        "paid, but not yet in the topics": Case(
            [answered(BOUGHT)],
            [order(line(1, "118.00", quantity="2"), status="pending", paid_at=None)],
            [(order_, "118.00")],
            "paid: 02 Mar 2026 01:30 +04 in the shop, nothing in the topics",
        ),
        "a refund is missing in the topics": Case(
            [answered(BOUGHT, BACK)], [BOUGHT, SALE], [(refund_, "59.00")],
            f"refund 1051 of 59.00 is not in the topics: {later}", REFUND_DAY,
        ),
        "a refund is missing in the shop": Case(
            [answered(BOUGHT)], [BOUGHT, SALE, BACK, NOTE], [(refund_, "-59.00")],
            "refund 1051 of 59.00 is not in the shop any more", REFUND_DAY,
        ),
        "another refund amount": Case(
            [answered(BOUGHT, refund("60.00"))], [BOUGHT, SALE, BACK, NOTE], [(refund_, "1.00")],
            "refund 1051: 60.00 in the shop, 59.00 in the topics", REFUND_DAY,
        ),
        "a refund of an order that is missing in the topics": Case(
            [answered(BOUGHT, BACK)], [], [(refund_, "59.00")], "it is not in the topics", REFUND_DAY
        ),
        "an order that nobody can read": Case([unread], [], [(order_, "0.00")], "quantity"),
        "an order whose total is no amount": Case([no_total], [], [(order_, "0.00")], "total"),
        "an order that cannot be read any more": Case([no_total], [BOUGHT, SALE], [(order_, "0.00")], "total"),
        "an unread order with its dead letter": Case(
            [no_total], [unread_dead_letter()], [(order_, "0.00")], "davtari dead-letters show"
        ),
        "a refund that cannot be read": Case(
            [odd_refund], [BOUGHT, SALE], [(refund_, "0.00")], "amount", REFUND_DAY
        ),
    }  # fmt: skip


@pytest.mark.parametrize("case", cases().values(), ids=list(cases()))
async def test_every_difference_to_the_shop_is_listed_with_its_cause(case: Case) -> None:
    day = await close(ShopDouble(*case.shop), *case.topics, date=case.date)
    assert (day.green, named(day)) == (False, list(case.differences)), day.differences
    assert case.cause in day.differences[0].cause


def sound() -> dict[str, tuple[Sequence[Json], Sequence[Event]]]:
    young = order(line(1, "118.00", quantity="2"), modified_at=NOW - timedelta(seconds=30))
    euro = order(line(1, "10.00"), order_id=7, number="7", currency="EUR", status="pending", paid_at=None)
    unlisted = answered(BOUGHT, status="unlisted-status")
    other_day = order(line(1, "5.00"), order_id=8, number="8", created_at=PLACED - timedelta(days=9), paid_at=None,
                      modified_at=NOW - timedelta(days=1))  # fmt: skip
    return {
        "a draft of a checkout": ([answered(BOUGHT), answered(euro, status="checkout-draft")], [BOUGHT, SALE]),
        "a change that store-feed had no time to read": (
            [answered(young, status="completed")], [BOUGHT, SALE]
        ),
        "a status that the shop does not list": (
            [unlisted], [order(line(1, "118.00", quantity="2"), status="unlisted-status"), SALE]
        ),
        "a missing order of another day": ([answered(BOUGHT), answered(other_day)], [BOUGHT, SALE]),
        "a cancelled order that was deleted for good": (
            [answered(BOUGHT)], [BOUGHT, SALE, order(line(1, "9.00"), order_id=9, status="cancelled")]
        ),
        "an unpaid order in another currency": ([answered(BOUGHT), answered(euro)], [BOUGHT, SALE, euro]),
        "an order that both sides know as removed": ([], [BOUGHT, GONE]),
        "a dead letter that was closed": (
            [answered(BOUGHT)], [unread_dead_letter(), settled_dead_letter(unread_dead_letter()), BOUGHT, SALE]
        ),
    }  # fmt: skip


@pytest.mark.parametrize(("shop", "topics"), sound().values(), ids=list(sound()))
async def test_a_day_without_differences_is_green(shop: Sequence[Json], topics: Sequence[Event]) -> None:
    day = await close(ShopDouble(*shop), *topics)
    assert day.green, day.differences


@pytest.mark.parametrize("date", ["2026-03-01", DAY])
async def test_an_order_placed_before_midnight_and_paid_after_it_is_missed_on_both_days(date: str) -> None:
    """Placed on 1 March at 13:00, paid on 2 March at 01:30, Tbilisi time; its Sale belongs to the second day."""
    day = await close(ShopDouble(answered(BOUGHT)), date=date)
    assert named(day) == [(f"order:{ORDER}", "118.00" if date == DAY else "0.00")]


async def test_an_order_changed_a_moment_ago_is_not_reported_as_behind() -> None:
    young = order(line(1, "118.00", quantity="2"), modified_at=NOW - timedelta(seconds=30))
    [one] = (await close(ShopDouble(answered(young)))).differences
    assert (one.name, one.cause.startswith("it was changed in the shop a moment ago")) == (f"order:{ORDER}", True)


async def test_orders_placed_on_the_day_are_counted_on_both_sides_by_status_and_currency() -> None:
    here, there = (order(line(1, "5.00"), order_id=n, number=str(n), created_at=PAID) for n in (7, 8))
    draft = answered(order(line(1, "1.00"), order_id=9, created_at=PAID), status="checkout-draft")
    day = await close(ShopDouble(answered(here), answered(there), draft), here)
    found = [(one.status, one.shop_count, one.shop, one.topics_count, one.topics) for one in day.placed]
    assert found == [
        ("checkout-draft", 1, Decimal("1.00"), 0, Decimal("0.00")),
        ("processing", 2, Decimal("10.00"), 1, Decimal("5.00")),
    ]


def test_a_day_is_not_green_if_the_shop_did_not_answer(capsys: pytest.CaptureFixture[str]) -> None:
    day = close_of(BOUGHT, SALE, asked=None)
    assert (day.green, day.shop_asked, day.differences) == (False, False, ())
    print_close(day, None, ("shop main was not asked: no connection",))
    output = capsys.readouterr().out
    assert "no connection" in output and "not signed" in output and "Green" not in output


async def test_parts_of_another_order_are_counted_separately_and_booked_with_their_parent() -> None:
    parts = settings(sub_orders={"marketplace": "part-of-parent"})
    whole = order(line(1, "118.00", quantity="2"), created_at=PAID)
    part = {"order_id": 7, "number": "7", "parent_id": ORDER, "created_via": "marketplace", "created_at": PAID}
    half = order(line(1, "59.00"), **part)
    shop = ShopDouble(answered(whole), answered(half))
    day = await close(shop, whole, recorded_sale(whole, USING), half, using=parts)
    assert day.green, day.differences
    assert [(one.part_of_parent, one.shop_count, one.shop) for one in day.placed] == [
        (False, 1, Decimal("118.00")),
        (True, 1, Decimal("59.00")),
    ]
    undecided = await close(shop, whole, recorded_sale(whole, USING), half)
    assert named(undecided) == [("order:7", "59.00")]


async def test_what_store_feed_cannot_read_is_listed_with_its_reason_code() -> None:
    common: dict[str, Any] = {"shop": SHOP, "order_id": ORDER, "observed_at": PAID}
    cached = OrderUnreadable(**common, reason="shop.order-outdated", detail="read alone it is older than in the list")
    pending = order(line(1, "118.00", quantity="2"), status="pending", paid_at=None)
    day = await close(ShopDouble(answered(BOUGHT)), pending, cached)
    assert [(one.reason, one.cause) for one in day.differences] == [
        ("shop.order-outdated", "read alone it is older than in the list (davtari explain shop.order-outdated)")
    ]
    odd = answered(BOUGHT, BACK)
    odd["refunds"][0]["whole"] = odd["refunds"][0]["whole"] | {"amount": "some"}
    sign = RefundUnreadable(
        **common, refund_id=1051, reason="shop.refund-invalid", detail="quantity 1 has a wrong sign"
    )
    back = await close(ShopDouble(odd), BOUGHT, SALE, sign, date=REFUND_DAY)
    assert [(one.name, one.reason) for one in back.differences] == [(f"refund:{ORDER}:1051", "shop.refund-invalid")]
