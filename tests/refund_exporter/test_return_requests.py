"""Return requests: read in whatever shape the shop has them, planned to the tetri, and never written."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from contracts.model import Event
from contracts.operations import CommandSettled
from contracts.reasons import Reason
from contracts.returns import ReturnPlanned
from services.accounting.documents.push import READING
from services.accounting.documents.return_requests import (
    RequestedLine,
    RequestInvalid,
    ReturnRequest,
    parse_requests,
    resolve_lines,
    select_request,
)
from services.engine.outbox.decision import NOTHING, Decision
from services.refund_exporter.handlers import handlers
from services.settings.model import Settings
from services.settings.orders import ReturnFields, ReturnSettings
from services.store_feed.handlers import READ
from services.store_feed.handlers import handlers as feed_handlers
from tests.refund_exporter.refund_bench import CUP, PARCEL, SALE, TEA
from tests.refund_exporter.sample_returns import ASKED, asks, returning
from tests.support.exporting import KEY, SHOP, given_back, line, refund
from tests.support.memory_state import Consumer

LINE = {"line_id": 12, "quantity": 1}
ONE = (RequestedLine(Decimal(1), line=12),)


# -- reading


@pytest.mark.claim("S0.25")
@pytest.mark.parametrize(
    ("value", "found"),
    [
        (None, ()),
        ("", ()),
        ([], ()),
        ([LINE], (ReturnRequest("1", ONE),)),
        (LINE, (ReturnRequest("1", ONE),)),
        ('[{"line_id": "12", "quantity": "1"}]', (ReturnRequest("1", ONE),)),
        ({"id": "R-7", "lines": [LINE]}, (ReturnRequest("R-7", ONE),)),
        (
            [{"id": 7, "lines": [LINE]}, {"lines": {"0": LINE, "2": LINE}}],
            (ReturnRequest("7", ONE), ReturnRequest("2", ONE * 2)),
        ),
        ({"requests": {"1": {"id": "a", "lines": '[{"line_id": 12, "quantity": 1.0}]'}}}, (ReturnRequest("a", ONE),)),
        ([{"line_id": 11, "quantity": 0}, {"line_id": 13}, LINE], (ReturnRequest("1", ONE),)),
        (
            [{"product_id": 0, "sku": " TEA ", "quantity": "0.5"}],
            (ReturnRequest("1", (RequestedLine(Decimal("0.5"), sku="TEA"),)),),
        ),
        (
            [{"product_id": 31, "sku": "TEA", "quantity": 2}],
            (ReturnRequest("1", (RequestedLine(Decimal(2), product=31, sku="TEA"),)),),
        ),
    ],
)
def test_a_request_is_read_in_the_shapes_that_plugins_write(value: Any, found: tuple[ReturnRequest, ...]) -> None:
    assert parse_requests(value, ReturnFields()) == found


@pytest.mark.claim("S0.25")
def test_the_shops_own_names_of_the_fields_are_settings() -> None:
    fields = ReturnFields(requests="rma", id="no", lines="goods", line="item", quantity="qty")
    value = {"rma": [{"no": "9", "goods": [{"item": 12, "qty": 1}]}]}
    assert parse_requests(value, fields) == (ReturnRequest("9", ONE),)


@pytest.mark.claim("S0.25")
@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("{broken", "not valid JSON"),
        pytest.param("[" * 100_000, "not valid JSON", id="nested too deep"),
        (17, "the requests are not a list"),
        ([LINE, "x"], "a line of request 1 is not an object"),
        ([{"lines": [LINE]}, LINE], "request 2 is empty"),
        ([{"lines": [LINE | {"quantity": "two"}]}], "request 1: quantity is not a number"),
        ([LINE | {"quantity": -1}], "not a quantity that can be returned"),
        ([LINE | {"quantity": "NaN"}], "not a quantity that can be returned"),
        ([LINE | {"quantity": "1e400000000"}], "not a quantity that can be returned"),
        ([LINE | {"quantity": True}], "quantity is not a number"),
        ([LINE | {"line_id": "abc"}], "request 1: line_id is not an id"),
        ([LINE | {"line_id": True}], "request 1: line_id is not an id"),
        ([{"quantity": 1}], "has none of line_id, product_id and sku"),
        ([{"id": "Nino from Vake", "lines": [LINE]}], "its id is not a number or short name"),
        ([{"id": 7, "lines": [LINE]}, {"id": "7", "lines": [LINE]}], "two requests have the same id"),
    ],
)
def test_an_unreadable_request_is_refused_with_the_reason(value: Any, message: str) -> None:
    with pytest.raises(RequestInvalid, match=message) as caught:
        parse_requests(value, ReturnFields())
    assert caught.value.reason is Reason.REFUND_REQUEST_INVALID


# -- which request, which lines

TWO = (ReturnRequest("7", ONE), ReturnRequest("8", ONE))


@pytest.mark.parametrize(
    ("requests", "wanted", "message"),
    [
        ((), None, "there is no return request"),
        (TWO, None, "several return requests, name one: 7, 8"),
        (TWO, "9", "no return request 9, only 7, 8"),
    ],
)
def test_a_request_that_is_not_the_one_is_not_guessed_at(
    requests: tuple[ReturnRequest, ...], wanted: str | None, message: str
) -> None:
    with pytest.raises(RequestInvalid, match=message):
        select_request(requests, wanted)
    assert select_request(TWO, "8").id == "8"


ORDERED = (
    line(1, "10.00", product=311, sku="TEA"),
    line(2, "10.00", product=312, variation_id=401, sku="CUP-RED"),
    line(3, "10.00", product=312, variation_id=402, sku="CUP-BLUE"),
    line(4, "5.00", kind="shipping"),
)


@pytest.mark.parametrize(
    ("wanted", "line_id"),
    [({"line": 2}, 2), ({"line": 1, "sku": "else"}, 1), ({"product": 402}, 3), ({"sku": "TEA"}, 1)],
)
def test_a_line_is_found_by_its_id_its_product_or_its_sku(wanted: dict[str, Any], line_id: int) -> None:
    request = ReturnRequest("7", (RequestedLine(Decimal(1), **wanted), RequestedLine(Decimal(2), **wanted)))
    assert [(each.order_line_id, each.quantity) for each in resolve_lines(request, ORDERED)] == [(line_id, Decimal(3))]


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"line": 4}, "line 4 is not a product of the order"),
        ({"sku": "tea"}, "SKU tea is not a product of the order"),
        ({"product": 312}, "product 312 is on lines 2, 3 of the order: name the line"),
    ],
)
def test_what_is_no_one_line_of_the_order_is_refused(wanted: dict[str, Any], message: str) -> None:
    with pytest.raises(RequestInvalid, match=message):
        resolve_lines(ReturnRequest("7", (RequestedLine(Decimal(1), **wanted),)), ORDERED)


@pytest.mark.parametrize(
    "given",
    [
        {"source": "meta"},
        {"source": "rest"},
        {"source": "rest", "path": "/wp-json/x"},
        {"path": "https://else/{order}"},
    ],
)
def test_a_source_needs_its_place_in_the_shop(given: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        ReturnSettings.model_validate(given)
    assert ReturnSettings().source == "off"


# -- the plan


def sold(using: Settings | None = None) -> Consumer:
    service = Consumer(handlers(using or returning()))
    service.take(SALE)
    return service


def plan_of(decision: Decision) -> ReturnPlanned:
    [plan] = [event for event in decision.announce if isinstance(event, ReturnPlanned)]
    return plan


def answer_of(decision: Decision) -> CommandSettled:
    [answer] = [event for event in decision.announce if isinstance(event, CommandSettled)]
    return answer


@pytest.mark.claim("S0.25")
@pytest.mark.parametrize(
    ("pieces", "rows"),
    [
        ([(TEA, "1")], [(TEA, "1", "15.00", "2.29")]),
        ([(TEA, "4")], [(TEA, "4", "60.00", "9.15")]),
        ([(TEA, "0.333")], [(TEA, "0.333", "5.00", "0.76")]),
        ([(CUP, "1"), (TEA, "2")], [(CUP, "1", "30.00", "0.00"), (TEA, "2", "30.00", "4.58")]),
    ],
)
def test_the_plan_credits_the_pieces_at_the_prices_and_vat_of_the_sale(
    pieces: list[tuple[int, str]], rows: list[tuple[int, str, str, str]]
) -> None:
    plan = plan_of(sold().take(asks(*pieces))[KEY])
    assert [(r.order_line_id, str(r.quantity), str(r.amount), f"{r.vat:.2f}") for r in plan.lines] == rows
    assert (plan.total, plan.date, plan.sale) == (sum(Decimal(row[2]) for row in rows), "2026-03-05", SALE.sale)
    assert (plan.sent["OperationType"], plan.sent["BaseDocument"]) == ("დაბრუნება", SALE.sale)
    assert plan.sent["Comments"] == "Return request R-7 of order 1042, shop main"


@pytest.mark.claim("S0.25")
def test_a_request_writes_nothing_and_is_answered_once() -> None:
    service = sold(returning(approve_first=5))
    decision = service.take(asks((TEA, "1")))[KEY]
    assert (decision.deliveries, decision.refuse, len(decision.announce)) == ((), (), 2)
    assert answer_of(decision).detail.endswith("planned; nothing is written to Balance or the shop")
    assert service.take(answer_of(decision), SALE)[KEY] == NOTHING


@pytest.mark.claim("S0.25")
def test_a_dry_run_describes_the_credit_note_and_keeps_no_plan() -> None:
    decision = sold().take(asks((TEA, "1"), dry_run=True))[KEY]
    assert [type(event) for event in decision.announce] == [CommandSettled]
    assert "a credit note of 15.00 GEL, VAT 2.29" in answer_of(decision).detail


@pytest.mark.claim("S0.25")
def test_the_refund_of_the_same_pieces_becomes_the_same_credit_note_once_and_the_request_is_used_up() -> None:
    service = sold()
    planned = service.take(asks((TEA, "1"), (TEA, "0.5")))[KEY]
    service.take(answer_of(planned))
    [delivery] = service.take(refund("22.50", given_back(TEA, "22.50", quantity="1.5")))[KEY].deliveries
    plan = plan_of(planned)
    kept = ("total", "vat", "lines", "sale")
    assert {name: delivery.payload[name] for name in kept} == {name: plan.content()[name] for name in kept}
    again = service.take(asks((TEA, "3"), command_id="return-2"))[KEY]
    assert answer_of(again).outcome == "refused"
    assert "2.5 are left on the Sale" in answer_of(again).detail


@pytest.mark.parametrize(
    ("flow", "facts", "pieces", "message"),
    [
        ("off", [SALE], (TEA, "1"), 'flows.refunds is "off"'),
        ("live", [], (TEA, "1"), "no Sale in Balance yet"),
        ("live", [SALE], (99, "1"), "line 99 is not in its Sale"),
        ("live", [SALE], (PARCEL, "1"), "line 3 is not in its Sale"),
        ("live", [SALE], (TEA, "5"), "4 are left on the Sale"),
        ("live", [SALE], (TEA, "-1"), "a negative number of them"),
    ],
)
def test_where_there_can_be_no_credit_note_the_accountant_hears_why(
    flow: str, facts: list[Event], pieces: tuple[int, str], message: str
) -> None:
    service = Consumer(handlers(returning(flow)))
    decision = service.take(*facts, asks(pieces))[KEY]
    answer = answer_of(decision)
    assert (answer.outcome, len(decision.announce), message in answer.detail) == ("refused", 1, True)


def test_money_that_was_given_back_on_a_line_before_is_not_given_back_again() -> None:
    service = sold()
    service.take(refund("50.00", given_back(TEA, "50.00")))
    assert plan_of(service.take(asks((TEA, "1")))[KEY]).total == Decimal("10.00")


def test_a_refund_that_the_shop_has_and_the_books_do_not_know_yet_is_waited_for() -> None:
    service = sold()
    waiting = service.take(asks((TEA, "3"), refund_ids=(1051,)))[KEY]
    assert (waiting.announce, waiting.again_at) == ((), ASKED + READING)
    read = service.take(refund("30.00", given_back(TEA, "30.00", quantity="2")))[KEY]
    assert "2 are left on the Sale" in answer_of(read).detail


def test_a_refund_that_never_comes_lets_nothing_be_planned() -> None:
    service = sold()
    service.take(asks((TEA, "1"), refund_ids=(1051,)))
    late = service.again(KEY, ASKED + READING)
    assert (answer_of(late).outcome, late.again_at) == ("refused", None)
    assert "refund 1051 of its order is not read yet" in answer_of(late).detail


def test_the_order_of_a_pushed_request_is_read_again() -> None:
    feed = Consumer(feed_handlers([SHOP]))
    assert [each.kind for each in feed.take(asks((TEA, "1")))[KEY].deliveries] == [READ]
