"""Which dead letters a person means, how they are grouped, and where each one goes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from contracts.reasons import Reason
from services.cli.command import InvalidArgument
from services.cli.dead_letter_log import find_dead_letter
from services.cli.dead_letters.grouping import describe_fix, describe_other_work, format_age, group_by_reason
from services.cli.dead_letters.replay import count_reasons, plan_routes
from services.cli.dead_letters.selection import DeadLetterFilter, check_filter
from services.cli.service_status import ServiceStatus, WaitingDeliveries
from tests.cli.letters_given import NOW, closed, delivery, letters, record

pytestmark = pytest.mark.claim("S1.18")
OLD = delivery(1, at=NOW - timedelta(days=3))
OTHER = delivery(2, Reason.SALE_ITEM_NOT_LINKED, order=1001, blocked_on="link:main:311")
BROKEN = record(3)
EVERY = letters(OLD, OTHER, BROKEN)


@pytest.mark.parametrize(
    ("choice", "meant"),
    [
        (DeadLetterFilter(), {1, 2, 3}),
        (DeadLetterFilter(reasons=(Reason.BALANCE_PERIOD_CLOSED, Reason.RECORD_INVALID_DATA)), {1, 3}),
        (DeadLetterFilter(flow="orders"), {1, 2}),
        (DeadLetterFilter(flow="stock"), {3}),
        (DeadLetterFilter(flow="order-exporter", order=1001), {2}),
        (DeadLetterFilter(shop="main"), {1, 2}),
        (DeadLetterFilter(since=NOW - timedelta(days=1)), {2, 3}),
        (DeadLetterFilter(until=NOW - timedelta(days=1)), {1}),
        (DeadLetterFilter(shop="main", order=998, since=NOW), set()),
    ],
)
def test_filters_leave_what_is_meant(choice: DeadLetterFilter, meant: set[int]) -> None:
    assert {int(one.id) for one in choice.of(EVERY)} == meant


def test_a_record_of_balance_is_about_no_shop_and_no_order() -> None:
    (one,) = letters(record())
    assert (one.shop, one.order) == (None, None)


@pytest.mark.parametrize(
    "choice",
    [DeadLetterFilter(reasons=("balance.closed",)), DeadLetterFilter(flow="sales"), DeadLetterFilter(shop="mian")],
)
def test_a_name_that_nothing_has_is_refused_with_those_that_there_are(choice: DeadLetterFilter) -> None:
    with pytest.raises(InvalidArgument, match=r"Known: .*(balance\.period-closed|orders|main)"):
        check_filter(choice, ["order-exporter"], ["main"], EVERY)


def test_a_trouble_is_as_old_as_its_first_letter_however_often_it_was_replayed() -> None:
    again = delivery(1, replays=1, at=NOW)
    (one,) = letters(OLD, closed(OLD), again)
    assert (one.since, one.open, len(one.history)) == (OLD.at, True, 3)
    (anew,) = letters(OLD, closed(OLD), delivery(1, at=NOW))
    assert anew.since == NOW


def test_groups_come_oldest_first_and_leave_out_what_is_closed() -> None:
    found = group_by_reason(letters(OTHER, OLD, delivery(4, order=999), BROKEN, closed(BROKEN, "discarded")))
    assert [(group.reason, len(group.letters)) for group in found] == [
        (Reason.BALANCE_PERIOD_CLOSED, 2),
        (Reason.SALE_ITEM_NOT_LINKED, 1),
    ]


def test_what_to_do_is_a_command_that_can_be_typed() -> None:
    one, two = letters(OLD), letters(OLD, delivery(4, order=999))
    assert "davtari dead-letters replay 00000001" in describe_fix(one, "en")
    assert "davtari dead-letters replay --reason-code balance.period-closed" in describe_fix(two, "ka")


def test_the_last_line_says_what_else_waits() -> None:
    here = ServiceStatus("order-exporter", "g1")
    here.waiting = [
        WaitingDeliveries("l", "pending", 2, NOW.timestamp() - 4),
        WaitingDeliveries("l", "blocked", 3, 0.0),
    ]
    assert "2 more deliveries are pending, the oldest for 4 s. 3 wait for something" in describe_other_work([here], NOW)
    assert "no delivery is pending" in describe_other_work([ServiceStatus("order-exporter", "g1")], NOW)
    assert "another machine" in describe_other_work([ServiceStatus("order-exporter")], NOW)


@pytest.mark.parametrize(
    ("seconds", "told"), [(-3, "0 s"), (4, "4 s"), (119, "119 s"), (180, "3 min"), (7200, "2 h"), (260_000, "3 d")]
)
def test_an_age_is_told_in_the_unit_that_says_it(seconds: float, told: str) -> None:
    assert format_age(seconds) == told


def test_the_routing_table_says_where_each_goes_and_what_will_happen() -> None:
    ways = plan_routes(EVERY, 3, in_bulk=True)
    assert [(way.target, way.happens, way.stays) for way in ways] == [
        ("order-exporter: balance.documents", "computed anew and sent", ""),
        ("order-exporter: balance.documents", "decided again, waits for link:main:311", ""),
        ("stock-publisher: davtari.balance.stock/0/7", "read again", ""),
    ]
    assert count_reasons(ways)[Reason.BALANCE_PERIOD_CLOSED] == 1


def test_in_bulk_what_was_replayed_in_vain_stays_and_by_name_it_goes() -> None:
    found = letters(delivery(1, replays=3))
    assert "replayed in vain 3 times" in plan_routes(found, 3, in_bulk=True)[0].stays
    assert plan_routes(found, 4, in_bulk=True)[0].stays == ""
    assert plan_routes(found, 3, in_bulk=False)[0].stays == ""


def test_what_is_closed_stays() -> None:
    (way,) = plan_routes(letters(OLD, closed(OLD)), 3, in_bulk=False)
    assert way.stays == "replayed already: nothing to do"


def test_a_letter_is_found_by_the_start_of_its_id() -> None:
    by_id = {one.letter.dead_letter: one for one in EVERY}
    assert find_dead_letter(by_id, "00000002").letter == OTHER
