"""How dead letters are filtered and grouped, and how their replay is planned."""

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
from tests.cli.dead_letter_events import NOW, dead_letters, failed_delivery, failed_record, settled

pytestmark = pytest.mark.claim("S1.18")
OLD = failed_delivery(1, at=NOW - timedelta(days=3))
OTHER = failed_delivery(2, Reason.SALE_ITEM_NOT_LINKED, order=1001, blocked_on="link:main:311")
BROKEN = failed_record(3)
EVERY = dead_letters(OLD, OTHER, BROKEN)


@pytest.mark.parametrize(
    ("wanted", "expected"),
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
def test_a_filter_selects_matching_dead_letters(wanted: DeadLetterFilter, expected: set[int]) -> None:
    assert {int(one.id) for one in wanted.select(EVERY)} == expected


def test_a_record_of_balance_is_about_no_shop_and_no_order() -> None:
    (one,) = dead_letters(failed_record())
    assert (one.shop, one.order) == (None, None)


@pytest.mark.parametrize(
    "wanted",
    [DeadLetterFilter(reasons=("balance.closed",)), DeadLetterFilter(flow="sales"), DeadLetterFilter(shop="mian")],
)
def test_an_unknown_name_is_refused_and_the_known_ones_are_listed(wanted: DeadLetterFilter) -> None:
    with pytest.raises(InvalidArgument, match=r"Known: .*(balance\.period-closed|orders|main)"):
        check_filter(wanted, ["order-exporter"], ["main"], EVERY)


def test_a_failed_replay_keeps_the_time_of_the_first_failure() -> None:
    again = failed_delivery(1, replays=1, at=NOW)
    (one,) = dead_letters(OLD, settled(OLD), again)
    assert (one.since, one.open, len(one.history)) == (OLD.at, True, 3)
    (reopened,) = dead_letters(OLD, settled(OLD), failed_delivery(1, at=NOW))
    assert reopened.since == NOW


def test_groups_are_sorted_oldest_first_and_omit_closed_dead_letters() -> None:
    found = group_by_reason(
        dead_letters(OTHER, OLD, failed_delivery(4, order=999), BROKEN, settled(BROKEN, "discarded"))
    )
    assert [(group.reason, len(group.dead_letters)) for group in found] == [
        (Reason.BALANCE_PERIOD_CLOSED, 2),
        (Reason.SALE_ITEM_NOT_LINKED, 1),
    ]


def test_the_fix_contains_a_command_that_can_be_run() -> None:
    one, two = dead_letters(OLD), dead_letters(OLD, failed_delivery(4, order=999))
    assert "davtari dead-letters replay 00000001" in describe_fix(one, "en")
    assert "davtari dead-letters replay --reason-code balance.period-closed" in describe_fix(two, "ka")


def test_the_last_line_states_which_deliveries_are_pending() -> None:
    here = ServiceStatus("order-exporter", "g1")
    here.waiting = [
        WaitingDeliveries("l", "pending", 2, NOW.timestamp() - 4),
        WaitingDeliveries("l", "blocked", 3, 0.0),
    ]
    assert "2 more deliveries are pending, the oldest for 4 s. 3 are blocked" in describe_other_work([here], NOW)
    assert "No delivery is pending" in describe_other_work([ServiceStatus("order-exporter", "g1")], NOW)
    assert "another machine" in describe_other_work([ServiceStatus("order-exporter")], NOW)


@pytest.mark.parametrize(
    ("seconds", "text"), [(-3, "0 s"), (4, "4 s"), (119, "119 s"), (180, "3 min"), (7200, "2 h"), (260_000, "3 d")]
)
def test_an_age_is_shown_in_its_largest_unit(seconds: float, text: str) -> None:
    assert format_age(seconds) == text


def test_a_route_states_the_target_and_the_action() -> None:
    planned = plan_routes(EVERY, 3, in_bulk=True)
    assert [(route.target, route.action, route.held_back) for route in planned] == [
        ("order-exporter: balance.documents", "computed again and sent", ""),
        ("order-exporter: balance.documents", "decided again, blocked on link:main:311", ""),
        ("stock-publisher: davtari.balance.stock/0/7", "read again", ""),
    ]
    assert count_reasons(planned)[Reason.BALANCE_PERIOD_CLOSED] == 1


def test_a_bulk_replay_holds_back_what_failed_repeatedly_but_a_replay_by_id_does_not() -> None:
    found = dead_letters(failed_delivery(1, replays=3))
    assert "replayed 3 times without success" in plan_routes(found, 3, in_bulk=True)[0].held_back
    assert plan_routes(found, 4, in_bulk=True)[0].held_back == ""
    assert plan_routes(found, 3, in_bulk=False)[0].held_back == ""


def test_a_closed_dead_letter_is_held_back() -> None:
    (route,) = plan_routes(dead_letters(OLD, settled(OLD)), 3, in_bulk=False)
    assert route.held_back == "already replayed"


def test_a_dead_letter_is_found_by_the_start_of_its_id() -> None:
    by_id = {one.event.dead_letter: one for one in EVERY}
    assert find_dead_letter(by_id, "00000002").event == OTHER
