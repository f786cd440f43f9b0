"""Refunds of orders without a Sale of their own: each ends or waits with a reason."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from contracts.ledger import NothingToCredit, SaleRecorded
from contracts.model import Event
from contracts.operations import CommandSettled
from contracts.reasons import Reason
from contracts.shop import OrderChanged, OrderRemoved, RefundIssued, RefundLine
from services.console.model.event_text import describe_event
from services.engine.outbox.decision import NOTHING
from services.refund_exporter.handlers import handlers
from services.refund_exporter.tasks import CreditNoteTask
from services.settings.model import Settings
from tests.refund_exporter.refund_bench import recorded_note
from tests.support.exporting import (
    KEY,
    ORDER,
    PAID,
    SHOP,
    given_back,
    line,
    order,
    push,
    recorded_sale,
    refund,
    settings,
)
from tests.support.memory_state import Consumer

BACK = refund("15.00", given_back(1, "15.00", quantity="1"))
GONE = OrderRemoved(shop=SHOP, order_id=ORDER, observed_at=PAID)


def bought(**fields: Any) -> OrderChanged:
    return order(line(1, "60.00", quantity="4"), **{"refund_ids": (BACK.refund_id,)} | fields)


def consumer(using: Settings | None = None) -> Consumer:
    return Consumer(handlers(using or settings()))


@pytest.mark.parametrize("flow", ["live", "dry-run"])
@pytest.mark.parametrize(
    ("events", "why"),
    [
        ([bought(status="cancelled", paid_at=None), BACK], "is cancelled and never had a Sale"),
        ([BACK, bought(status="cancelled", paid_at=None)], "is cancelled and never had a Sale"),
        ([bought(status="cancelled"), BACK], "is cancelled and never had a Sale"),
        ([bought(status="failed", paid_at=None), BACK], "is failed and never had a Sale"),
        ([bought(status="refunded", paid_at=None), BACK], "is refunded and never had a Sale"),
        ([bought(), BACK, GONE], "its order was removed from the shop"),
    ],
    ids=["cancelled", "refund first", "paid and cancelled", "failed", "refunded without payment", "removed"],
)
def test_a_refund_of_an_order_that_never_had_a_sale_ends_as_nothing_to_credit(
    events: list[Event], why: str, flow: str
) -> None:
    service = consumer(settings(flow))
    for event in events:
        service.take(event)
    [event] = service.decisions[KEY].announce
    assert isinstance(event, NothingToCredit)
    assert (event.refund_id, event.amount) == (BACK.refund_id, Decimal("15.00"))
    assert why in event.why
    assert f"nothing to credit: {event.why}" in str(describe_event(event))
    assert service.decisions[KEY].deliveries == service.decisions[KEY].refuse == ()
    service.take(event)
    assert service.take(bought(status="cancelled", paid_at=None) if why.startswith("is cancelled") else BACK)[KEY] == (
        NOTHING
    )


@pytest.mark.parametrize(
    "fields",
    [{}, {"status": "refunded"}, {"status": "on-hold", "paid_at": None}, {"status": "pending", "paid_at": None}],
)
def test_a_refund_whose_order_may_still_get_its_sale_waits_by_name(fields: dict[str, Any]) -> None:
    service = consumer()
    service.take(bought(**fields), BACK)
    [waiting] = service.decisions[KEY].deliveries
    assert waiting.blocked is not None
    assert waiting.blocked.reason == Reason.REFUND_SALE_MISSING


def test_an_order_that_comes_back_and_is_sold_has_its_refund_credited() -> None:
    service = consumer()
    service.take(bought(status="cancelled", paid_at=None), BACK)
    service.take(bought())
    [delivery] = service.take(recorded_sale(bought(), settings()))[KEY].deliveries
    assert CreditNoteTask.model_validate(delivery.payload).total == Decimal("15.00")


def test_a_push_of_such_a_refund_is_answered_with_the_reason() -> None:
    service = consumer()
    service.take(bought(status="cancelled", paid_at=None), BACK)
    decision = service.take(push("refund", refund_id=BACK.refund_id))[KEY]
    [answer] = [event for event in decision.announce if isinstance(event, CommandSettled)]
    assert answer.outcome == "refused"
    assert "never had a Sale" in answer.detail


# -- parts of another order


@pytest.mark.claim("K26")
def test_a_refund_of_a_part_names_the_parent_whose_sale_contains_it() -> None:
    service = consumer(settings(sub_orders={"dokan": "part-of-parent"}))
    service.take(bought(parent_id=5001, created_via="dokan"), BACK)
    [refusal] = service.decisions[KEY].refuse
    assert refusal.reason == Reason.REFUND_OF_PART
    assert "refund 1051 of order 1042 of shop main: its order is part of order 5001" in refusal.detail
    assert service.decisions[KEY].deliveries == ()


@pytest.mark.claim("K26")
@pytest.mark.parametrize("sub_orders", [{}, {"dokan": "own-order"}])
def test_a_refund_of_one_that_is_not_a_part_waits_for_its_own_sale(sub_orders: dict[str, str]) -> None:
    using = settings(sub_orders=sub_orders)
    service = consumer(using)
    service.take(bought(parent_id=5001, created_via="dokan"), BACK)
    [waiting] = service.decisions[KEY].deliveries
    assert waiting.blocked is not None
    [goes] = service.take(recorded_sale(bought(), using))[KEY].deliveries
    assert goes.blocked is None


# -- signs and what the shop shows differently later


@pytest.mark.parametrize(
    "wrong",
    [
        refund("15.00", given_back(1, "15.00", quantity="-1")),
        refund("0.00", given_back(1, "0.00", quantity="-1")),
        refund("15.00", given_back(1, "-15.00", quantity="1"), given_back(2, "30.00", kind="fee")),
    ],
    ids=["pieces", "pieces without money", "money"],
)
def test_a_refund_line_with_the_wrong_sign_is_named(wrong: RefundIssued) -> None:
    sale = recorded_sale(order(line(1, "60.00", quantity="4"), line(2, "40.00", kind="fee")), settings())
    [refusal] = consumer().take(sale, wrong)[KEY].refuse
    assert refusal.reason == Reason.REFUND_WRONG_SIGN
    assert "which has the wrong sign" in refusal.detail
    assert "line 9001" in refusal.detail


def test_goods_booked_as_a_discount_bring_no_goods_back() -> None:
    sale = recorded_sale(order(line(1, "60.00", quantity="4"), line(2, "-5.00")), settings())
    back = refund("55.00", given_back(1, "60.00", quantity="4"), given_back(2, "-5.00", quantity="1"))
    [delivery] = consumer().take(sale, back)[KEY].deliveries
    lines = CreditNoteTask.model_validate(delivery.payload).lines
    assert [(each.kind, each.quantity, each.amount) for each in lines] == [
        ("product", 4, Decimal("60.00")),
        ("fee", 0, Decimal("-5.00")),
    ]


@pytest.mark.claim("K27")
@pytest.mark.parametrize(
    ("now", "changed"),
    [
        (refund("15", given_back(1, "15", quantity="1")), False),
        (refund("15.000", given_back(1, "15.00", quantity="1", line_id=77)), False),
        (refund("15.00", given_back(1, "15.00", quantity="1", total=Decimal("15.00"), total_tax=Decimal(0))), False),
        (refund("14.00", given_back(1, "14.00", quantity="1")), True),
        (refund("15.00", given_back(1, "15.00", quantity="2")), True),
    ],
    ids=["no decimals", "line written again", "net and tax parted otherwise", "amount", "pieces"],
)
def test_a_recorded_refund_is_changed_only_where_its_credit_note_would_be(now: RefundIssued, changed: bool) -> None:
    service = consumer()
    service.take(recorded_sale(bought(), settings()), BACK)
    [delivery] = service.decisions[KEY].deliveries
    service.take(recorded_note(CreditNoteTask.model_validate(delivery.payload)))
    reasons = [each.reason for each in service.take(now)[KEY].refuse]
    assert reasons == ([Reason.REFUND_AMOUNT_DIFFERS] if changed else [])


# -- a fee that was sold at several rates


@pytest.mark.parametrize(
    ("sold", "refunds"),
    [
        (("0.01", "0.01"), [("0.01", ["0.01", "0.00"]), ("0.01", ["0.00", "0.01"])]),
        (("0.02", "0.01"), [("0.01", None), ("0.01", None), ("0.01", None)]),
        (("-0.03", "-0.03"), [("-0.01", None)] * 6),
        (("-3.71", "-0.19"), [("-1.30", None), ("-1.30", None), ("-1.30", None)]),
    ],
)
def test_the_last_refund_of_a_fee_takes_the_exact_remainder_of_each_rate(
    sold: tuple[str, str], refunds: list[tuple[str, list[str] | None]]
) -> None:
    sale, left = sold_fee(*map(Decimal, sold)), [Decimal(amount) for amount in sold]
    service = consumer()
    service.take(sale)
    for number, (gross, expected) in enumerate(refunds, start=1):
        shares = credited(service, refund(gross, fee_back(gross), refund_id=number))
        assert expected in (None, [str(share) for share in shares])
        left = [rest - share for rest, share in zip(left, shares, strict=True)]
        assert all(rest * Decimal(was) >= 0 for rest, was in zip(left, sold, strict=True)), "no rate is overdrawn"
    assert left == [0, 0]


def sold_fee(*amounts: Decimal) -> SaleRecorded:
    """A Sale of goods, and of a fee at 18 % and at 0 % that was one line of the order."""
    whole = recorded_sale(order(line(1, "600.00"), line(2, "1.00", kind="fee")), settings())
    goods, fee = whole.lines
    fees = [
        fee.model_copy(update={"amount": amount, "vat": Decimal(0), "vat_percent": Decimal(percent)})
        for amount, percent in zip(amounts, (18, 0), strict=True)
    ]
    rows = [*whole.sent["Items"], whole.sent["Items"][1]]
    total = goods.amount + sum(amounts)
    return whole.model_copy(update={"lines": (goods, *fees), "total": total, "sent": whole.sent | {"Items": rows}})


def fee_back(gross: str) -> RefundLine:
    return given_back(2, gross, kind="fee", total=Decimal(gross), total_tax=Decimal(0))


def credited(service: Consumer, back: RefundIssued) -> list[Decimal]:
    """What the refund's credit note takes of each rate; it is recorded."""
    if back.amount < 0:
        back = refund(str(60 + back.amount), given_back(1, "60.00"), *back.lines, refund_id=back.refund_id)
    [delivery] = service.take(back)[KEY].deliveries
    task = CreditNoteTask.model_validate(delivery.payload)
    service.take(recorded_note(task))
    return [sum((each.amount for each in task.lines if each.sale_line == at), Decimal("0.00")) for at in (2, 3)]
